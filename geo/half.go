package geo

import (
	"cmp"
	"slices"

	"github.com/paulmach/orb"
)

// half is a side of a line that runs north to south (axis 0) or west to east
// (axis 1), with the line: what is at least the limit, or at most.
type half struct {
	axis  int
	limit float64
	most  bool
}

// depth is how far a point lies in the half; negative outside.
func (h half) depth(p orb.Point) float64 {
	if h.most {
		return h.limit - p[h.axis]
	}
	return p[h.axis] - h.limit
}

// crossing is where a ring goes over the line, at a place of a chain.
type lineCrossing struct {
	along float64 // the place on the line
	chain int     // that begins here, or ends
	ends  bool
}

// cutter collects what of a polygon lies in a half: rings that do not meet the
// line, and chains of the others, from line to line.
type cutter struct {
	half
	whole     []orb.Ring
	chains    []orb.Ring
	crossings []lineCrossing
}

// cut gives the part of a sound polygon, wound as RFC 7946 wants it, that lies
// in the half: sound polygons again, whose new edges run along the line and do
// not overlap. Two polygons with a common border get the same new points on it.
func (h half) cut(polygon orb.Polygon) []orb.Polygon {
	if !slices.ContainsFunc(polygon[0], func(p orb.Point) bool { return h.depth(p) < 0 }) {
		return []orb.Polygon{polygon}
	}
	c := cutter{half: h}
	for _, ring := range polygon {
		c.ring(ring)
	}
	var shells []orb.Polygon
	for _, ring := range c.join() {
		if ring = tidy(ring); signedArea(ring) > 0 {
			shells = append(shells, orb.Polygon{ring})
		}
	}
	return withHoles(shells, c.whole)
}

// ring sorts a ring in, which is closed. What lies on the line counts as
// outside, so that nothing is left that has no surface.
func (c *cutter) ring(ring orb.Ring) {
	n := len(ring) - 1
	outside := slices.IndexFunc(ring, func(p orb.Point) bool { return c.depth(p) <= 0 })
	if outside < 0 {
		c.whole = append(c.whole, ring)
		return
	}
	var chain orb.Ring
	for i := range n { // from outside, once around
		a, b := ring[(outside+i)%n], ring[(outside+i+1)%n]
		in := c.depth(b) > 0
		switch was := c.depth(a) > 0; {
		case in && !was:
			at := c.onLine(a, b)
			c.crossings = append(c.crossings, lineCrossing{at[1-c.axis], len(c.chains), false})
			chain = orb.Ring{at, b}
		case in:
			chain = append(chain, b)
		case was:
			at := c.onLine(b, a)
			c.crossings = append(c.crossings, lineCrossing{at[1-c.axis], len(c.chains), true})
			c.chains = append(c.chains, append(chain, at))
		}
	}
}

// onLine is where the way from a point outside to one inside meets the line:
// the same whichever ring goes there, as the way is always taken inward.
func (c *cutter) onLine(out, in orb.Point) orb.Point {
	if c.depth(out) == 0 {
		return out
	}
	var at orb.Point
	share := c.depth(out) / (c.depth(out) - c.depth(in))
	at[c.axis], at[1-c.axis] = c.limit, out[1-c.axis]+share*(in[1-c.axis]-out[1-c.axis])
	return at
}

// join closes the chains along the line. Inside is to the left of each, so on
// the line from one crossing to the next it is inside, then outside, in turns.
func (c *cutter) join() []orb.Ring {
	slices.SortFunc(c.crossings, func(a, b lineCrossing) int { return cmp.Compare(a.along, b.along) })
	next := make([]int, len(c.chains)) // the chain that follows on each
	for i := 0; i+1 < len(c.crossings); i += 2 {
		a := c.crossings[i]
		for j := i + 1; c.crossings[j].ends == a.ends && j+1 < len(c.crossings); j++ { // of crossings at one place any may be the other's
			c.crossings[i+1], c.crossings[j+1] = c.crossings[j+1], c.crossings[i+1]
		}
		b := c.crossings[i+1]
		if b.ends {
			a, b = b, a
		}
		next[a.chain] = b.chain
	}
	var rings []orb.Ring
	joined := make([]bool, len(c.chains))
	for first := range c.chains {
		var ring orb.Ring
		for i := first; !joined[i]; i = next[i] {
			joined[i] = true
			ring = append(ring, c.chains[i]...)
		}
		if len(ring) > 0 {
			rings = append(rings, append(ring, ring[0]))
		}
	}
	return rings
}

// withHoles gives each hole to the shell in which it lies.
func withHoles(shells []orb.Polygon, holes []orb.Ring) []orb.Polygon {
	for _, hole := range holes {
		for i := range shells {
			if len(shells) == 1 || lies(hole, shells[i][0]) {
				shells[i] = append(shells[i], hole)
				break
			}
		}
	}
	return shells
}

// lies says whether a ring lies in another that it does not cross.
func lies(in, around orb.Ring) bool {
	if !around.Bound().Intersects(in.Bound()) {
		return false
	}
	_, inside := outermost(NewOutline(Area{{around}}), in, true)
	return inside
}
