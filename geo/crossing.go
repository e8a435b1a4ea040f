package geo

import (
	"fmt"
	"slices"

	"github.com/paulmach/orb"
)

// segment is an edge of an area with its place.
type segment struct {
	a, b              orb.Point
	polygon, ring, at int // at: from point at to point at+1 of the ring
	last              int // the ring's last segment
}

func (s *segment) west() float64 { return min(s.a[0], s.b[0]) }
func (s *segment) east() float64 { return max(s.a[0], s.b[0]) }

// segments lists the edges of an area from west to east.
func segments(a Area) []segment {
	all := make([]segment, 0, a.Points())
	a.rings(func(p, r int, ring orb.Ring) {
		ring = once(ring)
		for i := range len(ring) - 1 {
			all = append(all, segment{ring[i], ring[i+1], p, r, i, len(ring) - 2})
		}
	})
	slices.SortFunc(all, func(s, t segment) int { return sign(s.west() - t.west()) })
	return all
}

// crossings finds edges that meet where they must not.
func (c *checker) crossings() {
	all := segments(c.area)
	for i := range all {
		s := &all[i]
		for j := i + 1; j < len(all) && all[j].west() <= s.east(); j++ {
			if c.full() {
				return
			}
			c.pair(s, &all[j])
		}
	}
}

// pair tells what two edges do to each other.
func (c *checker) pair(s, t *segment) {
	if max(s.a[1], s.b[1]) < min(t.a[1], t.b[1]) || max(t.a[1], t.b[1]) < min(s.a[1], s.b[1]) {
		return
	}
	same := s.polygon == t.polygon && s.ring == t.ring
	how, at := meet(s.a, s.b, t.a, t.b)
	switch {
	case how == apart, how == touching && same && s.beside(t), how == touching && !same:
		return
	case same:
		c.fault(s.polygon, s.ring, at, "the ring crosses or touches itself")
	default:
		if t.polygon < s.polygon || t.polygon == s.polygon && t.ring < s.ring {
			s, t = t, s
		}
		what := "crosses"
		if how == along {
			what = "shares an edge with"
		}
		c.fault(t.polygon, t.ring, at, fmt.Sprintf("the ring %s ring %d of polygon %d", what, s.ring+1, s.polygon+1))
	}
}

// beside says whether two edges of a ring follow each other.
func (s *segment) beside(t *segment) bool {
	low, high := min(s.at, t.at), max(s.at, t.at)
	return high-low == 1 || low == 0 && high == s.last
}

// meeting is how two segments lie to each other.
type meeting int

const (
	apart    meeting = iota
	touching         // at one point, which is an end of one of them
	crossing         // at one point within both
	along            // over a length
)

// meet says how two segments lie to each other, exactly, and where (rounded).
func meet(a, b, c, d orb.Point) (meeting, orb.Point) {
	sideC, sideD := orient(a, b, c), orient(a, b, d)
	sideA, sideB := orient(c, d, a), orient(c, d, b)
	if sideC == 0 && sideD == 0 {
		return meetOnLine(a, b, c, d)
	}
	if sideC*sideD < 0 && sideA*sideB < 0 {
		return crossing, crossingPoint(a, b, c, d)
	}
	for _, end := range []struct {
		side    int
		a, b, p orb.Point
	}{{sideC, a, b, c}, {sideD, a, b, d}, {sideA, c, d, a}, {sideB, c, d, b}} {
		if end.side == 0 && onSegment(end.a, end.b, end.p) {
			return touching, end.p
		}
	}
	return apart, orb.Point{}
}

// meetOnLine is meet for segments of one line.
func meetOnLine(a, b, c, d orb.Point) (meeting, orb.Point) {
	order := func(p, q orb.Point) int {
		if p[0] != q[0] {
			return sign(p[0] - q[0])
		}
		return sign(p[1] - q[1])
	}
	if order(a, b) > 0 {
		a, b = b, a
	}
	if order(c, d) > 0 {
		c, d = d, c
	}
	from, to := a, b
	if order(c, from) > 0 {
		from = c
	}
	if order(d, to) < 0 {
		to = d
	}
	switch order(from, to) {
	case -1:
		return along, from
	case 0:
		return touching, from
	}
	return apart, orb.Point{}
}

// crossingPoint is where two crossing segments meet, rounded.
func crossingPoint(a, b, c, d orb.Point) orb.Point {
	rx, ry, sx, sy := b[0]-a[0], b[1]-a[1], d[0]-c[0], d[1]-c[1]
	t := ((c[0]-a[0])*sy - (c[1]-a[1])*sx) / (rx*sy - ry*sx)
	return orb.Point{a[0] + t*rx, a[1] + t*ry}
}
