package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
)

// ZoneVersion is a zone's geometry over a span of days.
type ZoneVersion struct {
	ID       int64    `json:"id"`
	From     string   `json:"from"`
	To       string   `json:"to,omitempty" doc:"The first day on which it is no more valid; absent while it is"`
	Area     float64  `json:"areaKm2"`
	Points   int      `json:"points"`
	Geometry Geometry `json:"geometry"`
}

type newZoneVersion struct {
	ByID
	Body struct {
		From     string   `json:"from" doc:"The first day of its validity, as 2025-07-01"`
		Geometry Geometry `json:"geometry" nullable:"true" doc:"null ends the zone on that day"`
	}
}

func (s *Server) zoneVersions() {
	const path = base + "/zones/{id}/versions"
	tags := []string{"zones"}
	register(s, huma.Operation{OperationID: "list-zone-versions", Method: http.MethodGet, Path: path,
		Summary: "List the geometries of a zone, oldest first", Tags: tags, Middlewares: huma.Middlewares{tag}, Errors: []int{http.StatusNotFound},
	}, access.CatalogueRead, func(ctx context.Context, in *ByID) (*collected[ZoneVersion], error) { return s.versionsOf(ctx, in.ID) })
	register(s, huma.Operation{OperationID: "create-zone-version", Method: http.MethodPost, Path: path,
		Summary: "Give a zone another geometry from a day on", Tags: tags,
		Description: "It is valid until the next version begins; the one before ends. One that begins on the same day takes its place.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusUnsupportedMediaType},
	}, access.ZoneEdit, func(ctx context.Context, in *newZoneVersion) (*collected[ZoneVersion], error) {
		from, err := geo.ParseDay(in.Body.From)
		if err != nil {
			return nil, &devices.FieldError{Field: "from", Kind: devices.ErrInvalid, Detail: err.Error()}
		}
		area, err := in.Body.Geometry.area()
		if err != nil {
			return nil, err
		}
		if _, err := s.o.Registry.ShapeZone(ctx, in.ID, from, area); err != nil {
			return nil, err
		}
		return s.versionsOf(ctx, in.ID)
	})
	type input struct {
		ByID
		Version int64 `path:"version" minimum:"1"`
	}
	register(s, huma.Operation{OperationID: "delete-zone-version", Method: http.MethodDelete, Path: path + "/{version}",
		Summary: "Delete a geometry of a zone", Tags: tags, DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, access.ZoneEdit, func(ctx context.Context, in *input) (*struct{}, error) {
		version, err := s.o.Registry.ZoneVersions.Get(ctx, in.Version)
		if err == nil && version.ZoneID != in.ID {
			err = fmt.Errorf("zone %d has no version %d: %w", in.ID, in.Version, devices.ErrNotFound)
		}
		if err != nil {
			return nil, err
		}
		return &struct{}{}, s.o.Registry.ZoneVersions.Delete(ctx, in.Version)
	})
}

// versionsOf lists all of a zone's: there are a handful, so there are no pages.
func (s *Server) versionsOf(ctx context.Context, zone int64) (*collected[ZoneVersion], error) {
	if _, err := s.o.Registry.Zones.Get(ctx, zone); err != nil {
		return nil, err
	}
	versions, err := s.o.Registry.ZoneVersions.List(ctx, devices.Page{Limit: 10_000, Match: map[string]any{"zone_id": zone}})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(versions, func(a, b devices.ZoneVersion) int { return int(a.From) - int(b.From) })
	items := make([]ZoneVersion, len(versions))
	for i, v := range versions {
		items[i] = ZoneVersion{ID: v.ID, From: v.From.String(), To: endDay(v.To), Area: km2(v.Area),
			Points: v.Area.Points(), Geometry: geo.AppendArea(nil, v.Area)}
	}
	return collection(items, ""), nil
}
