package geo

import (
	"math"
	"strconv"

	"github.com/paulmach/orb"
)

// digits are those written after the point of a degree: a centimetre, which
// is more than any source of the hub knows (RFC 7946, 11.2).
const digits = 7

// AppendDegrees writes a coordinate in degrees with at most 7 digits after the
// point, and none that say nothing.
func AppendDegrees(b []byte, v float64) []byte {
	const scale = 1e7
	n := int64(math.Round(v * scale))
	if n < 0 {
		b = append(b, '-')
		n = -n
	}
	b = strconv.AppendInt(b, n/scale, 10)
	rest := n % scale
	if rest == 0 {
		return b
	}
	var text [digits + 1]byte
	text[0] = '.'
	for i := digits; i > 0; i-- {
		text[i] = byte('0' + rest%10)
		rest /= 10
	}
	end := digits
	for text[end] == '0' {
		end--
	}
	return append(b, text[:end+1]...)
}

// AppendPoint writes a GeoJSON Point, or null where there is no position.
func AppendPoint(b []byte, p *Position) []byte {
	if p == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"type":"Point","coordinates":[`...)
	b = AppendDegrees(b, p.Lon)
	b = append(b, ',')
	b = AppendDegrees(b, p.Lat)
	if p.Alt != 0 {
		b = append(b, ',')
		b = strconv.AppendFloat(b, p.Alt, 'f', -1, 64)
	}
	return append(b, "]}"...)
}

// AppendWindow writes a bbox member's array: west, south, east, north. Across
// the antimeridian west is greater than east (RFC 7946, 5.2).
func AppendWindow(b []byte, w Window) []byte {
	b = append(b, '[')
	for i, v := range [4]float64{w.MinLon, w.MinLat, w.MaxLon, w.MaxLat} {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendDegrees(b, v)
	}
	return append(b, ']')
}

// AppendArea writes a GeoJSON geometry: Polygon for one, MultiPolygon for
// several or none. Shells run counter-clockwise and holes clockwise.
func AppendArea(b []byte, a Area) []byte {
	if len(a) == 1 {
		b = append(b, `{"type":"Polygon","coordinates":`...)
		return append(appendPolygon(b, a[0]), '}')
	}
	b = append(b, `{"type":"MultiPolygon","coordinates":[`...)
	for i, polygon := range a {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPolygon(b, polygon)
	}
	return append(b, "]}"...)
}

func appendPolygon(b []byte, polygon orb.Polygon) []byte {
	b = append(b, '[')
	for r, ring := range polygon {
		if r > 0 {
			b = append(b, ',')
		}
		b = appendRing(b, ring, (signedArea(ring) > 0) == (r == 0))
	}
	return append(b, ']')
}

// appendRing writes a ring, backwards when it runs the wrong way.
func appendRing(b []byte, ring orb.Ring, right bool) []byte {
	b = append(b, '[')
	for i := range ring {
		p := ring[i]
		if !right {
			p = ring[len(ring)-1-i]
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = AppendDegrees(b, p[0])
		b = append(b, ',')
		b = AppendDegrees(b, p[1])
		b = append(b, ']')
	}
	return append(b, ']')
}
