package geo

import "math"

// maxMercator is where the square map of the web ends, in degrees north.
const maxMercator = 85.05112877980659

// parallel is one whose place on the map is known: how far from the equator it
// lies there, and the sine and cosine of its latitude.
type parallel struct{ off, sin, cos float64 }

// parallelsADegree is so many that what mercator leaves out counts for nothing.
const parallelsADegree = 8

// parallels are those from the equator to the map's end. A sine and a logarithm
// for each place were half of the time that a tile takes.
var parallels = func() (all [681]parallel) {
	for i := range all {
		sin, cos := math.Sincos(float64(i) / parallelsADegree * math.Pi / 180)
		all[i] = parallel{math.Asinh(sin/cos) / (2 * math.Pi), sin, cos}
	}
	return all
}()

// mercator gives the place on the map, from 0 in the north-west to 1; what lies
// beyond 85° is moved there. It goes on from the parallel before: with d from
// there, by atanh(tan(d/2)/(cos-sin*tan(d/2)))/π, each function by the first
// terms of its series. It is less than 1e-14 off, a thousandth of a tile's unit
// at level 24. Whatever lies further north is never further south on the map:
// no term falls while d grows, and what is left out is more than what rounding
// adds where the next parallel takes over.
func mercator(lon, lat float64) (x, y float64) {
	north := math.Abs(lat)
	if north > maxMercator {
		north = maxMercator
	}
	i := min(uint(int(north*parallelsADegree)), uint(len(parallels)-1)) // of no number, whatever
	p := &parallels[i]
	half := (north - float64(int(i))/parallelsADegree) * (math.Pi / 360)
	tan := half * (1 + half*half*(1./3))
	step := tan / (p.cos - p.sin*tan)
	square := step * step
	off := p.off + step*(1+square*(1./3+square*(1./5)))*(1/math.Pi)
	return lon/360 + 0.5, 0.5 - math.Copysign(off, lat)
}

// unmercator is the way back.
func unmercator(x, y float64) (lon, lat float64) {
	return (x - 0.5) * 360, math.Atan(math.Sinh(math.Pi*(1-2*y))) * 180 / math.Pi
}
