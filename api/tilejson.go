package api

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/geo"
)

// Up to these zooms tiles tell more with every zoom; beyond it a map draws the
// deepest ones larger. A unit of a zone's tile is 60 cm at its deepest.
const (
	deepestStations = singleZoom
	deepestZones    = 14
)

// boundsLevel is the level of the cells by which the places of stations are
// taken together: bounds are too wide by less than one, which is 2.4 km.
const boundsLevel = 14

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
	register(s, tileJSONCall("get-station-tilejson", "stations", "TileJSON of the stations' vector tiles", http.StatusNotFound),
		access.ReadingRead, func(ctx context.Context, in *stationTileJSON) (*tileJSONOutput, error) {
			property, _, err := s.selected(ctx, Selection{Property: in.Property})
			if err != nil {
				return nil, err
			}
			keep, err := s.keeper(ctx, in.Filter)
			if err != nil {
				return nil, err
			}
			q := look{scope: access.ScopeOf(ctx), keep: keep, window: everywhere, level: boundsLevel, now: s.o.Now().UnixNano()}
			if w := keep.narrow(nil); w != nil {
				q.window = *w
			}
			t := s.tileSet(ctx, "stations", deepestStations, url.Values{"property": {property.Code}, "zone": {in.Zone}, "organisation": {in.Organisation}, "state": {in.State}})
			t.Name, t.Description, t.Layers = property.Name, "Newest values of "+property.Code+", in "+property.Unit, stationLayers()
			t.lieIn(boundsOf(s.look(property, &q)))
			return described(t), nil
		})
	register(s, tileJSONCall("get-zone-tilejson", "zones", "TileJSON of the zones' vector tiles"),
		access.CatalogueRead, func(ctx context.Context, in *zoneTileJSON) (*tileJSONOutput, error) {
			day, err := s.day("date", in.Date)
			if err != nil {
				return nil, err
			}
			t := s.tileSet(ctx, "zones", deepestZones, url.Values{"kind": {in.Kind}, "date": {in.Date}})
			t.Name, t.Description, t.Layers = in.Kind, "Zones of the kind "+in.Kind, zoneLayers()
			var extent geo.Extent
			for _, shape := range s.o.Registry.ZonesOn(in.Kind, day) {
				extent.AddWindow(shape.Area().BBox())
			}
			t.lieIn(&extent)
			return described(t), nil
		})
}

func described(t *TileJSON) *tileJSONOutput {
	return &tileJSONOutput{CacheControl: "private, no-cache", Vary: "Authorization, Cookie", Body: *t}
}

// tileSet is what all sets have; parameters that are "" are left out.
func (s *Server) tileSet(ctx context.Context, layer string, deepest int, parameters url.Values) *TileJSON {
	for name, values := range parameters {
		if values[0] == "" {
			delete(parameters, name)
		}
	}
	return &TileJSON{TileJSON: "3.0.0", Version: "1.0.0", Scheme: "xyz", Attribution: s.o.Attribution, MaxZoom: deepest,
		Tiles: []string{s.origin(ctx) + base + "/tiles/" + layer + "/{z}/{x}/{y}.mvt?" + parameters.Encode()}}
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

func stationLayers() []TileLayer {
	return []TileLayer{
		{ID: "stations", Description: "Stations that stand alone", MaxZoom: deepestStations, Fields: fields(stationKeys[:])},
		{ID: "clusters", Description: "Several stations that stand close together", MaxZoom: deepestStations, Fields: fields(clusterKeys[:])},
	}
}

func zoneLayers() []TileLayer {
	return []TileLayer{{ID: "zones", Description: "Zones", MaxZoom: deepestZones, Fields: fields(zoneKeys[:])}}
}

// fields gives the kinds of the layers' values.
func fields(keys []string) map[string]string {
	kinds := make(map[string]string, len(keys))
	for _, key := range keys {
		switch key {
		case "value", "time", "count", "min", "mean", "max":
			kinds[key] = "Number"
		default:
			kinds[key] = "String"
		}
	}
	return kinds
}

// boundsOf is around the cells of boundsLevel; around one that has a single
// station, it is around that.
func boundsOf(cells []found) *geo.Extent {
	var extent geo.Extent
	for i := range cells {
		middle := cells[i].Middle()
		if cells[i].Count == 1 {
			extent.Add(middle)
			continue
		}
		extent.AddWindow(geo.CellOf(middle, boundsLevel).Window())
	}
	return &extent
}

// lieIn sets the bounds, which the format wants from west to east: what lies
// across the antimeridian is taken for the whole way round.
func (t *TileJSON) lieIn(e *geo.Extent) {
	w, some := e.Window()
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
