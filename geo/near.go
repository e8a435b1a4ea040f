package geo

import (
	"math"

	"github.com/paulmach/orb"
)

// Near says whether the position lies within so many metres of the area's
// border, on whichever side. It is meant for some kilometres at most.
func (o *Outline) Near(p Position, metres float64) bool {
	const perDegree = meanRadius * math.Pi / 180
	if len(o.edges) == 0 {
		return false
	}
	at := planeAt(p)
	high := metres / perDegree
	wide := high / max(at.cos, 1e-6)
	if p.Lat < o.window.MinLat-high || p.Lat > o.window.MaxLat+high || p.Lon < o.window.MinLon-wide || p.Lon > o.window.MaxLon+wide {
		return false
	}
	for belt := o.belt(p.Lat - high); belt <= o.belt(p.Lat+high); belt++ {
		for _, i := range o.in[o.starts[belt]:o.starts[belt+1]] {
			if e := &o.edges[i]; e.a[1] <= p.Lat+high && e.b[1] >= p.Lat-high && at.from(e.a, e.b) <= metres {
				return true
			}
		}
	}
	return false
}

// from is the distance of the plane's middle from an edge, in metres.
func (p plane) from(a, b orb.Point) float64 {
	ax, ay := p.metres(Position{Lon: a[0], Lat: a[1]})
	bx, by := p.metres(Position{Lon: b[0], Lat: b[1]})
	return fromSegment(0, 0, ax, ay, bx, by)
}
