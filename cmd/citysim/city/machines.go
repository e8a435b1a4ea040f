package city

import "math"

// The kinds of station that remember: each report goes on from the last one.

// demand is the share of parking spots taken at an hour: by day near offices,
// by night near homes.
func (d *device) demand(m moment) float64 {
	if unit(d.seed, 10) < 0.5 {
		return clamp(0.15+0.75*hump(m.hour, 10.5, 4.5)+0.2*hump(m.hour, 15.5, 2), 0.05, 0.97)
	}
	return clamp(0.35+0.6*hump(m.hour, 0.5, 6), 0.05, 0.97)
}

// measureParking moves a spot between free and taken. Cars stay for an hour
// in the mean, and come so often that the wanted share of spots is taken.
func measureParking(d *device, _ Sky, m moment) []Reading {
	const stay = 1.0 // hours
	demand := d.demand(m)
	switch passed := m.hours - d.last.hours; {
	case !d.begun:
		d.occupied = d.rand.Float64() < demand
	case passed <= 0: // a look back: it stands as it stood
	case d.occupied:
		d.occupied = d.rand.Float64() < math.Exp(-passed/stay)
	default:
		comes := demand / (1 - demand) / stay
		d.occupied = d.rand.Float64() > math.Exp(-passed*comes)
	}
	return []Reading{{"occupied", d.occupied}, d.battery(m)}
}

// measureBin fills a bin by day and empties it when the crew comes by, before
// dawn and late in the evening, and finds it worth the stop.
func measureBin(d *device, sky Sky, m moment) []Reading {
	crew := between(-0.7, 0.7, d.seed, 11)
	passed := m.hours - d.last.hours
	switch {
	case !d.begun:
		d.fill = 60 * d.rand.Float64()
	case passed > 0:
		people := 0.2 + hump(m.hour, 9, 3) + 1.2*hump(m.hour, 19, 3)
		d.fill += passed * between(2, 7, d.seed, 12) * people
	}
	if comes(m, d.last, 4.5+crew) && d.fill > 30 || comes(m, d.last, 22+crew) && d.fill > 50 {
		d.fill = 3 * d.rand.Float64()
	}
	d.fill = math.Min(d.fill, 100)
	shown := clamp(d.fill+d.jitter(0.4), 0, 100)
	return []Reading{{"fill", round(shown, 0)}, d.temperature(sky, m), d.battery(m)}
}

// comes says whether an hour of the day lies between two reports.
func comes(now, last moment, hour float64) bool {
	since := math.Mod(now.hour-hour+24, 24)
	return now.hours > last.hours && since < now.hours-last.hours
}

// measureLight burns a lamp from dusk to dawn, dimmed in the small hours; few
// lamps fail, each for a week.
func measureLight(d *device, _ Sky, m moment) []Reading {
	on := m.dark(between(-0.15, 0.15, d.seed, 13))
	week := int64(m.hours / 168)
	state, power := "ok", 0.0
	if on {
		power = between(60, 140, d.seed, 14)
	}
	if on && m.hour > 0.5 && m.hour < 4.5 {
		state, power = "dimmed", power*0.5
	}
	if unit(d.seed, 15, week) < 0.015 {
		state, power, on = "fault", 0, false
	}
	if power > 0 {
		power += d.jitter(0.8)
	}
	return []Reading{{"lamp_on", on}, {"lamp_state", state}, {"power", round(power, 1)}}
}
