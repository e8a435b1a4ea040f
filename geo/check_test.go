package geo

import (
	"strings"
	"testing"

	"github.com/paulmach/orb"
)

func backwards(r orb.Ring) orb.Ring {
	r = r.Clone()
	r.Reverse()
	return r
}

func TestFaultsNameTheRing(t *testing.T) {
	bowTie := orb.Ring{{0, 0}, {2, 2}, {2, 0}, {0, 2}, {0, 0}}
	for name, c := range map[string]struct {
		area Area
		want string // "" where the area is sound
		// mended is the surface in square degrees after repair; -1 when repair
		// cannot mend it.
		mended float64
	}{
		"sound":               {Area{{square(0, 0, 10), square(1, 1, 2), square(5, 5, 2)}, {square(20, 20, 1)}}, "", 93},
		"island in a hole":    {Area{{square(0, 0, 10), square(1, 1, 8)}, {square(2, 2, 1)}}, "", 37},
		"hole at a corner":    {Area{{square(0, 0, 10), {{0, 0}, {5, 1}, {1, 5}, {0, 0}}}}, "", 88},
		"empty":               {nil, "polygon 1, the shell, near 0.000000 0.000000: the area is empty", -1},
		"open":                {Area{{square(0, 0, 1)}, {square(5, 0, 4)[:4]}}, "polygon 2, the shell, near 5.000000 4.000000: the ring is not closed", 17},
		"two corners":         {Area{{{{0, 0}, {1, 1}, {0, 0}}}}, "fewer than three corners", -1},
		"a point twice":       {Area{{{{0, 0}, {1, 0}, {1, 0}, {1, 1}, {0, 0}}}}, "", 0.5},
		"bow tie":             {Area{{bowTie}}, "polygon 1, the shell, near 1.000000 1.000000: the ring crosses or touches itself", 2},
		"touches itself":      {Area{{{{0, 0}, {4, 0}, {4, 4}, {2, 0}, {0, 4}, {0, 0}}}}, "crosses or touches itself", 8},
		"spike":               {Area{{{{0, 0}, {4, 0}, {4, 4}, {4, 9}, {4, 4}, {0, 4}, {0, 0}}}}, "crosses or touches itself", 16},
		"hole outside":        {Area{{square(0, 0, 1), square(5, 5, 1)}}, "polygon 1, hole 1, near 5.000000 5.000000: the hole lies outside its shell", 2},
		"hole across":         {Area{{square(0, 0, 4), square(3, 3, 4)}}, "polygon 1, hole 1, near 4.000000 3.000000: the ring crosses ring 1 of polygon 1", -1},
		"hole in a hole":      {Area{{square(0, 0, 10), square(1, 1, 8), square(2, 2, 1)}}, "hole 2, near 2.000000 2.000000: the hole lies within hole 1", 37},
		"holes overlap":       {Area{{square(0, 0, 10), square(1, 1, 2), square(2, 2, 2)}}, "polygon 1, hole 2, near 3.000000 2.000000: the ring crosses ring 2 of polygon 1", -1},
		"polygons overlap":    {Area{{square(0, 0, 2)}, {square(1, 1, 2)}}, "polygon 2, the shell, near 2.000000 1.000000: the ring crosses ring 1 of polygon 1", -1},
		"polygon in polygon":  {Area{{square(0, 0, 9)}, {square(1, 1, 2)}}, "polygon 2, the shell, near 1.000000 1.000000: the polygon lies within polygon 1", -1},
		"polygons share side": {Area{{square(0, 0, 1)}, {square(1, 0, 1)}}, "shares an edge with ring 1", -1},
		"out of range":        {Area{{square(179.5, 0, 1)}}, "outside -180…180", -1},
		"swapped":             {Area{{{{21, 105}, {21.1, 105}, {21.1, 105.1}, {21, 105}}}}, "longitude and latitude look swapped", -1},
		"metres":              {Area{{square(588_000, 2_325_000, 100)}}, "name it by its EPSG code", -1},
		"wound wrongly":       {Area{{backwards(square(0, 0, 4)), square(1, 1, 1)}}, "", 15},
	} {
		faults := Check(c.area)
		said := ""
		for _, f := range faults {
			said += f.Error() + "\n"
		}
		if (c.want == "") != (said == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: %q, want %q", name, said, c.want)
		}
		mended := Repair(c.area)
		surface := 0.0
		for _, polygon := range mended {
			for _, ring := range polygon {
				surface += signedArea(ring) / 2 // holes run the other way
			}
		}
		switch left := Check(mended); {
		case c.mended < 0 && len(left) == 0:
			t.Errorf("%s: repaired to %v", name, mended)
		case c.mended >= 0 && (len(left) > 0 || surface != c.mended):
			t.Errorf("%s: repaired to %v of %f, faults %v", name, mended, surface, left)
		}
	}
}

func TestFaultsAreNotEndless(t *testing.T) {
	var zigzag orb.Ring
	for i := range 400 {
		zigzag = append(zigzag, orb.Point{float64(i%20) + float64(i)/1000, float64(i * 7 % 80)})
	}
	if faults := Check(Area{{append(zigzag, zigzag[0])}}); len(faults) != maxFaults {
		t.Errorf("%d faults", len(faults))
	}
}
