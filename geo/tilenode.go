package geo

import (
	"cmp"
	"math"
	"slices"
)

// corner is a place of a tile in whole units, with the north up.
type corner [2]int32

// side is an edge between corners; the area lies to its left.
type side struct{ a, b corner }

// sides are the edges of an area whose corners were moved to whole units, as
// many of each as there are.
type sides map[side]int

// add puts an edge in; one the way back takes both out, as the area lies on
// both sides of it, or on none.
func (s sides) add(a, b corner) {
	switch back := (side{b, a}); {
	case a == b:
	case s[back] > 1:
		s[back]--
	case s[back] == 1:
		delete(s, back)
	default:
		s[side{a, b}]++
	}
}

// mostRounds bounds how often edges are parted where they meet: each time
// corners may come that are rounded again.
const mostRounds = 8

// rings gives the loops that the edges make: none meets itself, none crosses
// another or has an edge with it in common, and the area lies to their left.
func (s sides) rings() [][]corner {
	for range mostRounds {
		parted, met := s.parted()
		if !met {
			break
		}
		s = parted
	}
	var rings [][]corner
	for _, way := range s.ways() {
		rings = append(rings, pinched(way)...)
	}
	return rings
}

// list gives the edges from west to east.
func (s sides) list() []side {
	list := make([]side, 0, len(s))
	for e, n := range s {
		for range n {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(e, f side) int {
		return cmp.Or(cmp.Compare(min(e.a[0], e.b[0]), min(f.a[0], f.b[0])), slices.Compare(e.a[:], f.a[:]), slices.Compare(e.b[:], f.b[:]))
	})
	return list
}

// parted parts edges where others meet them; false when none is met.
func (s sides) parted() (sides, bool) {
	list := s.list()
	at := make([][]corner, len(list))
	met := false
	for i, e := range list {
		east, low, high := max(e.a[0], e.b[0]), min(e.a[1], e.b[1]), max(e.a[1], e.b[1])
		for j := i + 1; j < len(list); j++ {
			f := list[j]
			if min(f.a[0], f.b[0]) > east {
				break
			}
			if min(f.a[1], f.b[1]) <= high && max(f.a[1], f.b[1]) >= low && e.part(f, &at[i], &at[j]) {
				met = true
			}
		}
	}
	if !met {
		return s, false
	}
	parted := make(sides, len(s))
	for i, e := range list {
		slices.SortFunc(at[i], func(p, q corner) int { return cmp.Compare(far(e.a, p), far(e.a, q)) })
		from := e.a
		for _, p := range at[i] {
			parted.add(from, p)
			from = p
		}
		parted.add(from, e.b)
	}
	return parted, true
}

// far is the square of a distance.
func far(p, q corner) int64 {
	x, y := int64(q[0]-p[0]), int64(q[1]-p[1])
	return x*x + y*y
}

// part notes where two edges must be parted; false when nowhere.
func (e side) part(f side, atE, atF *[]corner) bool {
	c, d, a, b := e.turn(f.a), e.turn(f.b), f.turn(e.a), f.turn(e.b)
	if c != 0 && d != 0 && a != 0 && b != 0 {
		if (c > 0) == (d > 0) || (a > 0) == (b > 0) {
			return false
		}
		share := float64(a) / float64(a-b)
		p := corner{e.a[0] + int32(math.Round(share*float64(e.b[0]-e.a[0]))), e.a[1] + int32(math.Round(share*float64(e.b[1]-e.a[1])))}
		met := e.note(p, atE)
		return f.note(p, atF) || met
	}
	met := c == 0 && e.holds(f.a) && e.note(f.a, atE)
	met = d == 0 && e.holds(f.b) && e.note(f.b, atE) || met
	met = a == 0 && f.holds(e.a) && f.note(e.a, atF) || met
	return b == 0 && f.holds(e.b) && f.note(e.b, atF) || met
}

// note adds a place, unless the edge ends there.
func (e side) note(p corner, at *[]corner) bool {
	if p == e.a || p == e.b {
		return false
	}
	*at = append(*at, p)
	return true
}

// turn is positive where p lies left of the edge, zero on its line.
func (e side) turn(p corner) int64 {
	return int64(e.b[0]-e.a[0])*int64(p[1]-e.a[1]) - int64(e.b[1]-e.a[1])*int64(p[0]-e.a[0])
}

// holds says whether a place of the edge's line lies between its ends.
func (e side) holds(p corner) bool {
	return p[0] >= min(e.a[0], e.b[0]) && p[0] <= max(e.a[0], e.b[0]) && p[1] >= min(e.a[1], e.b[1]) && p[1] <= max(e.a[1], e.b[1])
}

// ways follows the edges around the area, at each corner as far to the left as
// can be, until it is back.
func (s sides) ways() [][]corner {
	list := s.list()
	from := make(map[corner][]int, len(list))
	for i, e := range list {
		from[e.a] = append(from[e.a], i)
	}
	gone := make([]bool, len(list))
	var ways [][]corner
	for first := range list {
		var way []corner
		for at := first; at >= 0 && !gone[at]; {
			gone[at] = true
			e := list[at]
			way = append(way, e.a)
			at = -1
			for _, i := range from[e.b] {
				if (!gone[i] || i == first) && (at < 0 || e.leftward(list[i]) < e.leftward(list[at])) {
					at = i
				}
			}
		}
		if len(way) > 2 {
			ways = append(ways, way)
		}
	}
	return ways
}

// leftward is smaller the farther an edge that follows turns left.
func (e side) leftward(f side) float64 {
	back := math.Atan2(float64(e.a[1]-e.b[1]), float64(e.a[0]-e.b[0]))
	on := math.Atan2(float64(f.b[1]-f.a[1]), float64(f.b[0]-f.a[0]))
	return math.Mod(back-on+4*math.Pi, 2*math.Pi)
}

// pinched parts a way where it comes to a corner again. Each ring is given
// without its first corner a second time; what has no surface is left out.
func pinched(way []corner) (rings [][]corner) {
	at := make(map[corner]int, len(way)) // of the corners that are kept
	var kept []corner
	for _, p := range append(way, way[0]) {
		if first, again := at[p]; again {
			if ring := slices.Clone(kept[first:]); surface(ring) != 0 {
				rings = append(rings, ring)
			}
			for _, q := range kept[first:] {
				delete(at, q)
			}
			kept = kept[:first]
		}
		at[p] = len(kept)
		kept = append(kept, p)
	}
	return rings
}

// surface is twice a ring's, positive when it runs counter-clockwise.
func surface(ring []corner) (sum int64) {
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		sum += int64(p[0])*int64(q[1]) - int64(q[0])*int64(p[1])
	}
	return sum
}
