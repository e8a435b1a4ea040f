package city

import (
	"math"
	"time"
)

// moment is an instant as the physics see it.
type moment struct {
	hours   float64 // since 1970 UTC: the running variable of all random curves
	hour    float64 // of the local day, 0…24
	day     float64 // of the local year
	weekend bool
}

// hanoi has known no summer time since long before this city's data begins.
func hanoi() *time.Location { return time.FixedZone("Asia/Ho_Chi_Minh", 7*3600) }

func momentOf(t time.Time) moment {
	local := t.In(hanoi())
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, local.Location())
	return moment{
		hours:   float64(t.UnixMilli()) / 3.6e6,
		hour:    local.Sub(midnight).Hours(),
		day:     float64(local.YearDay()),
		weekend: local.Weekday() == time.Saturday || local.Weekday() == time.Sunday,
	}
}

// earlier is the moment some hours before, of the same day's kind.
func (m moment) earlier(hours float64) moment {
	m.hours -= hours
	m.hour = math.Mod(m.hour-hours+24, 24)
	return m
}

// winter is 1 in the middle of January and -1 in the middle of July.
func (m moment) winter() float64 { return math.Cos(2 * math.Pi * (m.day - 15) / 365) }

// dark says whether lamps burn; sunset moves by an hour over the year.
func (m moment) dark(offset float64) bool {
	sunrise := 5.9 + 0.6*m.winter()
	sunset := 17.95 - 0.65*m.winter()
	return m.hour < sunrise+offset || m.hour > sunset+offset
}

// traffic is how full the streets are: near 0 at night, near 1 at the rush
// hours of a working day.
func (m moment) traffic() float64 {
	if m.weekend {
		return 0.06 + 0.5*hump(m.hour, 10.5, 3) + 0.62*hump(m.hour, 19, 3)
	}
	return 0.05 + 0.85*hump(m.hour, 7.7, 1.2) + 0.45*hump(m.hour, 12.5, 3.5) + 0.9*hump(m.hour, 17.8, 1.5)
}
