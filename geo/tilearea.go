package geo

import (
	"encoding/binary"
	"math"

	"github.com/paulmach/orb"
)

// tileMargin is what an area is drawn of beyond its tile's edge, in units, so
// that no border is seen there.
const tileMargin = 64

// Area begins a feature with the part of a sound area that lies in a tile;
// false, with nothing begun, when none does or it is smaller than a unit. Each
// corner goes to its unit of the tile by itself, and what is no corner then is
// left out. So areas that share a border share it in the tile, and what is left
// out grows with the size of a unit.
func (l *TileLayer) Area(id uint64, c Cell, a Area) bool {
	edges := sides{}
	for _, polygon := range Wound(a) {
		for _, part := range c.clip(c.project(polygon)) {
			for _, ring := range part {
				edges.ring(ring)
			}
		}
	}
	l.geometry = l.geometry[:0]
	pen := corner{}
	for _, polygon := range nested(edges.rings()) {
		for _, ring := range polygon {
			l.ring(ring, &pen)
		}
	}
	if len(l.geometry) == 0 {
		return false
	}
	l.feature(id, tilePolygon)
	return true
}

// ring puts a ring's edges in, from unit to unit as Place has them.
func (s sides) ring(ring orb.Ring) {
	unit := func(p orb.Point) corner { return corner{int32(math.Floor(p[0])), int32(math.Ceil(p[1]))} }
	for i := 1; i < len(ring); i++ {
		s.add(unit(ring[i-1]), unit(ring[i]))
	}
}

// nested sorts rings into polygons: each begins with its shell. A ring counts
// where it parts the area from what is none: a strip that was thinner than a
// unit may have turned inside out, and two parts may have come to lie on each
// other.
func nested(rings [][]corner) (polygons [][][]corner) {
	outlines := make([]orb.Ring, len(rings))
	for i, ring := range rings {
		outlines[i] = closed(ring)
	}
	shellOf := map[int]int{} // of a ring that is a shell: its polygon
	var holes []int
	for i, ring := range rings {
		switch left := surface(ring) > 0; {
		case left && deep(outlines, rings, i) == 0:
			shellOf[i] = len(polygons)
			polygons = append(polygons, [][]corner{ring})
		case !left && deep(outlines, rings, i) == 1:
			holes = append(holes, i)
		}
	}
	for _, hole := range holes {
		at := -1 // the smallest shell around it
		for i := range shellOf {
			if lies(outlines[hole], outlines[i]) && (at < 0 || surface(rings[i]) < surface(rings[at])) {
				at = i
			}
		}
		if at >= 0 {
			polygons[shellOf[at]] = append(polygons[shellOf[at]], rings[hole])
		}
	}
	return polygons
}

// deep says how often the area lies around a ring.
func deep(outlines []orb.Ring, rings [][]corner, at int) (times int) {
	for i := range rings {
		if i == at || !lies(outlines[at], outlines[i]) {
			continue
		}
		if surface(rings[i]) > 0 {
			times++
		} else {
			times--
		}
	}
	return times
}

func closed(ring []corner) orb.Ring {
	points := make(orb.Ring, 0, len(ring)+1)
	for _, p := range ring {
		points = append(points, orb.Point{float64(p[0]), float64(p[1])})
	}
	return append(points, points[0])
}

// project gives a polygon in units of the tile from its north-west, to the
// north as positive; nil when it lies elsewhere.
func (c Cell) project(polygon orb.Polygon) orb.Polygon {
	w, b := c.Window(), polygon.Bound()
	across, up := (w.MaxLon-w.MinLon)*tileMargin/TileExtent, (w.MaxLat-w.MinLat)*2*tileMargin/TileExtent
	if b.Min[0] > w.MaxLon+across || b.Max[0] < w.MinLon-across || b.Min[1] > w.MaxLat+up || b.Max[1] < w.MinLat-up {
		return nil
	}
	n := float64(uint64(1) << (c.Level + tileBits))
	west, north := float64(c.X)*TileExtent, float64(c.Y)*TileExtent
	flat := make(orb.Polygon, len(polygon))
	for r, ring := range polygon {
		flat[r] = make(orb.Ring, len(ring))
		for i, p := range ring {
			x, y := mercator(p[0], p[1])
			flat[r][i] = orb.Point{x*n - west, north - y*n}
		}
	}
	return flat
}

// clip cuts what was projected at the tile's margin.
func (c Cell) clip(polygon orb.Polygon) []orb.Polygon {
	if polygon == nil {
		return nil
	}
	parts := []orb.Polygon{polygon}
	for _, h := range [...]half{{0, -tileMargin, false}, {0, TileExtent + tileMargin, true}, {1, -TileExtent - tileMargin, false}, {1, tileMargin, true}} {
		var kept []orb.Polygon
		for _, part := range parts {
			kept = append(kept, h.cut(part)...)
		}
		parts = kept
	}
	return parts
}

// ring appends one, as steps from the pen's place: shells run clockwise as
// they are seen, holes the other way, which is the way back of what has the
// area to its left with the north up. What lies on the way is no corner.
func (l *TileLayer) ring(ring []corner, pen *corner) {
	n := len(ring)
	corners := make([]corner, 0, n)
	for i := n - 1; i >= 0; i-- {
		if p := ring[i]; (side{ring[(i+1)%n], p}).turn(ring[(i+n-1)%n]) != 0 {
			corners = append(corners, corner{p[0], -p[1]})
		}
	}
	step := func(p corner) {
		l.geometry = binary.AppendUvarint(l.geometry, zigzag(p[0]-pen[0]))
		l.geometry = binary.AppendUvarint(l.geometry, zigzag(p[1]-pen[1]))
		*pen = p
	}
	l.geometry = append(l.geometry, 1<<3|1)
	step(corners[0])
	l.geometry = binary.AppendUvarint(l.geometry, uint64(len(corners)-1)<<3|2)
	for _, p := range corners[1:] {
		step(p)
	}
	l.geometry = append(l.geometry, 1<<3|7) // close
}
