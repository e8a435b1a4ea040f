package geo_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"

	"cityhub/geo"
	"cityhub/testbed"
)

// shown is a layer as the decoder of browsers' maps gives it.
type shown struct {
	Name            string
	Extent, Version int
	Features        []struct {
		ID         float64
		Type       int
		Properties map[string]any
		Geometry   [][][2]float64
	}
}

func decoded(t *testing.T, tile []byte) []shown {
	t.Helper()
	var layers []shown
	if err := json.Unmarshal(testbed.Node(t, filepath.FromSlash("../web/tools/tile.mjs"), tile), &layers); err != nil {
		t.Fatal(err)
	}
	return layers
}

// Browsers find every point within one unit of where it was put, with its
// values.
func TestPointTilesAreReadByBrowsers(t *testing.T) {
	c := geo.Cell{Level: 10, X: 812, Y: 450}
	w, r := c.Window(), rand.New(rand.NewPCG(4, 4))
	l := geo.NewTileLayer("stations", "thing", "value", "time", "state", "delta")
	places := make([]geo.Position, 2_000)
	for i := range places {
		places[i] = geo.Position{Lon: w.MinLon + r.Float64()*(w.MaxLon-w.MinLon), Lat: w.MinLat + r.Float64()*(w.MaxLat-w.MinLat)}
		x, y := c.Place(places[i])
		l.Point(uint64(i), x, y)
		l.OwnText(0, fmt.Sprintf("trạm-%d", i))
		l.Number(1, float64(i)/3)
		l.Int(2, int64(1_780_000_000+i%7))
		l.Text(3, "ok")
		l.Int(4, int64(-i))
		l.End()
	}
	layers := decoded(t, l.Append(nil))
	if len(layers) != 1 || layers[0].Name != "stations" || layers[0].Extent != geo.TileExtent || layers[0].Version != 2 || len(layers[0].Features) != len(places) {
		t.Fatalf("%d layers", len(layers))
	}
	for i, f := range layers[0].Features {
		want := map[string]any{"thing": fmt.Sprintf("trạm-%d", i), "value": float64(i) / 3, "time": float64(1_780_000_000 + i%7), "state": "ok", "delta": float64(-i)}
		x, y := inTile(c, places[i])
		at := f.Geometry[0][0]
		if f.ID != float64(i) || f.Type != 1 || fmt.Sprint(f.Properties) != fmt.Sprint(want) || math.Abs(at[0]-x) > 1 || math.Abs(at[1]-y) > 1 {
			t.Fatalf("%v, put at %f %f with %v", f, x, y, want)
		}
	}
}

// inTile is the formula of web maps, written once more.
func inTile(c geo.Cell, p geo.Position) (x, y float64) {
	n := math.Exp2(float64(c.Level))
	x = ((p.Lon+180)/360*n - float64(c.X)) * geo.TileExtent
	y = ((1-math.Asinh(math.Tan(p.Lat*math.Pi/180))/math.Pi)/2*n - float64(c.Y)) * geo.TileExtent
	return x, y
}

// Browsers and orb see the same corners of wards, and each corner lies within
// one unit of one of the ward's, or on the tile's margin.
func TestZoneTilesAreReadByBrowsers(t *testing.T) {
	c := geo.Cell{Level: 11, X: 1626, Y: 901}
	all := areas(wards(t))
	tile := zoneTile(c, all)
	theirs, err := mvt.Unmarshal(tile)
	if err != nil {
		t.Fatal(err)
	}
	layers := decoded(t, tile)
	if len(layers) != 1 || len(layers[0].Features) != len(theirs[0].Features) || len(theirs[0].Features) < 10 {
		t.Fatalf("%d layers", len(layers))
	}
	far := 0
	for i, f := range layers[0].Features {
		var rings []orb.Ring
		switch g := theirs[0].Features[i].Geometry.(type) {
		case orb.Polygon:
			rings = g
		case orb.MultiPolygon:
			for _, polygon := range g {
				rings = append(rings, polygon...)
			}
		}
		same := len(rings) == len(f.Geometry)
		for r := range f.Geometry {
			same = same && len(rings[r]) == len(f.Geometry[r])
			for at := range f.Geometry[r] {
				same = same && rings[r][at] == orb.Point(f.Geometry[r][at])
			}
			far += farCorners(c, f.Geometry[r], all[int(f.Properties["n"].(float64))])
		}
		if !same {
			t.Fatalf("zone %v: orb has %v, browsers have %v", f.ID, rings, f.Geometry)
		}
	}
	if far > 0 {
		t.Errorf("%d corners are no ward's", far)
	}
}

// farCorners counts corners inside the tile that are farther than a unit from
// all of an area's, on each axis.
func farCorners(c geo.Cell, ring [][2]float64, a geo.Area) (far int) {
	known := map[[2]int]bool{}
	for _, polygon := range a {
		for _, points := range polygon {
			for _, p := range points {
				x, y := inTile(c, geo.Position{Lon: p[0], Lat: p[1]})
				for dx := -1; dx <= 1; dx++ {
					for dy := -1; dy <= 1; dy++ {
						known[[2]int{int(math.Floor(x)) + dx, int(math.Floor(y)) + dy}] = true
					}
				}
			}
		}
	}
	const margin = 60 // beyond it are cuts
	for _, p := range ring {
		inside := p[0] > -margin && p[0] < geo.TileExtent+margin && p[1] > -margin && p[1] < geo.TileExtent+margin
		if inside && !known[[2]int{int(p[0]), int(p[1])}] {
			far++
		}
	}
	return far
}
