package geo

import (
	"encoding/binary"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
)

// tileMargin is what an area is drawn of beyond its tile's edge, in units, so
// that no border is seen there.
const tileMargin = 64

// Area begins a feature with the part of an area that lies in a tile; false,
// with nothing begun, when none does or it is smaller than a unit.
func (l *TileLayer) Area(id uint64, c Cell, a Area) bool {
	l.geometry = l.geometry[:0]
	w := c.Window()
	across, up := (w.MaxLon-w.MinLon)*tileMargin/TileExtent, (w.MaxLat-w.MinLat)*tileMargin/TileExtent
	bound := orb.Bound{Min: orb.Point{w.MinLon - across, w.MinLat - up}, Max: orb.Point{w.MaxLon + across, w.MaxLat + up}}
	at := [2]int32{}
	for _, polygon := range a {
		if !orb.Polygon(polygon).Bound().Intersects(bound) {
			continue
		}
		for r, ring := range polygon {
			drawn := l.ring(c, clip.Ring(bound, ring.Clone()), r == 0, &at)
			if r == 0 && !drawn {
				break
			}
		}
	}
	if len(l.geometry) == 0 {
		return false
	}
	l.feature(id, tilePolygon)
	return true
}

// ring appends one, as steps from the pen's place: shells run clockwise as
// they are seen, holes the other way.
func (l *TileLayer) ring(c Cell, ring orb.Ring, shell bool, pen *[2]int32) bool {
	var points [][2]int32
	for _, p := range ring {
		x, y := c.Place(Position{Lon: p[0], Lat: p[1]})
		if n := len(points); n == 0 || points[n-1] != [2]int32{x, y} {
			points = append(points, [2]int32{x, y})
		}
	}
	for len(points) > 1 && points[0] == points[len(points)-1] {
		points = points[:len(points)-1]
	}
	area := int64(0)
	for i, p := range points {
		q := points[(i+1)%len(points)]
		area += int64(p[0])*int64(q[1]) - int64(q[0])*int64(p[1])
	}
	if len(points) < 3 || area == 0 {
		return false
	}
	if (area > 0) != shell {
		for i, j := 0, len(points)-1; i < j; i, j = i+1, j-1 {
			points[i], points[j] = points[j], points[i]
		}
	}
	step := func(p [2]int32) {
		l.geometry = binary.AppendUvarint(l.geometry, zigzag(p[0]-pen[0]))
		l.geometry = binary.AppendUvarint(l.geometry, zigzag(p[1]-pen[1]))
		*pen = p
	}
	l.geometry = append(l.geometry, 1<<3|1)
	step(points[0])
	l.geometry = binary.AppendUvarint(l.geometry, uint64(len(points)-1)<<3|2)
	for _, p := range points[1:] {
		step(p)
	}
	l.geometry = append(l.geometry, 1<<3|7) // close
	return true
}
