package geo_test

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"

	"cityhub/geo"
)

// zoneTile draws areas as one layer.
func zoneTile(c geo.Cell, areas []geo.Area) []byte {
	l := geo.NewTileLayer("zones", "n")
	for i, a := range areas {
		if l.Area(uint64(i), c, a) {
			l.Int(0, int64(i))
			l.End()
		}
	}
	return l.Append(nil)
}

func areas(features []geo.Feature) (all []geo.Area) {
	for i := range features {
		all = append(all, features[i].Area)
	}
	return all
}

// cellsOf gives the cells of a level over Hanoi.
func cellsOf(level int) (cells []geo.Cell) {
	n := math.Exp2(float64(level))
	row := func(lat float64) int {
		return int((1 - math.Asinh(math.Tan(lat*math.Pi/180))/math.Pi) / 2 * n)
	}
	for x := int((105.25 + 180) / 360 * n); x <= int((106.05+180)/360*n); x++ {
		for y := row(21.4); y <= row(20.55); y++ {
			cells = append(cells, geo.Cell{Level: level, X: uint32(x), Y: uint32(y)})
		}
	}
	return cells
}

// At every zoom the wards are sound polygons, none overlaps another, and
// together they leave no gap: their surfaces, in whole units, add up to that
// of a tile in the city's middle with its margin.
func TestWardsInTilesAreSoundAndLeaveNoGap(t *testing.T) {
	for _, file := range wardFiles() {
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(file))), func(t *testing.T) { wholeInTiles(t, areas(wardsOf(t, file))) })
	}
}

func wholeInTiles(t *testing.T, all []geo.Area) {
	t.Helper()
	full, tiles, corners := 0, 0, 0
	for level := 0; level <= 14; level++ {
		cells := cellsOf(level)
		for i := 0; i < len(cells); i += 1 + len(cells)/16 {
			layers, err := mvt.Unmarshal(zoneTile(cells[i], all))
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for _, layer := range layers {
				for _, f := range layer.Features {
					surface, n := soundInTile(t, cells[i], f.ID, f.Geometry)
					sum += surface
					corners += n
				}
				tiles++
			}
			if sum == (geo.TileExtent+128)*(geo.TileExtent+128) {
				full++
			} else if sum > (geo.TileExtent+128)*(geo.TileExtent+128) {
				t.Errorf("%v: wards overlap: %f square units", cells[i], sum)
			}
		}
	}
	t.Logf("%d tiles with %d corners, %d of them full of wards without a gap", tiles, corners, full)
	if full < 10 {
		t.Errorf("only %d tiles are full", full)
	}
}

// soundInTile answers surface and corners of a geometry.
func soundInTile(t *testing.T, c geo.Cell, id any, g orb.Geometry) (surface float64, corners int) {
	t.Helper()
	polygons, many := g.(orb.MultiPolygon)
	if !many {
		polygons = orb.MultiPolygon{g.(orb.Polygon)}
	}
	small := orb.Clone(polygons).(orb.MultiPolygon) // so that it lies on the Earth
	for _, polygon := range small {
		for r, ring := range polygon {
			sum := 0.0
			for i := 1; i < len(ring); i++ {
				sum += (ring[i-1][0]*ring[i][1] - ring[i][0]*ring[i-1][1]) / 2
			}
			if (sum > 0) != (r == 0) {
				t.Errorf("%v, zone %v: ring %d has a surface of %f", c, id, r, sum)
			}
			surface += sum
			corners += len(ring) - 1
			for i := range ring {
				ring[i] = orb.Point{ring[i][0] / 64, ring[i][1] / 64}
			}
		}
	}
	if faults := geo.Check(geo.Area(small)); len(faults) > 0 {
		t.Errorf("%v, zone %v: %v", c, id, faults)
	}
	return surface, corners
}
