package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

// MapProperty is a property of which the map has something to show.
type MapProperty struct {
	Code string `json:"code"`
	Name string `json:"name"`
	Unit string `json:"unit" doc:"As people write it"`
	Kind string `json:"kind" enum:"number,boolean,text"`
}

// MapProperties are those, with what a page must know to write their times.
type MapProperties struct {
	Items    []MapProperty `json:"items" nullable:"false"`
	TimeZone string        `json:"timeZone" example:"Asia/Ho_Chi_Minh" doc:"The city's, in which its days are cut"`
}

func (s *Server) mapProperties() {
	register(s, huma.Operation{OperationID: "list-map-properties", Method: http.MethodGet, Path: base + "/map/properties",
		Summary: "The properties of which the map has something to show", Tags: []string{"map"},
		Description: "In the order in which they were registered; those without a single value that the caller may read are left out.",
	}, access.ReadingRead, func(ctx context.Context, _ *struct{}) (*shown[MapProperties], error) {
		known, err := s.o.Registry.Properties.List(ctx, devices.Page{Limit: 1_000})
		if err != nil {
			return nil, err
		}
		items := []MapProperty{}
		for i := range known {
			if p := &known[i]; s.city.Tells(access.ScopeOf(ctx), p) {
				items = append(items, MapProperty{Code: p.Code, Name: p.Name, Unit: p.Unit, Kind: string(p.Kind)})
			}
		}
		return &shown[MapProperties]{MapProperties{items, s.o.Zone.String()}}, nil
	})
}
