package geo

import (
	"math"
	"strconv"

	"github.com/paulmach/orb"
)

// Digits after the point: of a degree a centimetre, and of an altitude a
// millimetre, which is more than any source of the hub knows (RFC 7946, 11.2).
const (
	digits    = 7
	altDigits = 3
)

// AppendDegrees writes a coordinate in degrees with at most 7 digits after the
// point, and none that say nothing.
func AppendDegrees(b []byte, v float64) []byte { return appendDecimal(b, v, 1e7, digits) }

// appendDecimal writes a number rounded to so many digits, of which scale is
// the power of ten. Zero has no sign.
func appendDecimal(b []byte, v, scale float64, digits int) []byte {
	n, whole := int64(math.Round(v*scale)), int64(scale)
	if n < 0 {
		b = append(b, '-')
		n = -n
	}
	b = strconv.AppendInt(b, n/whole, 10)
	rest := n % whole
	if rest == 0 {
		return b
	}
	begin := len(b)
	b = append(b, ".0000000"[:digits+1]...)
	for i := begin + digits; i > begin; i-- {
		b[i] = byte('0' + rest%10)
		rest /= 10
	}
	end := len(b)
	for b[end-1] == '0' {
		end--
	}
	return b[:end]
}

// appendPosition writes a position, with its altitude where it has one.
func appendPosition(b []byte, p Position, high bool) []byte {
	b = append(b, '[')
	b = AppendDegrees(b, p.Lon)
	b = append(b, ',')
	b = AppendDegrees(b, p.Lat)
	if high {
		b = append(b, ',')
		b = appendDecimal(b, p.Alt, 1e3, altDigits)
	}
	return append(b, ']')
}

// AppendPoint writes a GeoJSON Point, or null where there is no position.
func AppendPoint(b []byte, p *Position) []byte {
	if p == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"type":"Point","coordinates":`...)
	return append(appendPosition(b, *p, p.Alt != 0), '}')
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
// several or none, as what crosses the antimeridian is cut there. Shells run
// counter-clockwise and holes clockwise.
func AppendArea(b []byte, a Area) []byte {
	a = a.Uncrossed()
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
		b = appendPosition(b, Position{Lon: p[0], Lat: p[1]}, false)
	}
	return append(b, ']')
}
