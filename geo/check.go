package geo

import (
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"
)

// Fault is what is wrong with a ring of an area, and where.
type Fault struct {
	Polygon, Ring int // from 0; ring 0 is the shell, the others are holes
	At            Position
	Detail        string // what is wrong and how to mend it
}

// Error names the polygon and the ring as people count them.
func (f Fault) Error() string {
	which := fmt.Sprintf("hole %d", f.Ring)
	if f.Ring == 0 {
		which = "the shell"
	}
	return fmt.Sprintf("polygon %d, %s, near %.6f %.6f: %s", f.Polygon+1, which, f.At.Lon, f.At.Lat, f.Detail)
}

// maxFaults is how many are told of one area: the first ones are enough to
// find the place.
const maxFaults = 10

// Check says what is wrong with an area, at most ten faults; none where it is
// sound: coordinates on the Earth, rings closed, of three corners at least and
// without a crossing, holes within their shell, no ring over another. A point
// that is repeated at once does no harm.
func Check(a Area) []Fault {
	c := checker{area: a}
	if len(a) == 0 {
		c.fault(0, 0, orb.Point{}, "the area is empty")
	}
	a.rings(func(p, r int, ring orb.Ring) { c.coordinates(p, r, ring) })
	if len(c.faults) > 0 {
		return c.faults // what follows would only repeat them
	}
	a.rings(func(p, r int, ring orb.Ring) { c.ring(p, r, ring) })
	if len(c.faults) > 0 {
		return c.faults
	}
	c.crossings()
	if len(c.faults) == 0 {
		c.nesting()
	}
	return c.faults
}

type checker struct {
	area   Area
	faults []Fault
}

func (c *checker) full() bool { return len(c.faults) >= maxFaults }

func (c *checker) fault(polygon, ring int, at orb.Point, detail string) {
	if !c.full() {
		c.faults = append(c.faults, Fault{polygon, ring, Position{Lon: at[0], Lat: at[1]}, detail})
	}
}

// coordinates tells one fault a ring: where one is wrong, all are.
func (c *checker) coordinates(polygon, at int, ring orb.Ring) {
	for _, p := range ring {
		err := Position{Lon: p[0], Lat: p[1]}.Validate()
		if err == nil {
			continue
		}
		detail := err.Error()
		switch {
		case math.Abs(p[0]) <= 90 && math.Abs(p[1]) > 90 && math.Abs(p[1]) <= 180:
			detail += "; longitude and latitude look swapped: GeoJSON has the longitude first"
		case math.Abs(p[0]) > 10_000 || math.Abs(p[1]) > 10_000:
			detail += "; these look like metres of a map projection: name it by its EPSG code (crs)"
		}
		c.fault(polygon, at, p, detail)
		return
	}
}

// ring checks what can be seen of a ring alone, without crossings.
func (c *checker) ring(polygon, at int, ring orb.Ring) {
	switch {
	case len(ring) == 0:
		c.fault(polygon, at, orb.Point{}, "the ring has no points")
	case ring[0] != ring[len(ring)-1]:
		c.fault(polygon, at, ring[len(ring)-1], "the ring is not closed: its last point must be its first again")
	case len(once(ring)) < 4:
		c.fault(polygon, at, ring[0], "the ring has fewer than three corners")
	}
}

// once gives a ring without points that are repeated at once.
func once(ring orb.Ring) orb.Ring { return slices.Compact(slices.Clone(ring)) }

// nesting finds holes outside their shell and polygons within each other. No
// two rings cross here.
func (c *checker) nesting() {
	for p, polygon := range c.area {
		shell := NewOutline(Area{polygon[:1]})
		for h := 1; h < len(polygon); h++ {
			if at, out := outermost(shell, polygon[h], false); out {
				c.fault(p, h, at, "the hole lies outside its shell")
			}
			for other := 1; other < h; other++ {
				if at, in := outermost(NewOutline(Area{{polygon[other]}}), polygon[h], true); in {
					c.fault(p, h, at, fmt.Sprintf("the hole lies within hole %d", other))
				}
			}
		}
		for q := range p {
			c.apart(p, q)
			c.apart(q, p)
		}
	}
}

// apart refuses a polygon that lies in another.
func (c *checker) apart(p, q int) {
	if at, in := outermost(NewOutline(Area{c.area[q]}), c.area[p][0], true); in {
		c.fault(p, 0, at, fmt.Sprintf("the polygon lies within polygon %d", q+1))
	}
}

// outermost finds a point of the ring, or the middle of one of its edges, that
// lies clearly inside the outline or, asked for the other, clearly outside.
func outermost(o *Outline, ring orb.Ring, inside bool) (orb.Point, bool) {
	for i := 1; i < len(ring); i++ {
		a, b := ring[i-1], ring[i]
		for _, p := range [2]orb.Point{a, {(a[0] + b[0]) / 2, (a[1] + b[1]) / 2}} {
			in, border := o.locate(p)
			if border {
				continue
			}
			if p != a { // a middle is rounded, so it tells only where both ends lie on the border
				_, first := o.locate(a)
				_, second := o.locate(b)
				if !first || !second {
					continue
				}
			}
			if in == inside {
				return p, true
			}
			if p == a {
				return p, false // no ring crosses another: one clear corner speaks for all
			}
		}
	}
	return orb.Point{}, false
}
