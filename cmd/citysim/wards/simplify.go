// Package wards makes a light copy of the city's ward boundaries in which
// neighbours still share their border to the last digit: borders are cut into
// arcs where three areas meet, and every arc is simplified once, for both of
// its sides.
package wards

import "slices"

// Point is degrees east and north.
type Point [2]float64

// Ring is a closed line without the repeated last point.
type Ring []Point

// edge is a step of a ring in its direction.
type edge struct{ from, to Point }

// Simplify gives rings with the points left out that stand less than
// tolerance (in degrees of latitude) off the line; where a ring would come to
// cross itself, more points stay. Rings of neighbours must have the same
// points along their border, in opposite directions.
func Simplify(rings []Ring, tolerance float64) []Ring {
	const rounds = 12
	s := simplifier{owner: map[edge]int{}}
	for i, ring := range rings {
		s.rings = append(s.rings, withoutRepeats(ring))
		s.tolerance = append(s.tolerance, tolerance)
		for j, p := range s.rings[i] {
			s.owner[edge{p, s.rings[i][(j+1)%len(s.rings[i])]}] = i
		}
	}
	out := make([]Ring, len(rings))
	for range rounds {
		again := false
		for i := range s.rings {
			out[i] = s.simplify(i)
		}
		for i, ring := range out {
			if crossesItself(ring) {
				s.tolerance[i] /= 2
				again = true
			}
		}
		if !again {
			break
		}
	}
	return out
}

// simplifier knows all rings, as each borders on others.
type simplifier struct {
	rings     []Ring
	tolerance []float64    // by ring; a shared arc takes the finer of the two
	owner     map[edge]int // the ring that walks an edge in this direction
}

func withoutRepeats(ring Ring) Ring {
	ring = slices.Compact(slices.Clone(ring))
	for len(ring) > 1 && ring[0] == ring[len(ring)-1] {
		ring = ring[:len(ring)-1]
	}
	return ring
}

// simplify cuts a ring where the neighbour changes and joins the simplified
// arcs again.
func (s *simplifier) simplify(i int) Ring {
	ring := s.rings[i]
	n := len(ring)
	var cuts []int
	for j := range n {
		if s.beyond(ring, j) != s.beyond(ring, (j+n-1)%n) {
			cuts = append(cuts, j)
		}
	}
	if len(cuts) < 2 { // an island: begin and cut at points that its hole would choose too
		cuts = extremes(ring)
	}
	var out Ring
	for k, start := range cuts {
		end := cuts[(k+1)%len(cuts)]
		if end <= start {
			end += n
		}
		arc := make(Ring, 0, end-start+1)
		for j := start; j <= end; j++ {
			arc = append(arc, ring[j%n])
		}
		tolerance := s.tolerance[i]
		if other := s.beyond(ring, start); other >= 0 {
			tolerance = min(tolerance, s.tolerance[other])
		}
		simple := simplifyArc(arc, tolerance)
		out = append(out, simple[:len(simple)-1]...)
	}
	return out
}

// beyond gives the ring on the other side of a ring's jth edge, or -1.
func (s *simplifier) beyond(ring Ring, j int) int {
	if i, shared := s.owner[edge{ring[(j+1)%len(ring)], ring[j]}]; shared {
		return i
	}
	return -1
}

// extremes gives the places of the lowest and the highest point in order.
func extremes(ring Ring) []int {
	low, high := 0, 0
	for j, p := range ring {
		if less(p, ring[low]) {
			low = j
		}
		if less(ring[high], p) {
			high = j
		}
	}
	return []int{min(low, high), max(low, high)}
}

func less(a, b Point) bool { return a[0] < b[0] || a[0] == b[0] && a[1] < b[1] }

// simplifyArc keeps both ends (Douglas and Peucker). An arc is always walked
// from its lesser end, so that both sides leave out the same points.
func simplifyArc(arc Ring, tolerance float64) Ring {
	backwards := less(arc[len(arc)-1], arc[0])
	if backwards {
		slices.Reverse(arc)
	}
	keep := make([]bool, len(arc))
	keep[0], keep[len(arc)-1] = true, true
	mark(arc, 0, len(arc)-1, tolerance*tolerance, keep)
	out := make(Ring, 0, len(arc))
	for i, p := range arc {
		if keep[i] {
			out = append(out, p)
		}
	}
	if backwards {
		slices.Reverse(out)
	}
	return out
}

// mark keeps the point farthest from the line between two kept ones, if it is
// far enough, and goes on at both sides of it.
func mark(arc Ring, from, to int, limit float64, keep []bool) {
	for to-from > 1 {
		far, most := from, limit
		for i := from + 1; i < to; i++ {
			if d := squareDistance(arc[i], arc[from], arc[to]); d > most {
				far, most = i, d
			}
		}
		if far == from {
			return
		}
		keep[far] = true
		mark(arc, from, far, limit, keep)
		from = far
	}
}

// squareDistance is that of a point to a stretch, a degree east being worth
// as much less as it is at Hanoi.
func squareDistance(p, a, b Point) float64 {
	const east = 0.934
	px, py := (p[0]-a[0])*east, p[1]-a[1]
	bx, by := (b[0]-a[0])*east, b[1]-a[1]
	if length := bx*bx + by*by; length > 0 {
		along := max(0, min(1, (px*bx+py*by)/length))
		px, py = px-along*bx, py-along*by
	}
	return px*px + py*py
}
