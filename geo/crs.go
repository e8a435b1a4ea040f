package geo

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
)

// CRS is a coordinate reference system that files come in. The zero CRS is
// WGS 84, longitude first.
type CRS struct {
	code     int     // EPSG; 0 where nobody named one
	meridian float64 // of the projection, in degrees
	scale    float64 // on the meridian; 0 where coordinates are degrees
	vn2000   bool    // of the datum VN-2000
}

// ParseCRS reads an EPSG code: "5897", "EPSG:5897", "urn:ogc:def:crs:EPSG::5897",
// or OGC's CRS84. "" is the zero CRS.
func ParseCRS(text string) (CRS, error) {
	if text == "" || strings.HasSuffix(text, "CRS84") {
		return CRS{}, nil
	}
	code, err := strconv.Atoi(text[strings.LastIndexByte(text, ':')+1:])
	if err != nil {
		return CRS{}, fmt.Errorf("crs: %q is no EPSG code such as 5897", text)
	}
	if code == 4326 {
		return CRS{code: code}, nil
	}
	c, known := systems()[code]
	if !known {
		return CRS{}, fmt.Errorf("crs: EPSG code %d is not known here; the known ones are 4326 and those of VN-2000: %s", code, knownCRS())
	}
	c.code, c.vn2000 = code, true
	return c, nil
}

func (c CRS) named() bool { return c.code != 0 }

// systems are the reference systems of Vietnam by EPSG code: degrees, the two
// UTM zones, and the zones of 3°, of which a province uses the one nearest to
// its middle. Hanoi's is 5897.
func systems() map[int]CRS {
	all := map[int]CRS{4756: {}, 3405: {meridian: 105, scale: 0.9996}, 3406: {meridian: 111, scale: 0.9996}}
	for code, meridian := range map[int]float64{
		5896: 102, 5897: 105, 5898: 108, 5899: 107.75,
		9205: 103, 9206: 104, 9207: 104.5, 9208: 104.75, 9209: 105.5, 9210: 105.75, 9211: 106,
		9212: 106.25, 9213: 106.5, 9214: 107, 9215: 107.25, 9216: 107.5, 9217: 108.25, 9218: 108.5,
	} {
		all[code] = CRS{meridian: meridian, scale: 0.9999}
	}
	return all
}

func knownCRS() string {
	var codes []int
	for code := range systems() {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return strings.Trim(fmt.Sprint(codes), "[]")
}

// toWGS84 gives a place of the system as degrees of WGS 84.
func (c CRS) toWGS84(p orb.Point) orb.Point {
	if c.scale != 0 {
		p = c.unproject(p)
	}
	if c.vn2000 {
		p = vn2000ToWGS84(p)
	}
	return p
}

// falseEasting is added to the metres east of the meridian.
const falseEasting = 500_000

// unproject undoes the transverse Mercator projection with Krüger's series in
// the third flattening, good to a millimetre within 1,000 km of the meridian.
// It is written here because wroge/wgs84, which was tried, is metres off there.
func (c CRS) unproject(p orb.Point) orb.Point {
	n := flattening / (2 - flattening)
	n2 := n * n
	n3 := n2 * n
	radius := majorAxis / (1 + n) * (1 + n2/4 + n2*n2/64) * c.scale
	beta := [3]float64{n/2 - 2*n2/3 + 37*n3/96, n2/48 + n3/15, 17 * n3 / 480}
	delta := [3]float64{2*n - 2*n2/3 - 2*n3, 7*n2/3 - 8*n3/5, 56 * n3 / 15}
	xi, eta := p[1]/radius, (p[0]-falseEasting)/radius
	xi0, eta0 := xi, eta
	for j, b := range beta {
		k := float64(2 * (j + 1))
		xi0 -= b * math.Sin(k*xi) * math.Cosh(k*eta)
		eta0 -= b * math.Cos(k*xi) * math.Sinh(k*eta)
	}
	chi := math.Asin(math.Sin(xi0) / math.Cosh(eta0))
	lat := chi
	for j, d := range delta {
		lat += d * math.Sin(float64(2*(j+1))*chi)
	}
	lon := math.Atan2(math.Sinh(eta0), math.Cos(xi0))
	return orb.Point{c.meridian + lon*180/math.Pi, lat * 180 / math.Pi}
}

// vn2000ToWGS84 turns and moves the Earth's middle as EPSG 6960 says. Both
// data use the same ellipsoid.
func vn2000ToWGS84(p orb.Point) orb.Point {
	const (
		second     = math.Pi / 180 / 3600
		rx, ry, rz = 0.00928836 * second, -0.01975479 * second, 0.00427372 * second
		grow       = 1 + 0.252906278e-6
	)
	e2 := flattening * (2 - flattening)
	lon, lat := p[0]*math.Pi/180, p[1]*math.Pi/180
	normal := majorAxis / math.Sqrt(1-e2*math.Sin(lat)*math.Sin(lat))
	x, y, z := normal*math.Cos(lat)*math.Cos(lon), normal*math.Cos(lat)*math.Sin(lon), normal*(1-e2)*math.Sin(lat)
	x, y, z = grow*(x-rz*y+ry*z)-191.90441429, grow*(rz*x+y-rx*z)-39.30318279, grow*(-ry*x+rx*y+z)-111.45032835
	flat := math.Hypot(x, y)
	lat = math.Atan2(z, flat*(1-e2))
	for range 5 { // each step wins more than two digits
		lat = math.Atan2(z+e2*majorAxis/math.Sqrt(1-e2*math.Sin(lat)*math.Sin(lat))*math.Sin(lat), flat)
	}
	return orb.Point{math.Atan2(y, x) * 180 / math.Pi, lat * 180 / math.Pi}
}
