package geo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb/encoding/mvt"
)

// A place on the map leads to the same unit as the position it was made of.
func TestSpotsLieWhereTheirPositionsDo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		p := Position{Lon: r.Float64()*360 - 180, Lat: r.Float64()*180 - 90}
		s := SpotOf(p)
		level := r.IntN(23)
		c := Cell{Level: level, X: uint32(uint64(gather(uint64(s>>1))) >> (gridBits - level)), Y: uint32(uint64(gather(uint64(s))) >> (gridBits - level))}
		x, y := c.SpotPlace(s)
		px, py := c.Place(p)
		py = min(max(py, 0), TileExtent-1) // the first and last row have what lies beyond 85°
		off := int32(1)<<max(0, level-SpotLevel) - 1
		if px-x < 0 || px-x > off || py-y < 0 || py-y > off {
			t.Fatalf("%v in %v: spot %d %d, position %d %d", p, c, x, y, px, py)
		}
	}
}

// FuzzTile writes features with values of all kinds and reads them with orb's
// decoder; the layer is used twice, as if it came from a pool.
func FuzzTile(f *testing.F) {
	f.Add(uint64(1), uint16(3), "ok", 1.5, int64(-1))
	f.Add(uint64(7), uint16(2_000), "một trạm", math.Inf(1), int64(math.MaxInt64))
	f.Add(uint64(math.MaxUint64), uint16(200), "\xff", math.NaN(), int64(math.MinInt64))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, text string, number float64, whole int64) {
		l := NewTileLayer("layer", "text", "own", "number", "int")
		for range 2 {
			r := rand.New(rand.NewPCG(seed, 3))
			l.Reset()
			var want []map[string]any
			for i := range int(n) % 3_000 {
				values := map[string]any{}
				l.Point(seed+uint64(i), int32(r.Uint32()), int32(i))
				if r.IntN(3) > 0 {
					v := text + fmt.Sprint(r.IntN(1+i))
					l.Text(0, v)
					values["text"] = strings.ToValidUTF8(v, "\uFFFD")
				}
				if r.IntN(3) > 0 {
					l.OwnText(1, text)
					values["own"] = strings.ToValidUTF8(text, "\uFFFD")
				}
				if r.IntN(3) > 0 {
					v := number + float64(r.IntN(1+i))/3
					l.Number(2, v)
					values["number"] = v
				}
				if r.IntN(3) > 0 {
					v := whole ^ r.Int64N(1+int64(i))
					l.Int(3, v)
					values["int"] = float64(v)
				}
				l.End()
				want = append(want, values)
			}
			same(t, l.Append(nil), want)
		}
	})
}

// same holds a tile of one layer against the values of its features.
func same(t *testing.T, tile []byte, want []map[string]any) {
	t.Helper()
	layers, err := mvt.Unmarshal(tile)
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 {
		if len(layers) != 0 {
			t.Fatalf("%d layers of nothing", len(layers))
		}
		return
	}
	if len(layers[0].Features) != len(want) {
		t.Fatalf("%d features, want %d", len(layers[0].Features), len(want))
	}
	for i, f := range layers[0].Features {
		got := fmt.Sprint(sorted(f.Properties))
		if wanted := fmt.Sprint(sorted(want[i])); got != wanted || f.Point()[1] != float64(i) {
			t.Fatalf("feature %d at %v: %s, want %s", i, f.Point(), got, wanted)
		}
	}
}

// sorted writes values so that NaN is itself.
func sorted(values map[string]any) []string {
	var all []string
	for key, v := range values {
		all = append(all, fmt.Sprintf("%s=%T %q", key, v, fmt.Sprint(v)))
	}
	slices.Sort(all)
	return all
}
