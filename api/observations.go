package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/telemetry"
)

// Observation is one reading of one datastream.
type Observation struct {
	ID             int64      `json:"id"`
	Datastream     int64      `json:"datastream,omitempty" doc:"Only where one observation is asked for"`
	PhenomenonTime time.Time  `json:"phenomenonTime" doc:"When it was measured"`
	Received       *time.Time `json:"received,omitempty" doc:"When it reached the hub, where that was late"`
	Result         any        `json:"result" doc:"Number, boolean or text, as the property's kind says"`
	Quality        []string   `json:"quality" nullable:"false" doc:"Flags; empty when nothing is wrong"`
}

type observationList struct {
	ByID
	Datetime string `query:"datetime" doc:"A/B, RFC 3339, both ends included, .. for an open end; the last 24 hours when absent"`
	Limit    int    `query:"limit" minimum:"1" maximum:"10000" default:"1000" doc:"Items a page, at most 10,000"`
	WithQuality

	address Paging
}

// Resolve keeps the address, for the next page's.
func (q *observationList) Resolve(ctx huma.Context) []error { return q.address.Resolve(ctx) }

func resultOf(v telemetry.Value) any {
	switch v.Kind {
	case telemetry.Boolean:
		return v.Num != 0
	case telemetry.Text:
		return v.Text
	}
	return v.Num
}

func (s *Server) observations() {
	register(s, huma.Operation{OperationID: "list-observations", Method: http.MethodGet, Path: base + "/datastreams/{id}/observations",
		Summary: "Readings of a datastream, ascending by time", Tags: []string{"observations"},
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access.ReadingRead, s.listObservations)
	register(s, huma.Operation{OperationID: "get-observation", Method: http.MethodGet, Path: base + "/observations/{id}",
		Summary: "Get one observation", Tags: []string{"observations"},
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access.ReadingRead, s.getObservation)
}

func (s *Server) listObservations(ctx context.Context, in *observationList) (*collected[Observation], error) {
	asked, err := parseSpan(in.Datetime, s.o.Now())
	if err != nil {
		return nil, err
	}
	stream, err := s.datastream(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	found, more, err := s.readings(ctx, stream, asked, in.Limit, in.unwanted())
	if err != nil {
		return nil, err
	}
	items := make([]Observation, len(found))
	for i, o := range found {
		items[i] = Observation{ID: o.ID, PhenomenonTime: o.Time, Received: instant(o.Received),
			Result: resultOf(o.Value), Quality: o.Quality.Names()}
	}
	next := ""
	if more {
		rest := found[len(found)-1].Time.Add(1).Format(time.RFC3339Nano) + "/" + asked.to.Format(time.RFC3339Nano)
		next = in.address.with("datetime", rest)
	}
	return collection(items, next), nil
}

// readings reads on until there are limit readings without an unwanted flag, and
// says whether more follow.
func (s *Server) readings(ctx context.Context, d devices.Datastream, in span, limit int, unwanted telemetry.Quality) ([]telemetry.Observation, bool, error) {
	var kept []telemetry.Observation
	from, end := in.from, in.to.Add(1) // both ends are included
	for {
		want := limit + 1 - len(kept)
		found, err := s.o.History.Observations(ctx, d, from, end, want)
		if err != nil {
			return nil, false, err
		}
		for _, o := range found {
			if o.Quality&unwanted == 0 {
				kept = append(kept, o)
			}
		}
		if len(kept) > limit {
			return kept[:limit], true, nil
		}
		if len(found) < want {
			return kept, false, nil
		}
		from = found[len(found)-1].Time.Add(1)
	}
}

func (s *Server) getObservation(ctx context.Context, in *ByID) (*shown[Observation], error) {
	unknown := fmt.Errorf("observation %d: %w", in.ID, devices.ErrNotFound) // whatever the cause: ids tell nothing
	line, err := s.o.History.Line(ctx, in.ID)
	if errors.Is(err, devices.ErrNotFound) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	target, err := s.o.Registry.Series(line.Group)
	slot := in.ID - line.ID
	if err != nil || slot >= int64(len(target.Series.Datastreams)) || target.Series.Datastreams[slot] == 0 {
		return nil, unknown
	}
	stream, err := s.datastream(ctx, target.Series.Datastreams[slot])
	if errors.Is(err, devices.ErrNotFound) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	for _, f := range line.Fields {
		if f.Property != stream.Property {
			continue
		}
		quality := line.Quality | f.Quality
		o := Observation{ID: in.ID, Datastream: stream.ID, PhenomenonTime: time.Unix(0, line.Time).UTC(),
			Result: resultOf(f.Value), Quality: quality.Names()}
		if quality&telemetry.Late != 0 && line.Received != 0 {
			o.Received = instant(time.Unix(0, line.Received))
		}
		return &shown[Observation]{o}, nil
	}
	return nil, unknown
}
