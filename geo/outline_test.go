package geo

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
)

// square is a ring around [x, x+size] × [y, y+size], counter-clockwise.
func square(x, y, size float64) orb.Ring {
	return orb.Ring{{x, y}, {x + size, y}, {x + size, y + size}, {x, y + size}, {x, y}}
}

func TestWhatAnAreaContains(t *testing.T) {
	holed := NewOutline(Area{{square(0, 0, 10), square(4, 4, 2)}, {square(20, 0, 1)}})
	for name, c := range map[string]struct {
		lon, lat       float64
		inside, border bool
	}{
		"inside":           {1, 1, true, false},
		"in the hole":      {5, 5, false, false},
		"other polygon":    {20.5, 0.5, true, false},
		"between polygons": {15, 0.5, false, false},
		"western side":     {0, 3, true, true},
		"eastern side":     {10, 3, false, true},
		"southern side":    {3, 0, true, true},
		"northern side":    {3, 10, false, true},
		"south-west":       {0, 0, true, true},
		"north-east":       {10, 10, false, true},
		"hole's west":      {4, 5, false, true},
		"hole's east":      {6, 5, true, true},
		"level with a top": {-1, 10, false, false},
		"far":              {100, 50, false, false},
		"not a number":     {math.NaN(), 1, false, false},
	} {
		inside, border := holed.locate(orb.Point{c.lon, c.lat})
		if inside != c.inside || border != c.border {
			t.Errorf("%s: inside %t, border %t", name, inside, border)
		}
	}
}

// mosaic cuts a square into triangles around random points, with coordinates
// that rounding does not spare.
func mosaic(r *rand.Rand) []Area {
	corner := func() orb.Point { return orb.Point{105 + r.Float64(), 21 + r.Float64()} }
	triangles := []orb.Ring{{{105, 21}, {106, 21}, {106, 22}, {105, 21}}, {{105, 21}, {106, 22}, {105, 22}, {105, 21}}}
	for range 60 {
		p := corner()
		for i, t := range triangles {
			if orient(t[0], t[1], p) > 0 && orient(t[1], t[2], p) > 0 && orient(t[2], t[0], p) > 0 {
				triangles = append(triangles[:i], triangles[i+1:]...)
				triangles = append(triangles, orb.Ring{t[0], t[1], p, t[0]}, orb.Ring{t[1], t[2], p, t[1]}, orb.Ring{t[2], t[0], p, t[2]})
				break
			}
		}
	}
	areas := make([]Area, len(triangles))
	for i, t := range triangles {
		areas[i] = Area{{t}}
	}
	return areas
}

// Each position lies in exactly one piece of a mosaic, on borders too.
func TestAPlaceOnABorderLiesInOnePiece(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	areas := mosaic(r)
	var outlines []*Outline
	for _, a := range areas {
		outlines = append(outlines, NewOutline(a))
	}
	check := func(p orb.Point) {
		t.Helper()
		holders := 0
		for _, o := range outlines {
			if o.Contains(Position{Lon: p[0], Lat: p[1]}) {
				holders++
			}
		}
		want := 1
		if p[0] >= 106 || p[1] >= 22 { // these sides of the whole are nobody's
			want = 0
		}
		if holders != want {
			t.Errorf("%v lies in %d pieces, want %d", p, holders, want)
		}
	}
	for _, a := range areas {
		for i := 1; i < len(a[0][0]); i++ {
			from, to := a[0][0][i-1], a[0][0][i]
			check(from)
			for range 50 {
				f := r.Float64()
				check(orb.Point{from[0] + f*(to[0]-from[0]), from[1] + f*(to[1]-from[1])})
			}
		}
	}
	for range 10_000 {
		check(orb.Point{105 + r.Float64(), 21 + r.Float64()})
	}
}

func TestShapesChooseOneZoneOfAKind(t *testing.T) {
	shape := func(ref int64, kind, code string, from, to Day, ring orb.Ring) *Shape {
		return &Shape{Outline: NewOutline(Area{{ring}}), Ref: ref, Zone: ref, Kind: kind, Code: code, From: from, To: to}
	}
	old := shape(1, "ward", "b", 0, 100, square(0, 0, 2))
	x := NewShapes().With(old).
		With(shape(2, "ward", "c", 100, 0, square(0, 0, 1))).With(shape(3, "ward", "d", 100, 0, square(1, 0, 1))).
		With(shape(4, "ward", "a", 100, 0, square(1, 0, 1))).With(shape(5, "district", "z", 50, 0, square(0, 0, 2)))
	for name, c := range map[string]struct {
		lon, lat float64
		day      Day
		want     []int64
	}{
		"old boundaries":   {1.5, 0.5, 99, []int64{5, 1}},
		"new boundaries":   {0.5, 0.5, 100, []int64{5, 2}},
		"before the other": {0.5, 0.5, 10, []int64{1}},
		"overlap":          {1.5, 0.5, 100, []int64{5, 4}},
		"shared border":    {1, 0.5, 100, []int64{5, 4}},
		"outer border":     {2, 0.5, 100, []int64{5, 4}},
		"outside":          {3, 3, 100, nil},
	} {
		var got []int64
		for _, s := range x.At(Position{Lon: c.lon, Lat: c.lat}, c.day) {
			got = append(got, s.Ref)
		}
		if len(got) != len(c.want) || len(got) > 0 && (got[0] != c.want[0] || got[len(got)-1] != c.want[len(c.want)-1]) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	less := x.Without(old)
	if x.Len() != 5 || less.Len() != 4 || less.Of("ward", Position{Lon: 0.5, Lat: 0.5}, 99) != nil || x.Of("ward", Position{Lon: 0.5, Lat: 0.5}, 99) != old {
		t.Error("taking a shape out changed the index before, or did not take it out")
	}
	if got := x.Within(Window{MinLon: 1.5, MinLat: 1.5, MaxLon: 0.5, MaxLat: 2}, 99); len(got) != 2 {
		t.Errorf("a window around the world meets %d shapes", len(got))
	}
}

func TestAreaOnTheEllipsoid(t *testing.T) {
	for name, c := range map[string]struct {
		area Area
		want float64 // square metres
		off  float64 // relative
	}{
		// The octant between the equator, the pole and 90° of longitude is an
		// eighth of the surface of the ellipsoid, 510,065,621.724 km².
		"octant":      {Area{{{{0, 0}, {90, 0}, {90, 90}, {0, 90}, {0, 0}}}}, 510_065_621.724e6 / 8, 1e-6},
		"whole":       {Area{{{{-180, -90}, {180, -90}, {180, 90}, {-180, 90}, {-180, -90}}}}, 510_065_621.724e6, 1e-6},
		"with a hole": {Area{{{{0, 0}, {90, 0}, {90, 90}, {0, 90}, {0, 0}}, {{0, 0}, {0, 90}, {45, 90}, {45, 0}, {0, 0}}}}, 510_065_621.724e6 / 16, 1e-6},
		"none":        {nil, 0, 0},
	} {
		if got := c.area.SquareMetres(); math.Abs(got-c.want) > c.off*c.want {
			t.Errorf("%s: %f, want %f", name, got, c.want)
		}
	}
}
