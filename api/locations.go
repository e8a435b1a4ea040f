package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/devices"
	"cityhub/geo"
)

// Position is [longitude, latitude] or [longitude, latitude, altitude]; nil
// where it is unknown.
type Position []float64

// Schema describes it.
func (Position) Schema(huma.Registry) *huma.Schema {
	low, high := 2, 3
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeNumber}, MinItems: &low, MaxItems: &high,
		Description: "[longitude, latitude, altitude?], WGS 84, degrees and metres", Examples: []any{[]float64{105.852, 21.028}}}
}

func positionOf(p *geo.Position) Position {
	switch {
	case p == nil:
		return nil
	case p.Alt == 0:
		return Position{p.Lon, p.Lat}
	}
	return Position{p.Lon, p.Lat, p.Alt}
}

// geo gives the place, or nil where there is none.
func (p Position) geo() (*geo.Position, error) {
	if p == nil {
		return nil, nil
	}
	if len(p) != 2 && len(p) != 3 {
		return nil, &devices.FieldError{Field: "position", Kind: devices.ErrInvalid, Detail: "must be [lon, lat] or [lon, lat, alt]"}
	}
	place := geo.Position{Lon: p[0], Lat: p[1]}
	if len(p) == 3 {
		place.Alt = p[2]
	}
	if err := place.Validate(); err != nil {
		return nil, &devices.FieldError{Field: "position", Kind: devices.ErrInvalid, Detail: err.Error()}
	}
	return &place, nil
}

// Location is a place at which things are or were.
type Location struct {
	ID int64 `json:"id"`
	LocationBody
}

// LocationBody is what can be written of a location.
type LocationBody struct {
	Name     string   `json:"name" required:"false"`
	Position Position `json:"position"`
}

type locationList struct{ Paging }

func (q *locationList) selection(context.Context, *devices.Registry) (selection[devices.Location], error) {
	return all[devices.Location](nil), nil
}

func (s *Server) locations() {
	n := noun[devices.Location, Location, LocationBody]{path: "/locations", one: "location", access: field,
		nouns: s.o.Registry.Locations, id: func(l *devices.Location) int64 { return l.ID },
		show: func(_ context.Context, _ *view, l *devices.Location, _ bool) (Location, error) {
			return Location{l.ID, LocationBody{l.Name, positionOf(&l.Position)}}, nil
		},
		body: func(_ context.Context, _ *view, l *devices.Location) (LocationBody, error) {
			return LocationBody{l.Name, positionOf(&l.Position)}, nil
		},
		apply: func(_ context.Context, b *LocationBody, l *devices.Location) error {
			position, err := b.Position.geo()
			if err != nil {
				return err
			}
			if position == nil {
				return &devices.FieldError{Field: "position", Kind: devices.ErrInvalid, Detail: "must be given"}
			}
			l.Name, l.Position = b.Name, *position
			return nil
		},
	}
	list[locationList](s, n)
	n.read(s)
	n.create(s)
	n.edit(s)
	n.delete(s)
}
