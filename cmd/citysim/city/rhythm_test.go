package city

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// local is a moment of a working day in a month, Hanoi time.
func local(month time.Month, day, hour int) moment {
	return momentOf(time.Date(2026, month, day, hour, 0, 0, 0, hanoi()))
}

func oldTown() Place { return placeAt(105.8524, 21.0287) }

func TestTheDayHasItsRhythm(t *testing.T) {
	sky := Sky{1}
	var rush, night, weekend float64
	for day := 3; day <= 7; day++ { // Monday to Friday
		rush += sky.Traffic(oldTown(), local(time.August, day, 8)) + sky.Traffic(oldTown(), local(time.August, day, 18))
		night += sky.Traffic(oldTown(), local(time.August, day, 3)) + sky.Traffic(oldTown(), local(time.August, day, 2))
	}
	weekend = sky.Traffic(oldTown(), local(time.August, 8, 8)) + sky.Traffic(oldTown(), local(time.August, 9, 8))
	if rush < 5*night {
		t.Errorf("traffic of the rush hours %.2f, of the night %.2f", rush, night)
	}
	if weekend/2 > rush/10 {
		t.Errorf("traffic at 8 on a weekend %.2f, on a working day %.2f", weekend/2, rush/10)
	}
	for day := 1; day <= 10; day++ {
		if noon, dawn := sky.dryTemperature(oldTown(), local(time.May, day, 14)), sky.dryTemperature(oldTown(), local(time.May, day, 4)); noon < dawn+4 {
			t.Errorf("May %d: %.1f °C at noon, %.1f before dawn", day, noon, dawn)
		}
	}
	if july, january := sky.dryTemperature(oldTown(), local(time.July, 15, 12)), sky.dryTemperature(oldTown(), local(time.January, 15, 12)); july < january+6 {
		t.Errorf("July %.1f °C, January %.1f °C", july, january)
	}
	if local(time.March, 3, 12).dark(0) || !local(time.March, 3, 23).dark(0) || !local(time.March, 3, 4).dark(0) {
		t.Error("lamps burn at noon or not by night")
	}
}

// highest looks for the moment of a summer at which a figure of the old town is
// highest.
func highest(figure func(Place, moment) float64) (moment, float64) {
	var best moment
	most := 0.0
	for step := range 24 * 90 * 4 {
		m := momentOf(time.Date(2026, time.June, 15, 0, 15*step, 0, 0, hanoi()))
		if rain := figure(oldTown(), m); rain > most {
			best, most = m, rain
		}
	}
	return best, most
}

func TestRainFrontsMove(t *testing.T) {
	sky := Sky{1}
	m, most := highest(sky.Rain)
	if most < 10 {
		t.Fatalf("no summer rain above %.1f mm/h", most)
	}
	// Whoever is as far along the front's way as it travels in half an hour
	// gets it half an hour later, and not yet now.
	moved := false
	for newest, n := int64(m.hours/frontEvery), int64(0); n <= 2; n++ {
		f, comes := sky.front(newest - n)
		ahead := Place{f.dx * 20, f.dy * 20}
		later := m.earlier(-20 / f.speed)
		if comes && sky.Rain(ahead, later) > 2*sky.Rain(ahead, m) {
			moved = true
		}
	}
	if !moved {
		t.Error("the front does not arrive where it goes")
	}
}

func TestRainCouplesWaterAirAndTraffic(t *testing.T) {
	sky := Sky{1}
	wet, fallen := highest(sky.Fallen)
	if fallen < 18 {
		t.Fatalf("at most %.1f mm stand in the streets in a whole summer", fallen)
	}
	if pm, before := sky.PM25(oldTown(), wet), sky.PM25(oldTown(), wet.earlier(4)); pm > before/2 {
		t.Errorf("pm25 %.0f after %.1f mm of rain, %.0f before", pm, fallen, before)
	}
	gauge := &device{Station: Station{place: oldTown(), water: street}, seed: 9, rand: rand.New(rand.NewPCG(9, 9))}
	if flooded, dry := gauge.gauge(sky, wet), gauge.gauge(sky, dryMoment(sky)); flooded < dry+0.02 {
		t.Errorf("street gauge %.2f m after rain, %.2f m when dry", flooded, dry)
	}
	m, _ := highest(sky.Rain)
	if slow, free := sky.Traffic(oldTown(), m), m.traffic()*1.2; slow > free*0.9 {
		t.Errorf("traffic %.2f in the rain, at most %.2f without", slow, free)
	}
}

func dryMoment(sky Sky) moment {
	for hour := 0; ; hour++ {
		m := momentOf(time.Date(2026, time.January, 1, hour, 0, 0, 0, hanoi()))
		if sky.Fallen(oldTown(), m) == 0 {
			return m
		}
	}
}

func TestNeighboursAreAlike(t *testing.T) {
	sky := Sky{1}
	var near, far float64
	for day := 1; day <= 28; day++ {
		m := local(time.November, day, 10)
		here := sky.PM25(oldTown(), m)
		near += math.Abs(sky.PM25(Place{0.3, 0.3}, m) - here)
		far += math.Abs(sky.PM25(Place{-9, 8}, m) - here)
	}
	if near*3 > far {
		t.Errorf("pm25 differs by %.1f at 400 m and by %.1f at 12 km", near/28, far/28)
	}
}

func TestBinsFillAndAreEmptied(t *testing.T) {
	start := time.Date(2026, time.April, 6, 0, 0, 0, 0, hanoi())
	s := NewSimulator(only(demo(t, 300), Bin), 1, start, 0.02, Faults{})
	fills := map[string][]float64{}
	for _, m := range take(t, s, start, 96*time.Hour) {
		fills[m.Station.Device] = append(fills[m.Station.Device], m.Readings[0].Value.(float64))
	}
	for bin, f := range fills {
		emptied := 0
		for i := 1; i < len(f); i++ {
			emptied += count(f[i] < f[i-1]-20)
		}
		if emptied < 1 || emptied > 9 {
			t.Errorf("%s was emptied %d times in four days", bin, emptied)
		}
	}
}

func TestSpotsAreTakenAsTheDayWants(t *testing.T) {
	start := time.Date(2026, time.April, 6, 0, 0, 0, 0, hanoi())
	s := NewSimulator(only(demo(t, 1000), Parking), 1, start, 0.08, Faults{})
	taken, all, changes := 0, 0, 0
	was := map[string]bool{}
	for _, m := range take(t, s, start, 48*time.Hour) {
		now := m.Readings[0].Value.(bool)
		changes += count(now != was[m.Station.Device])
		was[m.Station.Device] = now
		taken += count(now)
		all++
	}
	if share := float64(taken) / float64(all); share < 0.25 || share > 0.85 {
		t.Errorf("spots are taken %.2f of the time", share)
	}
	if perSpot := float64(changes) / float64(len(was)); perSpot < 8 || perSpot > 120 {
		t.Errorf("a spot changes %.0f times in two days", perSpot)
	}
}

func only(stations []Station, kind Kind) []Station {
	var some []Station
	for _, s := range stations {
		if s.Kind == kind {
			some = append(some, s)
		}
	}
	return some
}
