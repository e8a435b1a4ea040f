package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"cityhub/access"
	"cityhub/api/citymap"
	"cityhub/devices"
	"cityhub/geo"
)

const geoJSON = "application/geo+json"

// Selection are the parameters of the newest values and of their stream.
type Selection struct {
	Property string `query:"property" required:"true" doc:"Code of an observed property"`
	BBox     string `query:"bbox" doc:"minLon,minLat,maxLon,maxLat; minLon may exceed maxLon across the antimeridian; stations without a position are left out"`
}

type latestInput struct {
	Selection
	Filter
	WithQuality
	Limit int `query:"limit" minimum:"1" doc:"At most so many features; all when absent"`
}

type latestOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte `contentType:"application/geo+json"`
}

func (s *Server) latest() {
	register(s, huma.Operation{OperationID: "get-latest", Method: http.MethodGet, Path: base + "/latest",
		Summary: "The newest value of a property at every station", Tags: []string{"map"},
		Description: "GeoJSON FeatureCollection, one feature a station. Properties: thing (code), name, datastream (id), property, value, unit, time, received, quality (flags), state: ok, stale (older than three of its model's report intervals, at least five minutes) or unknown (old, and the model's interval is not known); where an alarm is open, its severity: info, warning, minor, major or critical. A station whose newest value has an unwanted flag (quality, exclude) is left out.",
		Responses:   s.geoResponses(StationCollection{}, "The stations"),
		Errors:      []int{http.StatusNotFound},
	}, access.ReadingRead, func(ctx context.Context, in *latestInput) (*huma.StreamResponse, error) {
		property, window, err := s.selected(ctx, in.Selection)
		if err != nil {
			return nil, err
		}
		keep, err := s.keeper(ctx, in.Filter)
		if err != nil {
			return nil, err
		}
		q := citymap.Look{Scope: access.ScopeOf(ctx), Keep: keep, Window: window, Unwanted: in.unwanted(), Now: s.o.Now().UnixNano()}
		all := s.city.Newest(property, &q, in.Limit)
		return &huma.StreamResponse{Body: func(ctx huma.Context) { answerParts(ctx, all) }}, nil
	})
}

// selected reads the parameters of the newest values.
func (s *Server) selected(ctx context.Context, in Selection) (*devices.ObservedProperty, *geo.Window, error) {
	window, err := parseBBox(in.BBox)
	if err != nil {
		return nil, nil, err
	}
	property, ok := s.o.Registry.Property(in.Property)
	if ok {
		return &property, window, nil
	}
	known, err := s.o.Registry.Properties.List(ctx, devices.Page{Limit: 1_000})
	if err != nil {
		return nil, nil, err
	}
	codes := make([]string, len(known))
	for i := range known {
		codes[i] = known[i].Code
	}
	slices.Sort(codes)
	detail := fmt.Sprintf("no property has the code %q; the known ones are: %s", in.Property, strings.Join(codes, ", "))
	return nil, nil, problem(http.StatusNotFound, "property: "+detail, FieldProblem{"property", detail})
}

func parseBBox(text string) (*geo.Window, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) != 4 {
		return nil, badParameter("bbox", "must be four numbers: minLon,minLat,maxLon,maxLat")
	}
	var n [4]float64
	for i, part := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, badParameter("bbox", fmt.Sprintf("%q is not a number", part))
		}
		n[i] = v
	}
	for _, corner := range []geo.Position{{Lon: n[0], Lat: n[1]}, {Lon: n[2], Lat: n[3]}} {
		if err := corner.Validate(); err != nil {
			return nil, badParameter("bbox", err.Error())
		}
	}
	if n[1] > n[3] {
		return nil, badParameter("bbox", "minLat exceeds maxLat")
	}
	return &geo.Window{MinLon: n[0], MinLat: n[1], MaxLon: n[2], MaxLat: n[3]}, nil
}

// answerParts sends GeoJSON, packed where the caller takes that.
func answerParts(ctx huma.Context, all *citymap.Parts) {
	fc := humafiber.Unwrap(ctx)
	fc.Set("Content-Type", geoJSON)
	fc.Vary("Accept-Encoding")
	if fc.Request().Header.HasAcceptEncoding("gzip") {
		fc.Response().SetBodyRaw(all.Append(make([]byte, 0, all.Size()))) // the edge packs it
		return
	}
	fc.Response().SetBodyStream(all, all.Size())
}

// within says whether a station is to be shown.
func within(window *geo.Window, position *geo.Position) bool {
	return window == nil || (position != nil && window.Contains(*position))
}
