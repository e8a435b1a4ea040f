package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/api/citymap"
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
		Responses:   s.geoResponses(MapCollection{}, "The stations and clusters"),
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
		q := citymap.Look{Scope: access.ScopeOf(ctx), Keep: keep, Window: window, Now: s.o.Now().UnixNano()}
		return &latestOutput{geoJSON, s.city.AppendClusters(nil, property, &q, in.Zoom)}, nil
	})
}
