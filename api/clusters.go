package api

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// A map tile of 256 pixels has 4 × 4 cells, each with one cluster at most. From
// singleZoom on nothing is clustered but what stands on one spot.
const (
	cellLevels = 2
	singleZoom = 19
	spotLevel  = 31
)

type clustersInput struct {
	Selection
	Filter
	Zoom int `query:"zoom" minimum:"0" maximum:"24" required:"true" doc:"As of web maps with tiles of 256 pixels"`
}

func (s *Server) clusters() {
	register(s, huma.Operation{OperationID: "get-map-clusters", Method: http.MethodGet, Path: base + "/map/clusters",
		Summary: "The newest values of a property, clustered for a zoom of the map", Tags: []string{"map"},
		Description: "GeoJSON FeatureCollection of points. A cluster has the properties cluster (true), count, min, mean, max (of the values that are numbers; null when none is), unit and worst, the worst state of its stations: ok, then unknown, stale, and of alarms info, warning, minor, major, critical. A station that stands alone is a feature as of /latest. A cluster holds the stations of a square of 64 pixels; from zoom 19 on, those of one place. Counted is only what the caller may read.",
		Errors:      []int{http.StatusNotFound},
	}, access.ReadingRead, func(ctx context.Context, in *clustersInput) (*latestOutput, error) {
		property, window, err := s.selected(ctx, in.Selection)
		if err != nil {
			return nil, err
		}
		keep, err := s.keeper(ctx, in.Filter)
		if err != nil {
			return nil, err
		}
		q := look{scope: access.ScopeOf(ctx), keep: keep, window: everywhere, level: levelOf(in.Zoom), now: s.o.Now().UnixNano()}
		if w := keep.narrow(window); w != nil {
			q.window = *w
		}
		return &latestOutput{geoJSON, s.appendClusters(nil, property, &q)}, nil
	})
}

func levelOf(zoom int) int {
	if zoom >= singleZoom {
		return spotLevel
	}
	return zoom + cellLevels
}

// found is a cell's summary, and its station when it has one only.
type found struct {
	geo.Summary
	group int64
}

func (s *Server) look(property *devices.ObservedProperty, q *look) []found {
	l := s.dots.layer(property)
	l.mu.RLock()
	defer l.mu.RUnlock()
	var cells []found
	l.cells(q, func(sum *dotSum) { cells = append(cells, found{sum.Summary, sum.group}) })
	return cells
}

func (s *Server) appendClusters(b []byte, property *devices.ObservedProperty, q *look) []byte {
	l := s.dots.layer(property)
	b = beginCollection(b)
	begin := len(b)
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.writing.Lock()
	defer l.writing.Unlock()
	l.texts = s.o.Now()
	var extent geo.Extent
	l.cells(q, func(sum *dotSum) {
		if sum.Count > 1 {
			extent.Add(sum.Middle())
			b = appendCluster(append(b, ','), &sum.Summary, property.Unit)
			return
		}
		at, i, _ := l.tree.find(sum.group)
		n := &l.tree.nodes[at]
		n.write(s, property, q.now)
		extent.Add(n.dots[i].position())
		b = append(b, n.text[n.dots[i].from:n.dots[i].to]...)
	})
	return endCollection(b, begin, &extent)
}

// single is a station that stands alone, unless it has gone meanwhile.
func (s *Server) single(q *look, property *devices.ObservedProperty, v telemetry.LatestValue) (feature, bool) {
	return s.feature(q.scope, property, v, q.now)
}

func appendCluster(b []byte, c *geo.Summary, unit string) []byte {
	at := c.Middle()
	b = append(b, `{"type":"Feature","geometry":`...)
	b = geo.AppendPoint(b, &at)
	b = append(b, `,"properties":{"cluster":true,"count":`...)
	b = strconv.AppendInt(b, int64(c.Count), 10)
	for _, v := range []struct {
		name string
		of   float64
	}{{"min", c.Min}, {"mean", c.Mean()}, {"max", c.Max}} {
		b = append(b, `,"`...)
		b = append(b, v.name...)
		b = append(b, `":`...)
		if c.Numbers == 0 {
			v.of = math.NaN()
		}
		b = appendValue(b, telemetry.NumberOf(v.of))
	}
	b = append(b, `,"unit":`...)
	b = appendText(b, unit)
	b = append(b, `,"worst":"`...)
	b = append(b, states[c.Worst]...)
	return append(b, `"}}`...)
}
