package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

// NewestValue is the newest value of one datastream of a thing; without value
// and time where nothing has come since the hub keeps it.
type NewestValue struct {
	Datastream   int64      `json:"datastream"`
	Property     string     `json:"property" doc:"Code"`
	PropertyName string     `json:"propertyName"`
	Unit         string     `json:"unit"`
	Value        any        `json:"value,omitempty" doc:"Number, boolean or text, as the property's kind says"`
	Time         *time.Time `json:"time,omitempty"`
	Received     *time.Time `json:"received,omitempty"`
	Quality      []string   `json:"quality" nullable:"false"`
	State        string     `json:"state" enum:"ok,unknown,stale,info,warning,minor,major,critical" doc:"As of /latest; unknown also while there is no value"`
}

func (s *Server) thingLatest() {
	register(s, huma.Operation{OperationID: "get-thing-latest", Method: http.MethodGet, Path: base + "/things/{id}/latest",
		Summary: "The newest value of every datastream of a thing", Tags: []string{"map"},
		Errors: []int{http.StatusNotFound},
	}, access.ReadingRead, func(ctx context.Context, in *ByID) (*collected[NewestValue], error) {
		if _, err := s.o.Registry.Things.Get(ctx, in.ID); err != nil {
			return nil, err
		}
		sel := selection[devices.Datastream]{matches: []map[string]any{{"thing_id": in.ID}},
			keep: func(d *devices.Datastream) bool { return !d.Retired }}
		streams, _, err := sel.page(ctx, s.o.Registry.Datastreams, datastreamID, 0, 1_000)
		if err != nil {
			return nil, err
		}
		items := make([]NewestValue, len(streams))
		for i := range streams {
			items[i] = s.newestOf(access.ScopeOf(ctx), &streams[i])
		}
		return collection(items, ""), nil
	})
}

func (s *Server) newestOf(scope *access.Scope, d *devices.Datastream) NewestValue {
	property, _ := s.o.Registry.Property(d.Property)
	out := NewestValue{Datastream: d.ID, Property: d.Property, PropertyName: property.Name, Unit: d.Unit, Quality: []string{}, State: "unknown"}
	value, told := s.o.Latest.At(d.Property, d.Group)
	if !told {
		return out
	}
	f, ok := s.city.Feature(scope, &property, value, s.o.Now().UnixNano())
	if !ok || f.Stream != d.ID {
		return out
	}
	out.Value, out.Quality, out.State = resultOf(value.Value), value.Quality.Names(), f.State
	out.Time = instant(time.Unix(0, value.Time).UTC())
	if value.Received != 0 {
		out.Received = instant(time.Unix(0, value.Received).UTC())
	}
	return out
}
