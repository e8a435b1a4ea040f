package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/api/citymap"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// minGap is the shortest silence that cuts a track.
const minGap = time.Second

type trackInput struct {
	ByID
	Datetime string  `query:"datetime" doc:"A/B, RFC 3339, both ends included, .. for an open end; the last 24 hours when absent"`
	Gap      string  `query:"gap" doc:"ISO 8601 duration: a longer silence cuts the line; PT5M when absent"`
	Simplify float64 `query:"simplify" minimum:"0" maximum:"10000" doc:"Leave out positions that lie within so many metres of the line through the others; 0 keeps all"`
	Limit    int     `query:"limit" minimum:"1" maximum:"10000" default:"10000" doc:"Positions read for one answer, at most 10,000; next has the rest"`

	address Paging
}

// Resolve keeps the address, for the next part's.
func (q *trackInput) Resolve(ctx huma.Context) []error { return q.address.Resolve(ctx) }

func (s *Server) tracks() {
	register(s, huma.Operation{OperationID: "get-track", Method: http.MethodGet, Path: base + "/things/{id}/track",
		Summary: "Where a mobile thing was", Tags: []string{"things"},
		Description: "GeoJSON Feature. Its geometry is a LineString, a MultiLineString where silences cut it, a Point for a single position, or null. Properties: thing (code), name, from and to (up to where it is complete), coordTimes (the time of each vertex, in the shape of the coordinates), positions (how many were read), doubtful (left out, for they are not to be believed), and next, the address of the rest where there is more. Only for who may read the thing's readings without their being published.",
		Responses:   map[string]*huma.Response{"200": {Description: "The track", Content: map[string]*huma.MediaType{geoJSON: {Schema: &huma.Schema{Type: huma.TypeObject}}}}},
		Errors:      []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access.ReadingRead, s.getTrack)
}

func (s *Server) getTrack(ctx context.Context, in *trackInput) (*latestOutput, error) {
	asked, err := parseSpan(in.Datetime, s.o.Now())
	if err != nil {
		return nil, err
	}
	gap, err := gapOf(in.Gap)
	if err != nil {
		return nil, err
	}
	thing, groups, err := s.trackable(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	track, err := s.o.History.Track(ctx, groups, asked.from, asked.to.Add(1), in.Limit)
	if err != nil {
		return nil, err
	}
	end, next := asked.to, ""
	if track.More {
		end = time.Unix(0, track.End).UTC()
		next = in.address.with("datetime", end.Format(time.RFC3339Nano)+"/"+asked.to.Format(time.RFC3339Nano))
	}
	f := trackFeature{thing: &thing, track: &track, from: asked.from, to: end, next: next}
	for _, piece := range track.Pieces(gap) {
		f.add(piece, in.Simplify)
	}
	return &latestOutput{geoJSON, f.append(nil)}, nil
}

func gapOf(text string) (time.Duration, error) {
	gap, err := parseDuration("gap", text)
	switch {
	case err != nil:
		return 0, badParameter("gap", fmt.Sprintf("%q is not an ISO 8601 duration such as PT10M", text))
	case text == "":
		return citymap.MinStale, nil
	case gap < minGap:
		return 0, badParameter("gap", "must be at least PT1S")
	}
	return gap, nil
}

// trackable finds a thing and those of its groups whose positions the caller
// may see: where somebody is, is never published, so only who owns the thing
// or has a grant for a datastream of the group.
func (s *Server) trackable(ctx context.Context, id int64) (devices.Thing, []int64, error) {
	thing, err := s.o.Registry.Things.Get(ctx, id)
	if err != nil {
		return thing, nil, err
	}
	scope, groups := access.ScopeOf(ctx), []int64{}
	streams, err := s.o.Registry.Datastreams.List(ctx, devices.Page{Limit: maxStreams, Match: map[string]any{"thing_id": id}})
	if err != nil {
		return thing, nil, err
	}
	for i := range streams {
		if d := &streams[i]; !d.Retired && scope.Reads(thing.OrganisationID, id, d.Property, access.Private) {
			groups = append(groups, d.Group)
		}
	}
	slices.Sort(groups)
	groups = slices.Compact(groups)
	if len(groups) == 0 && !scope.Owns(thing.OrganisationID) {
		return thing, nil, fmt.Errorf("thing %d: %w", id, devices.ErrNotFound)
	}
	return thing, groups, nil
}

// maxStreams bounds the datastreams of one thing that are looked at.
const maxStreams = 10_000

// trackFeature is a track about to be written.
type trackFeature struct {
	thing    *devices.Thing
	track    *telemetry.Track
	from, to time.Time
	next     string
	pieces   [][]geo.Position
	times    [][]int64
	extent   geo.Extent
}

func (f *trackFeature) add(piece []telemetry.Place, simplify float64) {
	line := make([]geo.Position, len(piece))
	for i := range piece {
		line[i] = piece[i].Position
	}
	var kept []geo.Position
	var times []int64
	for _, i := range geo.Simplify(line, simplify) {
		kept, times = append(kept, line[i]), append(times, piece[i].Time)
		f.extent.Add(line[i])
	}
	f.pieces, f.times = append(f.pieces, kept), append(f.times, times)
}

func (f *trackFeature) append(b []byte) []byte {
	b = append(b, `{"type":"Feature","id":`...)
	b = strconv.AppendInt(b, f.thing.ID, 10)
	b = append(b, `,"geometry":`...)
	b = geo.AppendTrack(b, f.pieces)
	b = f.extent.AppendMember(b)
	b = append(b, `,"properties":{"thing":`...)
	b = citymap.AppendText(b, f.thing.Code)
	b = append(b, `,"name":`...)
	b = citymap.AppendText(b, f.thing.Name)
	b = append(b, `,"from":`...)
	b = appendNanos(b, f.from.UnixNano())
	b = append(b, `,"to":`...)
	b = appendNanos(b, f.to.UnixNano())
	b = append(b, `,"coordTimes":`...)
	b = f.appendTimes(b)
	b = append(b, `,"positions":`...)
	b = strconv.AppendInt(b, int64(len(f.track.Places)), 10)
	b = append(b, `,"doubtful":`...)
	b = strconv.AppendInt(b, int64(f.track.Doubtful), 10)
	if f.next != "" {
		b = append(b, `,"next":`...)
		b = citymap.AppendText(b, f.next)
	}
	return append(b, "}}"...)
}

// appendTimes writes the times in the shape of the geometry's coordinates.
func (f *trackFeature) appendTimes(b []byte) []byte {
	switch {
	case len(f.times) == 0:
		return append(b, "null"...)
	case len(f.times) == 1 && len(f.times[0]) == 1:
		return appendNanos(b, f.times[0][0])
	case len(f.times) == 1:
		return appendAllNanos(b, f.times[0])
	}
	b = append(b, '[')
	for i, times := range f.times {
		if i > 0 {
			b = append(b, ',')
		}
		if len(times) == 1 { // its position stands twice, too
			times = []int64{times[0], times[0]}
		}
		b = appendAllNanos(b, times)
	}
	return append(b, ']')
}

func appendAllNanos(b []byte, times []int64) []byte {
	b = append(b, '[')
	for i, at := range times {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNanos(b, at)
	}
	return append(b, ']')
}

func appendNanos(b []byte, at int64) []byte {
	b = append(b, '"')
	b = time.Unix(0, at).UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}
