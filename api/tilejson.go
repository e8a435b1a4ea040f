package api

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/api/citymap"
	"cityhub/geo"
)

// TileJSON describes a set of tiles as TileJSON 3.0 has it.
type TileJSON struct {
	TileJSON    string      `json:"tilejson" doc:"3.0.0: the version of the format"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Version     string      `json:"version" doc:"Of the layers and their fields"`
	Attribution string      `json:"attribution,omitempty" doc:"Whose data it is, as the city's settings say"`
	Scheme      string      `json:"scheme" enum:"xyz"`
	Tiles       []string    `json:"tiles" nullable:"false" doc:"Address of a tile with {z}, {x} and {y}"`
	MinZoom     int         `json:"minzoom"`
	MaxZoom     int         `json:"maxzoom" doc:"Deeper tiles tell no more"`
	Bounds      []float64   `json:"bounds,omitempty" doc:"West, south, east, north of what the caller sees; absent where that is nothing"`
	Center      []float64   `json:"center,omitempty" doc:"Longitude, latitude and zoom to begin with"`
	Layers      []TileLayer `json:"vector_layers" nullable:"false"`
}

// TileLayer describes a layer of vector tiles.
type TileLayer struct {
	ID          string            `json:"id"`
	Description string            `json:"description"`
	MinZoom     int               `json:"minzoom"`
	MaxZoom     int               `json:"maxzoom"`
	Fields      map[string]string `json:"fields" doc:"The kind of each property's values: String or Number"`
}

type tileJSONOutput struct {
	CacheControl string `header:"Cache-Control"`
	Vary         string `header:"Vary"`
	Body         TileJSON
}

type stationTileJSON struct {
	Filter
	Property string `query:"property" required:"true" doc:"Code of an observed property"`
}

type zoneTileJSON struct {
	Kind string `query:"kind" required:"true" doc:"As ward"`
	Date string `query:"date" doc:"By the boundaries of this day, as 2025-07-01; today when absent"`
}

// tileJSONCall describes a call that describes tiles.
func tileJSONCall(id, layer, summary string, errors ...int) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodGet, Path: base + "/tiles/" + layer + ".json", Summary: summary, Tags: []string{"map"},
		Description: "TileJSON 3.0: the address of the tiles with what was asked for in it, their zooms, the bounds of what the caller sees, and the layers with their fields.",
		Middlewares: huma.Middlewares{tag}, Errors: errors}
}

func (s *Server) tileJSON() {
	register(s, tileJSONCall("get-station-tilejson", "stations", "TileJSON of the stations' vector tiles", http.StatusNotFound), access.ReadingRead, s.stationTileJSON)
	register(s, tileJSONCall("get-zone-tilejson", "zones", "TileJSON of the zones' vector tiles"), access.CatalogueRead, s.zoneTileJSON)
}

func (s *Server) stationTileJSON(ctx context.Context, in *stationTileJSON) (*tileJSONOutput, error) {
	property, _, err := s.selected(ctx, Selection{Property: in.Property})
	if err != nil {
		return nil, err
	}
	keep, err := s.keeper(ctx, in.Filter)
	if err != nil {
		return nil, err
	}
	t := s.describeTiles(ctx, "stations", citymap.StationTiles(),
		url.Values{"property": {property.Code}, "zone": {in.Zone}, "organisation": {in.Organisation}, "state": {in.State}})
	t.Name, t.Description = property.Name, "Newest values of "+property.Code+", in "+property.Unit
	t.lieIn(s.city.Bounds(property, &citymap.Look{Scope: access.ScopeOf(ctx), Keep: keep, Now: s.o.Now().UnixNano()}))
	return t.answer(), nil
}

func (s *Server) zoneTileJSON(ctx context.Context, in *zoneTileJSON) (*tileJSONOutput, error) {
	day, err := s.day("date", in.Date)
	if err != nil {
		return nil, err
	}
	t := s.describeTiles(ctx, "zones", citymap.ZoneTiles(), url.Values{"kind": {in.Kind}, "date": {in.Date}})
	t.Name, t.Description = in.Kind, "Zones of the kind "+in.Kind
	t.lieIn(s.city.ZoneBounds(in.Kind, day))
	return t.answer(), nil
}

func (t *TileJSON) answer() *tileJSONOutput {
	return &tileJSONOutput{CacheControl: "private, no-cache", Vary: "Authorization, Cookie", Body: *t}
}

// describeTiles is what all sets have; parameters that are "" are left out.
func (s *Server) describeTiles(ctx context.Context, layer string, set citymap.TileSet, parameters url.Values) *TileJSON {
	for name, values := range parameters {
		if values[0] == "" {
			delete(parameters, name)
		}
	}
	t := &TileJSON{TileJSON: "3.0.0", Version: "1.0.0", Scheme: "xyz", Attribution: s.o.Attribution, MaxZoom: set.Deepest,
		Tiles: []string{s.origin(ctx) + base + "/tiles/" + layer + "/{z}/{x}/{y}.mvt?" + parameters.Encode()}}
	for _, l := range set.Layers {
		t.Layers = append(t.Layers, TileLayer{ID: l.ID, Description: l.Description, MaxZoom: set.Deepest, Fields: l.Fields})
	}
	return t
}

// origin is the hub's address as the caller reaches it.
func (s *Server) origin(ctx context.Context) string {
	from := callerOf(ctx)
	switch {
	case s.o.PublicURL != "":
		return strings.TrimRight(s.o.PublicURL, "/")
	case from.https:
		return "https://" + from.host
	}
	return "http://" + from.host
}

// lieIn sets the bounds, which the format wants from west to east: what lies
// across the antimeridian is taken for the whole way round.
func (t *TileJSON) lieIn(w geo.Window, some bool) {
	if !some {
		return
	}
	if w.MinLon > w.MaxLon {
		w.MinLon, w.MaxLon = -180, 180
	}
	t.Bounds = []float64{w.MinLon, w.MinLat, w.MaxLon, w.MaxLat}
	wide := max(w.MaxLon-w.MinLon, 2*(w.MaxLat-w.MinLat), 1e-3)
	zoom := min(t.MaxZoom, max(0, int(math.Log2(2*360/wide)))) // on a map of about 1,000 pixels
	t.Center = []float64{(w.MinLon + w.MaxLon) / 2, (w.MinLat + w.MaxLat) / 2, float64(zoom)}
}
