package geo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"
	"github.com/paulmach/orb/planar"
)

func hanoiPoints(n int) []Position {
	r := rand.New(rand.NewPCG(3, 4))
	all := make([]Position, n)
	for i := range all {
		all[i] = Position{Lon: 105.47 + r.Float64()*0.35, Lat: 20.96 + r.Float64()*0.3} // in tile 10/812/450
	}
	return all
}

// hanoiTile holds all of hanoiPoints.
var hanoiTile = Cell{Level: 10, X: 812, Y: 450}

// What was written is what orb reads, and its places are at most a unit off.
func TestTilesAreReadByAnother(t *testing.T) {
	points := readings(10_000)
	layers, err := mvt.Unmarshal(draw(NewTileLayer("stations", "thing", "value", "time", "state"), points))
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers: %v", len(layers), err)
	}
	layer := layers[0]
	if layer.Name != "stations" || layer.Version != 2 || layer.Extent != TileExtent || len(layer.Features) != len(points) {
		t.Fatalf("layer %s, version %d, extent %d, %d features", layer.Name, layer.Version, layer.Extent, len(layer.Features))
	}
	tile := maptile.New(hanoiTile.X, hanoiTile.Y, maptile.Zoom(hanoiTile.Level))
	layer.ProjectToWGS84(tile)
	unit := 360 / math.Exp2(float64(hanoiTile.Level)) / TileExtent
	for i, f := range layer.Features {
		at, p := f.Point(), points[i]
		if math.Abs(at[0]-p.Lon) > unit || math.Abs(at[1]-p.Lat) > unit {
			t.Fatalf("feature %d is at %v, was put at %v", i, at, p)
		}
		if f.ID != float64(i) || f.Properties["thing"] != fmt.Sprintf("st-%d", i) || f.Properties["value"] != float64(i%500)+0.25 ||
			f.Properties["time"] != float64(1_780_000_000+i%60) || f.Properties["state"] != "ok" {
			t.Fatalf("feature %d: %v %v", i, f.ID, f.Properties)
		}
	}
}

// Areas keep their surface, are cut at the tile's edge, and wind as the format
// wants it, or orb would not know the hole from a shell.
func TestAreasInTiles(t *testing.T) {
	c := Cell{Level: 8, X: 203, Y: 112}
	w := c.Window()
	in := func(x, y, size float64) orb.Ring {
		across, up := w.MaxLon-w.MinLon, w.MaxLat-w.MinLat
		return orb.Ring{{w.MinLon + x*across, w.MinLat + y*up}, {w.MinLon + (x+size)*across, w.MinLat + y*up},
			{w.MinLon + (x+size)*across, w.MinLat + (y+size)*up}, {w.MinLon + x*across, w.MinLat + (y+size)*up}, {w.MinLon + x*across, w.MinLat + y*up}}
	}
	margin := float64(tileMargin) / TileExtent
	for name, c2 := range map[string]struct {
		area     Area
		polygons int
		want     float64 // of the tile's surface
	}{
		"whole":       {Area{{in(0.1, 0.1, 0.5)}}, 1, 0.25},
		"with a hole": {Area{{backwards(in(0.1, 0.1, 0.5)), in(0.2, 0.2, 0.2)}}, 1, 0.21},
		"two":         {Area{{in(0.1, 0.1, 0.2)}, {in(0.5, 0.5, 0.2)}}, 2, 0.08},
		"cut":         {Area{{in(-5, -5, 10)}}, 1, (1 + 2*margin) * (1 + 2*margin)},
		"elsewhere":   {Area{{in(3, 3, 1)}}, 0, 0},
		"too small":   {Area{{in(0.5, 0.5, 1e-5)}}, 0, 0},
	} {
		l := NewTileLayer("zones", "code")
		if drawn := l.Area(7, c, c2.area); drawn != (c2.polygons > 0) {
			t.Errorf("%s: drawn %t", name, drawn)
			continue
		} else if !drawn {
			continue
		}
		l.Text(0, "x")
		l.End()
		layers, err := mvt.Unmarshal(l.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		got, surface := layers[0].Features[0].Geometry, 0.0
		polygons := 1
		if multi, ok := got.(orb.MultiPolygon); ok {
			polygons = len(multi)
		}
		surface = planar.Area(got) / TileExtent / TileExtent
		if polygons != c2.polygons || math.Abs(math.Abs(surface)-c2.want) > 0.01 {
			t.Errorf("%s: %d polygons of %f, want %f", name, polygons, surface, c2.want)
		}
	}
}

// A cell holds the spots of the places in its window, and no others; cells of
// one level hold each place once.
func TestACellHoldsWhatLiesInItsWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2_000 {
		p := Position{Lon: r.Float64()*360 - 180, Lat: r.Float64()*160 - 80}
		for _, level := range []int{0, 1, 5, 12, 20, 31} {
			x, y := mercator(p.Lon, p.Lat)
			n := math.Exp2(float64(level))
			c := Cell{level, uint32(x * n), uint32(y * n)}
			if !c.Holds(SpotOf(p)) || level < 31 && !c.Window().Contains(p) {
				t.Errorf("%v is not in %v, %v", p, c, c.Window())
			}
			if level > 0 && (Cell{level, c.X ^ 1, c.Y}.Holds(SpotOf(p)) || Cell{level, c.X, c.Y ^ 1}.Holds(SpotOf(p))) {
				t.Errorf("%v is in a neighbour of %v, too", p, c)
			}
		}
	}
}

// reading is what is drawn of a station.
type reading struct {
	Position
	thing string
	value float64
	time  int64
	state string
}

func readings(n int) []reading {
	all := make([]reading, n)
	for i, p := range hanoiPoints(n) {
		all[i] = reading{p, fmt.Sprintf("st-%d", i), float64(i%500) + 0.25, int64(1_780_000_000 + i%60), "ok"}
	}
	return all
}

func draw(l *TileLayer, all []reading) []byte {
	l.Reset()
	for i := range all {
		r := &all[i]
		x, y := hanoiTile.Place(r.Position)
		l.Point(uint64(i), x, y)
		l.OwnText(0, r.thing)
		l.Number(1, r.value)
		l.Int(2, r.time)
		l.Text(3, r.state)
		l.End()
	}
	return l.Append(nil)
}

// BenchmarkTile draws 10,000 stations: with the hub's encoder, and with orb's
// from the same values.
func BenchmarkTile(b *testing.B) {
	all := readings(10_000)
	b.Run("hub", func(b *testing.B) {
		b.ReportAllocs()
		l := NewTileLayer("stations", "thing", "value", "time", "state")
		for b.Loop() {
			draw(l, all)
		}
	})
	b.Run("orb", func(b *testing.B) {
		b.ReportAllocs()
		tile := maptile.New(hanoiTile.X, hanoiTile.Y, maptile.Zoom(hanoiTile.Level))
		for b.Loop() {
			features := geojson.NewFeatureCollection()
			for i := range all {
				r := &all[i]
				f := geojson.NewFeature(r.Point())
				f.ID = i
				f.Properties = geojson.Properties{"thing": r.thing, "value": r.value, "time": r.time, "state": r.state}
				features.Append(f)
			}
			layer := mvt.NewLayer("stations", features)
			layer.ProjectToTile(tile)
			if _, err := mvt.Marshal(mvt.Layers{layer}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkGeoJSON writes 10,000 points.
func BenchmarkGeoJSON(b *testing.B) {
	points := hanoiPoints(10_000)
	b.Run("hub", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			text := make([]byte, 0, 1<<20)
			text = append(text, `{"type":"FeatureCollection","features":[`...)
			for i := range points {
				if i > 0 {
					text = append(text, ',')
				}
				text = append(text, `{"type":"Feature","geometry":`...)
				text = AppendPoint(text, &points[i])
				text = append(text, `,"properties":{"state":"ok"}}`...)
			}
			text = append(text, "]}"...)
			b.SetBytes(int64(len(text)))
		}
	})
	b.Run("orb", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			all := geojson.NewFeatureCollection()
			for _, p := range points {
				f := geojson.NewFeature(p.Point())
				f.Properties = geojson.Properties{"state": "ok"}
				all.Append(f)
			}
			if _, err := all.MarshalJSON(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
