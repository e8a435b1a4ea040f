package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
)

// Geometry is a GeoJSON Polygon or MultiPolygon; nil for none.
type Geometry json.RawMessage

// Schema describes it.
func (Geometry) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Nullable: true, AdditionalProperties: true,
		Description: "GeoJSON Polygon or MultiPolygon, [longitude, latitude] in WGS 84"}
}

// MarshalJSON writes it as it is.
func (g Geometry) MarshalJSON() ([]byte, error) { return json.RawMessage(g).MarshalJSON() }

// UnmarshalJSON keeps it as it is; null is none.
func (g *Geometry) UnmarshalJSON(text []byte) error {
	if *g = nil; string(text) != "null" {
		*g = append(Geometry(nil), text...)
	}
	return nil
}

func (g Geometry) area() (geo.Area, error) {
	if len(g) == 0 {
		return nil, nil
	}
	area, err := geo.ReadArea(g, geo.CRS{})
	if err == nil {
		err = soundArea(area)
	}
	if err != nil {
		return nil, &devices.FieldError{Field: "geometry", Kind: devices.ErrInvalid, Detail: err.Error()}
	}
	return area, nil
}

func soundArea(a geo.Area) error {
	var all []error
	for _, fault := range geo.Check(a) {
		all = append(all, fault)
	}
	return errors.Join(all...)
}

// Zone is a named piece of the city.
type Zone struct {
	ID int64 `json:"id"`
	ZoneBody
	ValidTo string    `json:"validTo,omitempty" doc:"The day on which the boundary ends; absent while it is open"`
	Area    float64   `json:"areaKm2,omitempty" doc:"Of today's boundary, on the ellipsoid"`
	BBox    []float64 `json:"bbox,omitempty" doc:"Of today's boundary: west, south, east, north; across the antimeridian west is greater than east"`
}

// ZoneBody is what can be written of a zone.
type ZoneBody struct {
	Code      string   `json:"code" doc:"Unique over all kinds; A-Z, a-z, 0-9, _ and -"`
	Kind      string   `json:"kind" doc:"ward, district…: lower case; a place lies in one zone of a kind"`
	Name      string   `json:"name" required:"false" doc:"The code when absent"`
	NameEn    string   `json:"nameEn" required:"false"`
	Parent    Ref      `json:"parent,omitempty" doc:"Code or id of the zone around it"`
	ValidFrom string   `json:"validFrom,omitempty" doc:"With geometry: the day from which it is valid, as 2025-07-01; else the day from which today's is"`
	Geometry  Geometry `json:"geometry,omitempty" doc:"Of today; written, the geometry from validFrom on"`
}

type zoneList struct {
	Paging
	Code   string `query:"code"`
	Kind   string `query:"kind"`
	Parent string `query:"parent" doc:"Code or id"`
}

func (q *zoneList) selection(ctx context.Context, r *devices.Registry) (selection[devices.Zone], error) {
	match := byCode(q.Code)
	if q.Kind != "" {
		match["kind"] = q.Kind
	}
	if q.Parent != "" {
		id, err := filterID(ctx, r.Zones, "parent", q.Parent, zoneIDOf)
		if err != nil {
			return selection[devices.Zone]{}, err
		}
		match["parent_id"] = id
	}
	return all[devices.Zone](match), nil
}

func zoneIDOf(z *devices.Zone) int64 { return z.ID }

func (s *Server) zones() {
	n := noun[devices.Zone, Zone, ZoneBody]{path: "/zones", one: "zone", access: rows{access.CatalogueRead, access.ZoneEdit},
		nouns: s.o.Registry.Zones, id: zoneIDOf, show: s.showZone,
		body: func(_ context.Context, _ *view, z *devices.Zone) (ZoneBody, error) { return s.zoneBody(z), nil },
		apply: func(ctx context.Context, b *ZoneBody, z *devices.Zone) (err error) {
			if _, _, err := b.shape(); err != nil {
				return err
			}
			z.Code, z.Kind, z.Name, z.NameEn = b.Code, b.Kind, b.Name, b.NameEn
			z.ParentID, err = idOf(ctx, s.o.Registry.Zones, "parent", b.Parent, zoneIDOf)
			return err
		},
		after: s.shapeZone,
	}
	s.zonesAt()
	s.zoneStatistics()
	list[zoneList](s, n)
	n.read(s)
	n.create(s)
	n.edit(s)
	n.delete(s)
	s.zoneVersions()
}

// today is the day it is in the city.
func (s *Server) today() geo.Day { return geo.DayOf(s.o.Now().In(s.o.Zone)) }

func (s *Server) zoneBody(z *devices.Zone) ZoneBody {
	b := ZoneBody{Code: z.Code, Kind: z.Kind, Name: z.Name, NameEn: z.NameEn}
	if parent, ok := s.o.Registry.Zone(z.ParentID); ok {
		b.Parent = Ref(parent.Code)
	}
	return b
}

func (s *Server) showZone(_ context.Context, _ *view, z *devices.Zone, full bool) (Zone, error) {
	out := Zone{ID: z.ID, ZoneBody: s.zoneBody(z)}
	if shape := s.o.Registry.ZoneShape(z.ID, s.today()); shape != nil {
		out.describe(shape)
		if full {
			out.Geometry = geo.AppendArea(nil, shape.Area())
		}
	}
	return out, nil
}

// describe tells of a boundary all but its points.
func (z *Zone) describe(shape *geo.Shape) {
	w := shape.Area().BBox()
	z.ValidFrom, z.ValidTo = shape.From.String(), endDay(shape.To)
	z.Area, z.BBox = km2(shape.Area()), []float64{w.MinLon, w.MinLat, w.MaxLon, w.MaxLat}
}

func km2(a geo.Area) float64 { return math.Round(a.SquareMetres()/100) / 10_000 }

func endDay(d geo.Day) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// shape reads the geometry of a body and the day from which it is valid; none
// when the body has no geometry.
func (b *ZoneBody) shape() (geo.Day, geo.Area, error) {
	area, err := b.Geometry.area()
	if err != nil || area == nil {
		return 0, nil, err
	}
	from, err := geo.ParseDay(b.ValidFrom)
	if err != nil {
		return 0, nil, &devices.FieldError{Field: "validFrom", Kind: devices.ErrInvalid, Detail: "a geometry needs the day from which it is valid: " + err.Error()}
	}
	return from, area, nil
}

// shapeZone gives the zone the geometry of its body.
func (s *Server) shapeZone(ctx context.Context, b *ZoneBody, z devices.Zone) (devices.Zone, error) {
	from, area, err := b.shape()
	if err != nil || area == nil {
		return z, err
	}
	_, err = s.o.Registry.ShapeZone(ctx, z.ID, from, area)
	return z, err
}

type zonesAtInput struct {
	Lon  float64 `query:"lon" required:"true" minimum:"-180" maximum:"180"`
	Lat  float64 `query:"lat" required:"true" minimum:"-90" maximum:"90"`
	Date string  `query:"date" doc:"By the boundaries of this day, as 2025-07-01; today when absent"`
}

func (s *Server) zonesAt() {
	register(s, huma.Operation{OperationID: "get-zones-at", Method: http.MethodGet, Path: base + "/zones/at",
		Summary: "The zones of a place, one of each kind", Tags: []string{"zones"},
		Description: "A place on a border that zones share belongs to exactly one of them: to the one on its north-eastern side.",
	}, access.CatalogueRead, func(_ context.Context, in *zonesAtInput) (*collected[Zone], error) {
		day, err := s.day("date", in.Date)
		if err != nil {
			return nil, err
		}
		shapes, _ := s.o.Registry.Shapes()
		var items []Zone
		for _, shape := range shapes.At(geo.Position{Lon: in.Lon, Lat: in.Lat}, day) {
			if z, known := s.o.Registry.Zone(shape.Zone); known {
				item := Zone{ID: z.ID, ZoneBody: s.zoneBody(&z)}
				item.describe(shape)
				items = append(items, item)
			}
		}
		return collection(items, ""), nil
	})
}

// day reads a parameter that names a day; "" is today.
func (s *Server) day(name, text string) (geo.Day, error) {
	if text == "" {
		return s.today(), nil
	}
	day, err := geo.ParseDay(text)
	if err != nil {
		return 0, badParameter(name, err.Error())
	}
	return day, nil
}
