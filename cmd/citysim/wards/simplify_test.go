package wards

import (
	"bytes"
	"cmp"
	"math"
	"os"
	"slices"
	"testing"
)

const light = "../../../examples/hanoi/wards.geojson"

func load(t *testing.T) []Area {
	t.Helper()
	file, err := os.Open(light)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	areas, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return areas
}

// outline gives the edges that no neighbour walks the other way, and fails
// where two areas walk an edge in the same direction, which is an overlap.
func outline(t *testing.T, rings []Ring) map[Point]Point {
	t.Helper()
	all := map[edge]bool{}
	for _, ring := range rings {
		for j, p := range ring {
			e := edge{p, ring[(j+1)%len(ring)]}
			if all[e] {
				t.Fatalf("edge %v belongs to two areas", e)
			}
			all[e] = true
		}
	}
	single := map[Point]Point{}
	for e := range all {
		if !all[edge{e.to, e.from}] {
			if _, twice := single[e.from]; twice {
				t.Fatalf("the outline parts at %v", e.from)
			}
			single[e.from] = e.to
		}
	}
	return single
}

// loops counts the closed lines that the edges make.
func loops(t *testing.T, next map[Point]Point) int {
	t.Helper()
	n := 0
	for len(next) > 0 {
		n++
		var at Point
		for at = range next {
			break
		}
		for {
			to, more := next[at]
			if !more {
				break
			}
			delete(next, at)
			at = to
		}
	}
	return n
}

func ringsOf(areas []Area) []Ring {
	rings := make([]Ring, len(areas))
	for i, a := range areas {
		rings[i] = a.Ring
	}
	return rings
}

func TestWardsOfHanoiCoverItWithoutGap(t *testing.T) {
	info, err := os.Stat(light)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 600_000 {
		t.Errorf("%d bytes are too many for an example", info.Size())
	}
	areas := load(t)
	codes := map[string]bool{}
	for _, a := range areas {
		codes[a.Code] = true
		if a.Name == "" || a.NameEn == "" || a.Kind == "" {
			t.Errorf("%s lacks a name or its kind: %+v", a.Code, a)
		}
	}
	if len(codes) != 126 {
		t.Errorf("%d wards", len(codes))
	}
	if n := loops(t, outline(t, ringsOf(areas))); n != 1 {
		t.Errorf("the wards' outline has %d loops, so there are gaps", n)
	}
}

// TestNoBordersCross looks at the edges of all wards together, from west to
// east: nothing of a ward lies in another.
func TestNoBordersCross(t *testing.T) {
	var all []edge
	for _, a := range load(t) {
		for j, p := range a.Ring {
			all = append(all, edge{p, a.Ring[(j+1)%len(a.Ring)]})
		}
	}
	west := func(e edge) float64 { return math.Min(e.from[0], e.to[0]) }
	slices.SortFunc(all, func(a, b edge) int { return cmp.Compare(west(a), west(b)) })
	for i, a := range all {
		for _, b := range all[i+1:] {
			if west(b) > math.Max(a.from[0], a.to[0]) {
				break
			}
			if cross(a.from, a.to, b.from, b.to) {
				t.Errorf("edges %v and %v cross", a, b)
			}
		}
	}
}

func TestCross(t *testing.T) {
	for _, c := range []struct {
		a, b, c, d Point
		want       bool
	}{
		{Point{0, 0}, Point{2, 2}, Point{0, 2}, Point{2, 0}, true},
		{Point{0, 0}, Point{2, 2}, Point{2, 2}, Point{3, 0}, false}, // meet at an end
		{Point{0, 0}, Point{2, 0}, Point{1, 0}, Point{1, 3}, false}, // touch
		{Point{0, 0}, Point{1, 0}, Point{5, -1}, Point{5, 1}, false},
	} {
		if got := cross(c.a, c.b, c.c, c.d); got != c.want {
			t.Errorf("%v-%v and %v-%v: %v", c.a, c.b, c.c, c.d, got)
		}
	}
}

// grid makes cells whose borders are wavy lines of many points.
func grid(n int) []Ring {
	line := func(x0, y0, x1, y1 float64) Ring {
		var arc Ring
		for k := range 40 {
			f := float64(k) / 40
			wave := 0.004 * math.Sin(12*f*math.Pi)
			arc = append(arc, Point{x0 + f*(x1-x0) + wave*(y1-y0), y0 + f*(y1-y0) + wave*(x1-x0)})
		}
		return append(arc, Point{x1, y1})
	}
	var rings []Ring
	for i := range n {
		for j := range n {
			x, y := float64(i), float64(j)
			down, left := line(x, y, x+1, y), line(x, y, x, y+1)
			up, right := line(x, y+1, x+1, y+1), line(x+1, y, x+1, y+1)
			slices.Reverse(up)
			slices.Reverse(left)
			rings = append(rings, slices.Concat(down[:40], right[:40], up[:40], left[:40]))
		}
	}
	return rings
}

func TestSimplifiedNeighboursShareTheirBorder(t *testing.T) {
	full := grid(4)
	if n := loops(t, outline(t, full)); n != 1 {
		t.Fatalf("the test's own grid has %d loops", n)
	}
	for _, tolerance := range []float64{0.0005, 0.003, 0.05} {
		simple := Simplify(full, tolerance)
		if n := loops(t, outline(t, simple)); n != 1 {
			t.Errorf("tolerance %v: %d loops", tolerance, n)
		}
		if len(simple[5]) >= len(full[5]) {
			t.Errorf("tolerance %v: %d of %d points left", tolerance, len(simple[5]), len(full[5]))
		}
	}
}

func TestWriteReadsBack(t *testing.T) {
	want := []Area{{Code: "00004", Name: "Phường Ba Đình", NameEn: "Ba Dinh Ward", Kind: "ward", Ring: Ring{{105.8, 21}, {105.9, 21}, {105.85, 21.123456}}}}
	var out bytes.Buffer
	if err := Write(&out, want); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&out)
	if err != nil || len(got) != 1 || got[0].Name != want[0].Name || !slices.Equal(got[0].Ring, want[0].Ring) {
		t.Errorf("%+v, %v", got, err)
	}
}
