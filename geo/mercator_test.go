package geo

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// mercatorError is what mercator promises to stay below.
const mercatorError = 1e-14

// trueMercator gives y as 0.5 - atanh(tan(lat/2))/π, from series of numbers of
// 128 bits.
func trueMercator(lat float64) *big.Float {
	lat = min(max(lat, -maxMercator), maxMercator)
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(128).SetFloat64(v) }
	pi, _ := number(0).SetString("3.14159265358979323846264338327950288419716939937511")
	half := number(0).Quo(number(0).Mul(number(lat), pi), number(360))
	// series sums its first term and each next one, until they vanish.
	series := func(term *big.Float, next func(n float64, term *big.Float), part func(n float64, term *big.Float) *big.Float) *big.Float {
		sum := number(0)
		for n := 1.; ; n++ {
			add := part(n, term)
			if sum.Add(sum, add); add.Sign() == 0 || add.MantExp(nil) < -90 {
				return sum
			}
			next(n, term)
		}
	}
	whole := func(_ float64, term *big.Float) *big.Float { return term }
	square := number(0).Mul(half, half)
	turn := func(begin float64) func(n float64, term *big.Float) {
		return func(n float64, term *big.Float) {
			k := 2*n + begin
			term.Quo(term.Mul(term, square), number(-k*(k-1)))
		}
	}
	sin, cos := series(number(0).Set(half), turn(1), whole), series(number(1), turn(0), whole)
	tan := sin.Quo(sin, cos)
	square = number(0).Mul(tan, tan)
	atanh := series(number(0).Set(tan), func(_ float64, term *big.Float) { term.Mul(term, square) },
		func(n float64, term *big.Float) *big.Float { return number(0).Quo(term, number(2*n-1)) })
	return number(0).Sub(number(0.5), atanh.Quo(atanh, pi))
}

func checkMercator(t *testing.T, lat float64) {
	t.Helper()
	_, y := mercator(0, lat)
	want := trueMercator(lat)
	if off, _ := new(big.Float).Sub(new(big.Float).SetFloat64(y), want).Float64(); !(math.Abs(off) < mercatorError) {
		t.Errorf("%v° lies at %v, should at %v: %g off", lat, y, want, off)
	}
	if !(y >= 0 && y <= 1) {
		t.Errorf("%v° lies at %v, off the map", lat, y)
	}
	if _, south := mercator(0, -lat); math.Abs(south-(1-y)) > 0x1p-53 {
		t.Errorf("%v° lies at %v, and %v° at %v", lat, y, -lat, south)
	}
}

// checkOrder wants what lies further north never further south on the map.
func checkOrder(t *testing.T, south, north float64) {
	t.Helper()
	_, below := mercator(0, south)
	if _, y := mercator(0, north); !(y <= below) {
		t.Errorf("%v° lies at %v, and %v° at %v", south, below, north, y)
	}
}

func TestMercatorIsExact(t *testing.T) {
	for _, lat := range []float64{0, math.Copysign(0, -1), 5e-324, 1e-300, 1e-17, 1e-9, 0.0625, 21.03, 45, 84.9, 85, 85.05,
		math.Nextafter(maxMercator, 0), maxMercator, math.Nextafter(maxMercator, 90), 89, 90, 1e300, math.MaxFloat64, math.Inf(1)} {
		checkMercator(t, lat)
		checkMercator(t, -lat)
	}
	r := rand.New(rand.NewPCG(7, 8))
	for i := range parallels {
		at := float64(i) / parallelsADegree
		for _, lat := range []float64{math.Nextafter(at, -1), at, math.Nextafter(at, 90), at + r.Float64()/parallelsADegree} {
			checkMercator(t, lat)
		}
	}
	for lat, want := range map[float64]float64{0: 0.5, math.Inf(1): 0, math.Inf(-1): 1} {
		if _, y := mercator(0, lat); math.Abs(y-want) > 1e-15 {
			t.Errorf("%v° lies at %v, should at %v", lat, y, want)
		}
	}
}

// What is no number lies nowhere, as a longitude and as a latitude.
func TestMercatorOfNoNumber(t *testing.T) {
	nan := math.NaN()
	if x, y := mercator(10, nan); x != 10./360+0.5 || !math.IsNaN(y) {
		t.Errorf("the latitude NaN lies at %v, %v", x, y)
	}
	if x, y := mercator(nan, 0); !math.IsNaN(x) || y != 0.5 {
		t.Errorf("the longitude NaN lies at %v, %v", x, y)
	}
	if x, _ := mercator(math.Inf(-1), 0); !math.IsInf(x, -1) {
		t.Errorf("the longitude -Inf lies at %v", x)
	}
}

// No two places swap their order, not even neighbouring numbers where one
// parallel takes over from another.
func TestMercatorKeepsTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for i := range parallels {
		at := float64(i) / parallelsADegree
		lat := at
		for range 200 {
			lat = math.Nextafter(lat, -90)
		}
		for range 400 {
			next := math.Nextafter(lat, 90)
			checkOrder(t, lat, next)
			checkOrder(t, -next, -lat)
			lat = next
		}
		for range 200 {
			lat := at + r.Float64()/parallelsADegree
			checkOrder(t, lat, math.Nextafter(lat, 90))
			checkOrder(t, lat, lat+r.Float64()*1e-12)
		}
	}
	lat := maxMercator
	for range 1000 {
		checkOrder(t, math.Nextafter(lat, 0), lat)
		lat = math.Nextafter(lat, 0)
	}
}

func FuzzMercator(f *testing.F) {
	for _, lat := range []float64{0, 21.03, 0.125, 84.875, maxMercator, -90, math.Inf(1), math.NaN()} {
		f.Add(lat, 1e-12)
	}
	f.Fuzz(func(t *testing.T, lat, step float64) {
		if math.IsNaN(lat) {
			if _, y := mercator(0, lat); !math.IsNaN(y) {
				t.Errorf("no number lies at %v", y)
			}
			return
		}
		checkMercator(t, lat)
		checkOrder(t, lat, math.Nextafter(lat, math.Inf(1)))
		if step >= 0 {
			checkOrder(t, lat, lat+step)
		}
	})
}
