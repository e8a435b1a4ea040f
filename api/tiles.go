package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/api/citymap"
	"cityhub/geo"
)

const tileType = "application/vnd.mapbox-vector-tile"

// TilePath names a tile of the web's map.
type TilePath struct {
	Z int    `path:"z" minimum:"0" maximum:"22"`
	X uint32 `path:"x"`
	Y uint32 `path:"y"`
}

// TileHeaders are what a tile's answer depends on.
type TileHeaders struct {
	Encoding string `header:"Accept-Encoding"`
	Known    string `header:"If-None-Match"`
}

type tileOutput struct {
	Status       int
	ContentType  string `header:"Content-Type"`
	Encoding     string `header:"Content-Encoding"`
	ETag         string `header:"ETag"`
	Vary         string `header:"Vary"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

func (t *TilePath) cell() (geo.Cell, error) {
	if n := uint32(1) << t.Z; t.X >= n || t.Y >= n {
		return geo.Cell{}, badParameter("tile", fmt.Sprintf("at zoom %d x and y go from 0 to %d", t.Z, n-1))
	}
	return geo.Cell{Level: t.Z, X: t.X, Y: t.Y}, nil
}

// tileCall describes a call that answers with a tile.
func tileCall(id, layer, summary, description string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodGet, Path: base + "/tiles/" + layer + "/{z}/{x}/{y}.mvt",
		Summary: summary, Tags: []string{"map"}, Description: description + " 204 where the tile is empty; 304 where the caller has it.",
		Responses: map[string]*huma.Response{"200": {Description: "The tile", Content: map[string]*huma.MediaType{tileType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
			"204": {Description: "Nothing is in the tile"}, "304": {Description: "As the caller has it"}},
		Errors: []int{http.StatusNotFound}}
}

type stationTile struct {
	TilePath
	TileHeaders
	Filter
	Property string `query:"property" required:"true" doc:"Code of an observed property"`
}

type zoneTile struct {
	TilePath
	TileHeaders
	Kind string `query:"kind" required:"true" doc:"As ward"`
	Date string `query:"date" doc:"By the boundaries of this day, as 2025-07-01; today when absent"`
}

func (s *Server) tiles() {
	register(s, tileCall("get-station-tile", "stations", "Vector tile of the newest values of a property",
		"Layers: stations (id: the datastream; thing, name, value or text, time, state) and clusters (count, min, mean, max, worst), clustered as by /map/clusters up to zoom 13; from zoom 14 on each station is drawn by itself, but what stands on one spot, or has more than 20,000 others in its tile. At most a second old."),
		access.ReadingRead, func(ctx context.Context, in *stationTile) (*tileOutput, error) {
			cell, err := in.cell()
			if err != nil {
				return nil, err
			}
			property, _, err := s.selected(ctx, Selection{Property: in.Property})
			if err != nil {
				return nil, err
			}
			keep, err := s.keeper(ctx, in.Filter)
			if err != nil {
				return nil, err
			}
			q := citymap.Look{Scope: access.ScopeOf(ctx), Keep: keep, Now: s.o.Now().UnixNano()}
			key := fmt.Sprintf("s %s %d/%d/%d", q.Key(property.Code), cell.Level, cell.X, cell.Y)
			version := s.city.Version(property, s.o.Now())
			t := s.tileCache.get(key, version, func() []byte { return s.city.DrawStations(property, &q, cell) })
			return t.answer(&in.TileHeaders, "private, no-cache"), nil
		})
	register(s, tileCall("get-zone-tile", "zones", "Vector tile of the zones of a kind",
		"Layer zones: id, code, name, name_en."),
		access.CatalogueRead, func(_ context.Context, in *zoneTile) (*tileOutput, error) {
			cell, err := in.cell()
			if err != nil {
				return nil, err
			}
			day, err := s.day("date", in.Date)
			if err != nil {
				return nil, err
			}
			_, revision := s.o.Registry.Shapes()
			key := fmt.Sprintf("z %q %d %d/%d/%d", in.Kind, day, cell.Level, cell.X, cell.Y)
			t := s.tileCache.get(key, revision, func() []byte { return s.city.DrawZones(in.Kind, day, cell) })
			return t.answer(&in.TileHeaders, "no-cache"), nil
		})
}

func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.TrimSpace(name) == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
