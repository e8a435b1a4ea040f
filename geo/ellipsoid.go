package geo

import (
	"math"

	"github.com/paulmach/orb"
)

// The WGS 84 ellipsoid.
const (
	majorAxis  = 6_378_137.0 // metres
	flattening = 1 / 298.257223563
)

// nodes and weights of Gauss and Legendre's rule for three points on [0, 1].
var gauss = [3][2]float64{{0.1127016653792583, 5.0 / 18}, {0.5, 8.0 / 18}, {0.8872983346207417, 5.0 / 18}}

// SquareMetres is the area on the WGS 84 ellipsoid, holes taken off. Edges are
// straight in longitude and latitude, as GeoJSON has them.
func (a Area) SquareMetres() float64 {
	sum := 0.0
	a.rings(func(_, at int, ring orb.Ring) {
		if area := math.Abs(ringArea(ring)); at == 0 {
			sum += area
		} else {
			sum -= area
		}
	})
	return sum
}

// ringArea integrates, along each edge, the surface between it and the parallel
// of its first point over the longitude that the edge goes.
func ringArea(ring orb.Ring) float64 {
	if len(ring) < 4 {
		return 0
	}
	sum, base := 0.0, belt(ring[0][1])
	for i := 1; i < len(ring); i++ {
		a, b := ring[i-1], ring[i]
		height := 0.0
		for _, g := range gauss {
			height += g[1] * (belt(a[1]+g[0]*(b[1]-a[1])) - base)
		}
		sum += height * (b[0] - a[0]) * math.Pi / 180
	}
	return sum
}

// belt is the surface between the equator and a parallel, for each radian of
// longitude.
func belt(lat float64) float64 {
	e2 := flattening * (2 - flattening)
	e := math.Sqrt(e2)
	s := math.Sin(lat * math.Pi / 180)
	return majorAxis * majorAxis * (1 - e2) / 2 * (s/(1-e2*s*s) + math.Atanh(e*s)/e)
}
