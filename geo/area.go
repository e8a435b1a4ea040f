package geo

import (
	"github.com/paulmach/orb"
)

// Area is a piece of the Earth's surface: polygons, each a shell and its
// holes, each ring closed, as [lon, lat] in degrees of WGS 84. Whether it is
// sound is what Check says.
type Area orb.MultiPolygon

// Window is the smallest window around the area; the zero Window around none.
func (a Area) Window() Window {
	if len(a) == 0 {
		return Window{}
	}
	b := orb.MultiPolygon(a).Bound()
	return Window{MinLon: b.Min[0], MinLat: b.Min[1], MaxLon: b.Max[0], MaxLat: b.Max[1]}
}

// Equal says whether two areas have the same polygons, point by point.
func (a Area) Equal(b Area) bool { return orb.MultiPolygon(a).Equal(orb.MultiPolygon(b)) }

// Points counts the points of all rings.
func (a Area) Points() int {
	n := 0
	a.rings(func(_, _ int, ring orb.Ring) { n += len(ring) })
	return n
}

// rings calls each with every ring and its place; ring 0 of a polygon is its
// shell.
func (a Area) rings(each func(polygon, at int, ring orb.Ring)) {
	for p := range a {
		for r := range a[p] {
			each(p, r, a[p][r])
		}
	}
}

// signedArea is twice the ring's area in square degrees, positive when it runs
// counter-clockwise.
func signedArea(ring orb.Ring) float64 {
	if len(ring) == 0 {
		return 0
	}
	sum, o := 0.0, ring[0] // near zero, so that little is lost
	for i := 1; i < len(ring); i++ {
		sum += (ring[i-1][0]-o[0])*(ring[i][1]-o[1]) - (ring[i][0]-o[0])*(ring[i-1][1]-o[1])
	}
	return sum
}
