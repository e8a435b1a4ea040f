package geo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/paulmach/orb"
)

func box(west, south, east, north float64) orb.Ring {
	return orb.Ring{{west, south}, {east, south}, {east, north}, {west, north}, {west, south}}
}

// What RFC 7946 asks for: 7 digits, shells counter-clockwise, and cuts at the
// antimeridian.
func TestGeoJSONIsWrittenByTheBook(t *testing.T) {
	for name, c := range map[string]struct {
		got  []byte
		want string
	}{
		"a point":             {AppendPoint(nil, &Position{Lon: 105.123456789, Lat: -0.00000001}), `{"type":"Point","coordinates":[105.1234568,0]}`},
		"with an altitude":    {AppendPoint(nil, &Position{Lon: -0.5, Lat: 90, Alt: 12.34567}), `{"type":"Point","coordinates":[-0.5,90,12.346]}`},
		"no place":            {AppendPoint(nil, nil), `null`},
		"a clockwise shell":   {AppendArea(nil, Area{{backwards(box(0, 0, 1, 1))}}), `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}`},
		"a hole":              {AppendArea(nil, Area{{box(0, 0, 3, 3), box(1, 1, 2, 2)}}), `{"type":"Polygon","coordinates":[[[0,0],[3,0],[3,3],[0,3],[0,0]],[[1,1],[1,2],[2,2],[2,1],[1,1]]]}`},
		"none":                {AppendArea(nil, nil), `{"type":"MultiPolygon","coordinates":[]}`},
		"over 180":            {AppendArea(nil, Area{{box(179, 0, -179, 1)}}), `{"type":"MultiPolygon","coordinates":[[[[180,1],[179,1],[179,0],[180,0],[180,1]]],[[[-180,0],[-179,0],[-179,1],[-180,1],[-180,0]]]]}`},
		"the whole Earth":     {AppendArea(nil, Area{{box(-180, -90, 180, 90)}}), `{"type":"Polygon","coordinates":[[[-180,-90],[180,-90],[180,90],[-180,90],[-180,-90]]]}`},
		"a way":               {AppendTrack(nil, [][]Position{{{Lon: 1, Lat: 2}, {Lon: 3, Lat: 4, Alt: 5}}}), `{"type":"LineString","coordinates":[[1,2,0],[3,4,5]]}`},
		"a way over 180":      {AppendTrack(nil, [][]Position{{{Lon: 179, Lat: 0}, {Lon: 180, Lat: 1}}, {{Lon: -180, Lat: 1}, {Lon: -179, Lat: 2}}}), `{"type":"MultiLineString","coordinates":[[[179,0],[180,1]],[[-180,1],[-179,2]]]}`},
		"a way of one place":  {AppendTrack(nil, [][]Position{{{Lon: 1, Lat: 2}}}), `{"type":"Point","coordinates":[1,2]}`},
		"a way of none":       {AppendTrack(nil, nil), `null`},
		"a window":            {AppendWindow(nil, Window{170, -20, -170, 20}), `[170,-20,-170,20]`},
		"bbox of nothing":     {extentOf().AppendMember(nil), ``},
		"bbox of one":         {extentOf(Position{Lon: 1, Lat: 2}).AppendMember(nil), `,"bbox":[1,2,1,2]`},
		"bbox with altitudes": {extentOf(Position{Lon: 1, Lat: 2, Alt: 3}, Position{Lon: -1, Lat: 0, Alt: -4}, Position{}).AppendMember(nil), `,"bbox":[-1,0,-4,1,2,3]`},
		"bbox over 180":       {extentOf(Position{Lon: 179}, Position{Lon: -178, Lat: 1}).AppendMember(nil), `,"bbox":[179,0,-178,1]`},
		"bbox over 0":         {extentOf(Position{Lon: 10}, Position{Lon: -20, Lat: 1}).AppendMember(nil), `,"bbox":[-20,0,10,1]`},
	} {
		if string(c.got) != c.want {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
}

// extentOf takes the places in one by one; joined extents must say the same.
func extentOf(places ...Position) *Extent {
	e, joined := &Extent{}, &Extent{}
	for _, p := range places {
		one := &Extent{}
		one.Add(p)
		e.Add(p)
		joined.Join(one)
	}
	joined.Join(&Extent{})
	if *e != *joined {
		panic("joined extents differ")
	}
	return e
}

// What is read over the antimeridian has its surface, and holds the places of
// both sides.
func TestAreasOverTheAntimeridianAreCut(t *testing.T) {
	flat, err := ReadArea([]byte(`{"type":"Polygon","coordinates":[[[10,-20],[20,-20],[20,10],[10,10],[10,-20]],[[12,-15],[12,5],[18,5],[18,-15],[12,-15]]]}`), CRS{})
	if err != nil {
		t.Fatal(err)
	}
	over, err := ReadArea([]byte(`{"type":"Polygon","coordinates":[[[175,-20],[-175,-20],[-175,10],[175,10],[175,-20]],[[177,-15],[177,5],[-177,5],[-177,-15],[177,-15]]]}`), CRS{})
	if err != nil {
		t.Fatal(err)
	}
	if faults := Check(over); len(over) != 2 || len(faults) > 0 {
		t.Fatalf("%v: %v", over, faults)
	}
	if a, b := flat.SquareMetres(), over.SquareMetres(); a < 0.999999*b || b < 0.999999*a {
		t.Errorf("%f m², and cut %f", a, b)
	}
	if w := over.BBox(); w != (Window{175, -20, -175, 10}) {
		t.Errorf("bbox %v", w)
	}
	o := NewOutline(over)
	for lon, want := range map[float64]bool{176: true, -176: true, 179: false, -179: false, 0: false, 174: false} {
		if got := o.Contains(Position{Lon: lon}); got != want {
			t.Errorf("%v: inside %t", lon, got)
		}
	}
	if w := flat.BBox(); w != (Window{10, -20, 20, 10}) {
		t.Errorf("bbox %v", w)
	}
}

// What lies off the Earth is left to Check, however far off: no ring is moved
// around the Earth until it comes near, and none is cut away before it is seen.
func TestAreasOffTheEarthAreNotCut(t *testing.T) {
	for _, lon := range []string{"-1e17", "1e17", "-1e12", "1e300", "540"} {
		hole := fmt.Sprintf("[[%s,0],[%s,1],[-178,1],[%s,0]]", lon, lon, lon)
		done := make(chan []Fault, 1)
		go func() {
			area, err := ReadArea([]byte(`{"type":"Polygon","coordinates":[[[175,-20],[-175,-20],[-175,10],[175,10],[175,-20]],`+hole+`]}`), CRS{})
			if err != nil {
				t.Error(err)
			}
			done <- Check(area)
		}()
		select {
		case faults := <-done:
			if len(faults) != 1 || faults[0].Ring != 1 {
				t.Errorf("a hole at %s: %v", lon, faults)
			}
		case <-time.After(time.Minute):
			t.Fatalf("a hole at %s is still being laid out", lon)
		}
	}
}

// A hole that lies beside its shell when both are laid out is brought to it.
func TestTurnsToAShell(t *testing.T) {
	shell := box(175, 0, 185, 10).Bound()
	for west, want := range map[float64]float64{-178: 1, 176: 0, 182: 0, 542: -1, -538: 2, 184.9: 0} {
		if got := turnsTo(shell, box(west, 1, west+1, 2).Bound()); got != want {
			t.Errorf("from %v: %v turns, want %v", west, got, want)
		}
	}
}

// A star with a starred hole, cut anywhere: both parts are sound and have its
// surface together.
func TestHalvesOfAPolygon(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for i := range 400 {
		polygon := orb.Polygon{star(r, 40, 5, 10), backwards(star(r, 30, 1, 4.9))}
		if i%5 == 0 { // edges along the line
			polygon = orb.Polygon{{{-9, -9}, {9, -9}, {9, 9}, {4, 9}, {4, 0}, {0, 0}, {0, 5}, {-3, 5}, {-3, 0}, {-9, 0}, {-9, -9}}}
		}
		h := half{i % 2, 12 * (r.Float64() - 0.5), false}
		if i%10 == 0 {
			h = half{1, 0, false}
		}
		other := h
		other.most = true
		one, rest := Area{}, Area{}
		one, rest = append(one, h.cut(polygon)...), append(rest, other.cut(polygon)...)
		sum := 0.0
		for name, part := range map[string]Area{"one": one, "other": rest} {
			if faults := Check(part); len(faults) > 0 {
				t.Fatalf("%d, %s half of %v at %v is %v: %v", i, name, polygon, h, part, faults)
			}
			part.rings(func(_, _ int, ring orb.Ring) { sum += signedArea(ring) })
		}
		want := signedArea(polygon[0])
		if len(polygon) > 1 {
			want += signedArea(polygon[1])
		}
		if fmt.Sprintf("%.6f", sum) != fmt.Sprintf("%.6f", want) {
			t.Fatalf("%d: %f, want %f", i, sum, want)
		}
	}
}

// star is a sound ring around 0, 0, counter-clockwise.
func star(r *rand.Rand, corners int, low, high float64) orb.Ring {
	ring := make(orb.Ring, corners, corners+1)
	for i := range ring {
		far := low + (high-low)*r.Float64()
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(corners))
		ring[i] = orb.Point{far * cos, far * sin}
	}
	return append(ring, ring[0])
}
