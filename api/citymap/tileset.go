package citymap

import (
	"cityhub/devices"
	"cityhub/geo"
)

// TileSet says what is in a set of tiles. Tiles deeper than Deepest tell no
// more: a map draws that one larger.
type TileSet struct {
	Deepest int
	Layers  []TileLayer
}

// TileLayer is a layer of tiles: the kinds of its fields' values are String
// and Number.
type TileLayer struct {
	ID, Description string
	Fields          map[string]string
}

// StationTiles is what DrawStations draws.
func StationTiles() TileSet {
	return TileSet{singleZoom, []TileLayer{
		{"stations", "Stations that stand alone", fields(stationKeys[:])},
		{"clusters", "Several stations that stand close together", fields(clusterKeys[:])},
	}}
}

// ZoneTiles is what DrawZones draws. At its deepest zoom a unit is 60 cm.
func ZoneTiles() TileSet {
	return TileSet{14, []TileLayer{{"zones", "Zones", fields(zoneKeys[:])}}}
}

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

// boundsLevel is that of the cells by which stations are taken together for
// bounds: these are too wide by less than a cell, which is 2.4 km.
const boundsLevel = 14

// Bounds is around the stations that a look shows of a property; false where
// there is none. Its MinLon is greater than its MaxLon across the antimeridian.
func (m *Map) Bounds(property *devices.ObservedProperty, of *Look) (geo.Window, bool) {
	q := &look{scope: of.Scope, keep: of.Keep, window: everywhere, level: boundsLevel, now: of.Now}
	if w := of.Keep.Narrow(of.Window); w != nil {
		q.window = *w
	}
	var extent geo.Extent
	for _, c := range m.look(property, q) {
		if c.Count == 1 {
			extent.Add(c.Middle())
		} else {
			extent.AddWindow(geo.CellOf(c.Middle(), boundsLevel).Window())
		}
	}
	return extent.Window()
}

// ZoneBounds is around the zones of a kind on a day, as Bounds is.
func (m *Map) ZoneBounds(kind string, day geo.Day) (geo.Window, bool) {
	var extent geo.Extent
	for _, shape := range m.o.Registry.ZonesOn(kind, day) {
		extent.AddWindow(shape.Area().BBox())
	}
	return extent.Window()
}
