package citymap

import (
	"math"
	"time"

	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

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

// tileLayers are layers to draw with, kept for the next tile.
type tileLayers struct{ stations, clusters *geo.TileLayer }

func newTileLayers() any {
	return &tileLayers{geo.NewTileLayer("stations", stationKeys[:]...), geo.NewTileLayer("clusters", clusterKeys[:]...)}
}

// DrawStations draws a vector tile of what a look shows of a property in a
// cell of the map; nil for none. The look's window does not count. Up to zoom
// 13 it is clustered as by AppendClusters, from zoom 14 on each station is
// drawn by itself, but what stands on one spot, or has more than 20,000 others
// in its tile.
func (m *Map) DrawStations(property *devices.ObservedProperty, of *Look, cell geo.Cell) []byte {
	q := &look{scope: of.Scope, keep: of.Keep, within: &cell, level: levelOf(cell.Level), now: of.Now}
	if cell.Level >= stationZoom {
		all := *q
		if all.level = cell.Level; cell.Level >= singleZoom || countOf(m.look(property, &all)) <= mostStations {
			q.level = spotLevel
		}
	}
	layers := m.drawing.Get().(*tileLayers)
	defer m.drawing.Put(layers)
	layers.stations.Reset()
	layers.clusters.Reset()
	for _, c := range m.look(property, q) {
		if c.Count > 1 {
			x, y := cell.Place(c.Middle())
			drawCluster(layers.clusters, &c.Summary, x, y)
			continue
		}
		v, told := m.o.Latest.At(property.Code, c.group)
		if f, ok := m.Feature(q.scope, property, v, q.now); told && ok && f.Station.Position != nil {
			x, y := cell.Place(*f.Station.Position)
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

func drawStation(l *geo.TileLayer, f *Feature, x, y int32) {
	l.Point(uint64(f.Stream), x, y)
	l.OwnText(0, f.Station.Code)
	l.Text(1, f.Station.Name)
	switch v := f.Value.Value; {
	case v.Kind == telemetry.Text:
		l.Text(3, v.Text)
	case !math.IsNaN(v.Num) && !math.IsInf(v.Num, 0):
		l.Number(2, v.Num)
	}
	l.Int(4, f.Value.Time/int64(time.Second))
	l.Text(5, f.State)
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
	l.Text(4, States[c.Worst])
	l.End()
}

// DrawZones draws a vector tile of the zones of a kind, by the boundaries of a
// day; nil for none.
func (m *Map) DrawZones(kind string, day geo.Day, cell geo.Cell) []byte {
	shapes, _ := m.o.Registry.Shapes()
	l := geo.NewTileLayer("zones", zoneKeys[:]...)
	for _, shape := range shapes.Within(cell.Window(), day) {
		zone, known := m.o.Registry.Zone(shape.Zone)
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
