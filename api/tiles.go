package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
)

const tileType = "application/vnd.mapbox-vector-tile"

// maxTileZoom is the deepest zoom with tiles.
const maxTileZoom = 22

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
			q := look{scope: access.ScopeOf(ctx), keep: keep, within: &cell, level: levelOf(cell.Level), now: s.o.Now().UnixNano()}
			_, revision := s.o.Registry.Shapes()
			key := fmt.Sprintf("s %s %d/%d/%d", viewOf(q.scope, property.Code, nil), cell.Level, cell.X, cell.Y)
			if keep != nil {
				key += fmt.Sprintf(" %q %d %d", in.Filter, keep.day, revision)
			}
			version := s.dots.version(property, s.o.Now())
			t := s.tileCache.get(key, version, func() []byte { return s.drawStations(property, &q) })
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
			shapes, revision := s.o.Registry.Shapes()
			key := fmt.Sprintf("z %q %d %d/%d/%d", in.Kind, day, cell.Level, cell.X, cell.Y)
			t := s.tileCache.get(key, revision, func() []byte { return s.drawZones(shapes.Within(cell.Window(), day), in.Kind, cell) })
			return t.answer(&in.TileHeaders, "no-cache"), nil
		})
}

// The keys of the layers' values, in the order in which they are numbered.
var (
	stationKeys = [...]string{"thing", "name", "value", "text", "time", "state"}
	clusterKeys = [...]string{"count", "min", "mean", "max", "worst"}
	zoneKeys    = [...]string{"code", "name", "name_en"}
)

// From stationZoom on a tile shows each station by itself, unless it has more
// than mostStations.
const (
	stationZoom  = 14
	mostStations = 20_000
)

// layersOf are layers to draw with, kept for the next tile.
type layersOf struct{ stations, clusters *geo.TileLayer }

func newLayers() any {
	return &layersOf{geo.NewTileLayer("stations", stationKeys[:]...), geo.NewTileLayer("clusters", clusterKeys[:]...)}
}

func (s *Server) drawStations(property *devices.ObservedProperty, q *look) []byte {
	cell := *q.within
	if cell.Level >= stationZoom {
		all := *q
		if all.level = cell.Level; cell.Level >= singleZoom || countOf(s.look(property, &all)) <= mostStations {
			q.level = spotLevel
		}
	}
	layers := s.tileCache.layers.Get().(*layersOf)
	defer s.tileCache.layers.Put(layers)
	layers.stations.Reset()
	layers.clusters.Reset()
	for _, c := range s.look(property, q) {
		if c.Count > 1 {
			x, y := cell.Place(c.Middle())
			drawCluster(layers.clusters, &c.Summary, x, y)
			continue
		}
		v, told := s.o.Latest.At(property.Code, c.group)
		if f, ok := s.single(q, property, v); told && ok && f.station.Position != nil {
			x, y := cell.Place(*f.station.Position)
			drawStation(layers.stations, &f, x, y)
		}
	}
	return layers.clusters.Append(layers.stations.Append(nil))
}

func countOf(cells []found) (n int) {
	for i := range cells {
		n += cells[i].Count
	}
	return n
}

func drawStation(l *geo.TileLayer, f *feature, x, y int32) {
	l.Point(uint64(f.stream), x, y)
	l.OwnText(0, f.station.Code)
	l.Text(1, f.station.Name)
	switch v := f.value.Value; {
	case v.Kind == devices.Text:
		l.Text(3, v.Text)
	case !math.IsNaN(v.Num) && !math.IsInf(v.Num, 0):
		l.Number(2, v.Num)
	}
	l.Int(4, f.value.Time/int64(time.Second))
	l.Text(5, f.state)
	l.End()
}

func drawCluster(l *geo.TileLayer, c *geo.Summary, x, y int32) {
	l.Point(0, x, y)
	l.Int(0, int64(c.Count))
	if c.Numbers > 0 {
		l.Number(1, c.Min)
		l.Number(2, c.Mean())
		l.Number(3, c.Max)
	}
	l.Text(4, states[c.Worst])
	l.End()
}

func (s *Server) drawZones(shapes []*geo.Shape, kind string, cell geo.Cell) []byte {
	l := geo.NewTileLayer("zones", zoneKeys[:]...)
	for _, shape := range shapes {
		zone, known := s.o.Registry.Zone(shape.Zone)
		if !known || shape.Kind != kind || !l.Area(uint64(zone.ID), cell, shape.Area()) {
			continue
		}
		l.Text(0, zone.Code)
		l.Text(1, zone.Name)
		if zone.NameEn != "" {
			l.Text(2, zone.NameEn)
		}
		l.End()
	}
	return l.Append(nil)
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
