package geo

import (
	"math"

	"github.com/paulmach/orb"
)

// Outline is an area made ready to be asked, many times, whether a position
// lies in it. It never changes.
type Outline struct {
	area   Area
	window Window
	edges  []edge
	// Edges by belts of latitude: those of belt i are in[starts[i]:starts[i+1]].
	low, perDegree float64
	starts         []int32
	in             []int32
}

// edge goes up, or east where it is level, so that both sides of a border
// compute the same.
type edge struct{ a, b orb.Point }

// edgesOfBelt is about how many edges are looked at for a position.
const edgesOfBelt = 8

// NewOutline makes an area ready; the area must not change afterwards.
func NewOutline(a Area) *Outline {
	o := &Outline{area: a, window: a.Window()}
	a.rings(func(_, _ int, ring orb.Ring) {
		for i := 1; i < len(ring); i++ {
			if e := (edge{ring[i-1], ring[i]}); e.a != e.b {
				if e.a[1] > e.b[1] || e.a[1] == e.b[1] && e.a[0] > e.b[0] {
					e.a, e.b = e.b, e.a
				}
				o.edges = append(o.edges, e)
			}
		}
	})
	o.sortIntoBelts()
	return o
}

// Area is what the outline was made of.
func (o *Outline) Area() Area { return o.area }

// Window is the smallest window around the area.
func (o *Outline) Window() Window { return o.window }

func (o *Outline) sortIntoBelts() {
	belts := max(1, len(o.edges)/edgesOfBelt)
	height := o.window.MaxLat - o.window.MinLat
	o.low, o.starts = o.window.MinLat, make([]int32, belts+1)
	if height > 0 {
		o.perDegree = float64(belts) / height
	}
	for _, e := range o.edges {
		for i := o.belt(e.a[1]); i <= o.belt(e.b[1]); i++ {
			o.starts[i+1]++
		}
	}
	for i := range belts {
		o.starts[i+1] += o.starts[i]
	}
	next := append([]int32(nil), o.starts...)
	o.in = make([]int32, o.starts[belts])
	for at, e := range o.edges {
		for i := o.belt(e.a[1]); i <= o.belt(e.b[1]); i++ {
			o.in[next[i]] = int32(at)
			next[i]++
		}
	}
}

func (o *Outline) belt(lat float64) int {
	i := int(math.Floor((lat - o.low) * o.perDegree))
	return min(max(i, 0), len(o.starts)-2)
}

// Contains says whether the position lies in the area. Of a border it has the
// western and the southern side: a position on it counts as the place a hair
// to the north, and then a hair to the east. So of areas that share a border,
// with the same points on it, exactly one contains each position of it.
func (o *Outline) Contains(p Position) bool {
	inside, _ := o.locate(p.Point())
	return inside
}

// Touches says whether the position lies exactly on the area's border.
func (o *Outline) Touches(p Position) bool {
	_, border := o.locate(p.Point())
	return border
}

// locate casts a ray to the east and counts the edges on it.
func (o *Outline) locate(p orb.Point) (inside, border bool) {
	w := &o.window
	if !(p[0] >= w.MinLon && p[0] <= w.MaxLon && p[1] >= w.MinLat && p[1] <= w.MaxLat) || len(o.edges) == 0 {
		return false, false
	}
	belt := o.belt(p[1])
	for _, at := range o.in[o.starts[belt]:o.starts[belt+1]] {
		e := &o.edges[at]
		if p[1] < e.a[1] || p[1] > e.b[1] {
			continue
		}
		across := p[1] < e.b[1] // half-open, and so never for a level edge
		switch {
		case p[0] < e.a[0] && p[0] < e.b[0]:
			inside = inside != across
		case p[0] > e.a[0] && p[0] > e.b[0]:
		default:
			side := orient(e.a, e.b, p)
			border = border || side == 0 && onSegment(e.a, e.b, p)
			inside = inside != (across && side > 0)
		}
	}
	return inside, border
}
