package geo

import (
	"math"
	"slices"

	"github.com/paulmach/orb"
)

// halfWay is how far two points that follow each other lie apart at most, in
// degrees of longitude: those farther apart are joined the other way around
// the Earth, over the antimeridian.
const halfWay = 180

// over says whether the way between two longitudes goes over the antimeridian.
// One from -180 to 180 goes along a parallel around the whole Earth.
func over(from, to float64) bool {
	way := math.Abs(to - from)
	return way > halfWay && way < 2*halfWay
}

// Uncrossed gives the area such that no edge goes over the antimeridian: what
// does is cut there into polygons on both sides (RFC 7946, 3.1.9). An area that
// needs no cut is given back as it is, and so is one around a pole, and one that
// is not on the Earth, which Check refuses.
func (a Area) Uncrossed() Area {
	if !a.onEarth() {
		return a
	}
	crosses := func(p orb.Polygon) bool {
		return slices.ContainsFunc(p, func(ring orb.Ring) bool {
			for i := 1; i < len(ring); i++ {
				if over(ring[i-1][0], ring[i][0]) {
					return true
				}
			}
			return false
		})
	}
	if !slices.ContainsFunc(a, crosses) {
		return a
	}
	var cut Area
	for _, polygon := range a {
		if parts := uncross(polygon); crosses(polygon) && parts != nil {
			cut = append(cut, parts...)
		} else {
			cut = append(cut, polygon)
		}
	}
	return cut
}

// onEarth says whether all corners are places.
func (a Area) onEarth() bool {
	for _, polygon := range a {
		for _, ring := range polygon {
			for _, p := range ring {
				if (Position{Lon: p[0], Lat: p[1]}).Validate() != nil {
					return false
				}
			}
		}
	}
	return true
}

// uncross lays a polygon out without jumps and cuts it at 180° and -180°; nil
// where that cannot be done.
func uncross(polygon orb.Polygon) (parts []orb.Polygon) {
	flat := make(orb.Polygon, len(polygon))
	for r, ring := range polygon {
		if flat[r] = unroll(ring); flat[r] == nil {
			return nil
		}
		flat[r] = moved(flat[r], turnsTo(flat[0].Bound(), flat[r].Bound())*2*halfWay)
	}
	flat = orb.Polygon(Wound(Area{flat})[0])
	for turn := -1; turn <= 1; turn++ {
		west, east := half{0, float64(2*turn-1) * halfWay, false}, half{0, float64(2*turn+1) * halfWay, true}
		for _, part := range west.cut(flat) {
			for _, piece := range east.cut(part) {
				for r := range piece {
					piece[r] = moved(piece[r], float64(-2*turn)*halfWay)
				}
				parts = append(parts, piece)
			}
		}
	}
	return parts
}

// turnsTo is by how many turns around the Earth a ring that lies beside its
// shell comes to it.
func turnsTo(shell, ring orb.Bound) float64 {
	switch {
	case ring.Max[0] < shell.Min[0]:
		return math.Ceil((shell.Min[0] - ring.Max[0]) / (2 * halfWay))
	case ring.Min[0] > shell.Max[0]:
		return -math.Ceil((ring.Min[0] - shell.Max[0]) / (2 * halfWay))
	}
	return 0
}

// unroll gives a ring whose longitudes go on beyond 180°; nil when it is not
// closed, or goes around a pole.
func unroll(ring orb.Ring) orb.Ring {
	flat, turns := slices.Clone(ring), 0.0
	for i := 1; i < len(ring); i++ {
		if over(ring[i-1][0], ring[i][0]) {
			turns += math.Copysign(1, ring[i-1][0]-ring[i][0])
		}
		flat[i][0] += turns * 2 * halfWay
	}
	if len(flat) < 4 || flat[0] != flat[len(flat)-1] {
		return nil
	}
	return flat
}

func moved(ring orb.Ring, by float64) orb.Ring {
	if by == 0 {
		return ring
	}
	ring = slices.Clone(ring)
	for i := range ring {
		ring[i][0] += by
	}
	return ring
}
