package city

import "math"

// mix is the finalizer of splitmix64: every bit of the input moves half of the
// bits of the output.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hash draws one number for a tuple; the same tuple always draws the same.
func hash(seed uint64, parts ...int64) uint64 {
	h := mix(seed)
	for _, p := range parts {
		h = mix(h ^ uint64(p))
	}
	return h
}

// unit is the hash of a tuple as a number in [0, 1).
func unit(seed uint64, parts ...int64) float64 {
	return float64(hash(seed, parts...)>>11) / (1 << 53)
}

// between is the hash of a tuple as a number in [lo, hi).
func between(lo, hi float64, seed uint64, parts ...int64) float64 {
	return lo + (hi-lo)*unit(seed, parts...)
}

func smooth(f float64) float64 { return f * f * (3 - 2*f) }

// drift is a smooth random curve in [-1, 1] that changes over steps of 1.
func drift(seed uint64, x float64) float64 {
	cell := math.Floor(x)
	a := between(-1, 1, seed, int64(cell))
	b := between(-1, 1, seed, int64(cell)+1)
	return a + (b-a)*smooth(x-cell)
}

// field is a smooth random field in [-1, 1] over a plane and over time: places
// and moments less than 1 apart are alike.
func field(seed uint64, x, y, t float64) float64 {
	cx, cy, ct := math.Floor(x), math.Floor(y), math.Floor(t)
	fx, fy, ft := smooth(x-cx), smooth(y-cy), smooth(t-ct)
	sum := 0.0
	for corner := range int64(8) {
		dx, dy, dt := corner&1, corner>>1&1, corner>>2&1
		weight := side(fx, dx) * side(fy, dy) * side(ft, dt)
		sum += weight * between(-1, 1, seed, int64(cx)+dx, int64(cy)+dy, int64(ct)+dt)
	}
	return sum
}

func side(f float64, upper int64) float64 {
	if upper == 1 {
		return f
	}
	return 1 - f
}

// hump is a bell of height 1 around centre, on a clock of 24 hours.
func hump(hour, centre, width float64) float64 {
	d := math.Mod(hour-centre+36, 24) - 12
	return math.Exp(-(d / width) * (d / width))
}

func clamp(v, lo, hi float64) float64 { return math.Max(lo, math.Min(hi, v)) }

// round keeps as many decimals as a device of the street would send.
func round(v float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(v*scale) / scale
}
