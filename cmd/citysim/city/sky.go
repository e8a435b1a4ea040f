package city

import "math"

// Sky is the weather of a seed: the same place and moment always have the
// same, and what is near in place or time is alike.
type Sky struct{ seed uint64 }

// Streams of random numbers that must not follow each other.
const (
	streamFront = iota + 100
	streamPatch
	streamRegime
	streamAir
	streamWind
	streamTraffic
	streamRiver
)

const (
	frontEvery = 4.0 // hours between two fronts that may come
	frontReach = 65  // km from the old town at which a front begins and ends
)

// front is a band of rain that crosses the city.
type front struct {
	start  float64 // hours
	dx, dy float64 // direction of travel, length 1
	speed  float64 // km/h
	width  float64 // km
	peak   float64 // mm/h
}

// front gives the nth front since 1970, if it comes. Summer has more of them,
// and stronger ones.
func (s Sky) front(n int64) (front, bool) {
	day := math.Mod(float64(n)*frontEvery/24, 365.2425)
	summer := 0.5 - 0.5*moment{day: day}.winter()
	if unit(s.seed, streamFront, n, 0) > 0.3+0.35*summer {
		return front{}, false
	}
	angle := between(-0.7, 0.7, s.seed, streamFront, n, 1)
	if unit(s.seed, streamFront, n, 2) < 0.5 {
		angle += math.Pi // from the sea rather than from the mountains
	}
	heavy := math.Pow(unit(s.seed, streamFront, n, 6), 3) // most fronts are weak
	return front{
		start: float64(n)*frontEvery + between(0, frontEvery, s.seed, streamFront, n, 3),
		dx:    math.Cos(angle), dy: -math.Sin(angle),
		speed: between(18, 40, s.seed, streamFront, n, 4),
		width: between(3, 8, s.seed, streamFront, n, 5),
		peak:  1.5 + (12+58*summer)*heavy,
	}, true
}

// fronts are those that may be on their way in the hours before a moment.
func (s Sky) fronts(m moment, hours float64) []front {
	// The slowest front takes longest to cross: it may have come so long ago.
	const crossing = 2 * frontReach / 18.0
	var some []front
	oldest := int64(math.Floor((m.hours-hours-crossing)/frontEvery)) - 1
	for n := oldest; float64(n)*frontEvery <= m.hours; n++ {
		if f, comes := s.front(n); comes {
			some = append(some, f)
		}
	}
	return some
}

// Rain is the intensity in mm/h.
func (s Sky) Rain(p Place, m moment) float64 { return s.rain(s.fronts(m, 0), p, m) }

func (s Sky) rain(fronts []front, p Place, m moment) float64 {
	sum := 0.0
	for _, f := range fronts {
		travelled := f.speed*(m.hours-f.start) - frontReach
		ahead := p.X*f.dx + p.Y*f.dy - travelled
		if m.hours < f.start || travelled > frontReach || math.Abs(ahead) > 3*f.width {
			continue
		}
		along := p.Y*f.dx - p.X*f.dy
		patch := 0.6 + 0.4*field(s.seed, along/6+f.start, ahead/6, streamPatch)
		sum += f.peak * patch * math.Exp(-(ahead/f.width)*(ahead/f.width))
	}
	if sum < 0.2 {
		return 0 // drizzle that a bucket does not feel
	}
	return math.Min(sum, 180)
}

// Fallen is the rain in mm of the last hours, where what fell longer ago
// counts less: what still stands in the streets.
func (s Sky) Fallen(p Place, m moment) float64 {
	const step, steps, fade = 0.25, 14, 1.2 // hours
	fronts := s.fronts(m, step*steps)
	sum := 0.0
	for i := range steps {
		age := (float64(i) + 0.5) * step
		sum += s.rain(fronts, p, m.earlier(age)) * step * math.Exp(-age/fade)
	}
	return sum
}

// RainHour is the sum of the last hour in mm.
func (s Sky) RainHour(p Place, m moment) float64 {
	fronts := s.fronts(m, 1)
	sum := 0.0
	for i := range 6 {
		sum += s.rain(fronts, p, m.earlier((float64(i)+0.5)/6)) / 6
	}
	return sum
}

// Temperature is in °C.
func (s Sky) Temperature(p Place, m moment) float64 {
	return s.dryTemperature(p, m) - math.Min(5, 0.4*s.Fallen(p, m))
}

func (s Sky) dryTemperature(p Place, m moment) float64 {
	season := 24.5 - 6.5*m.winter()
	day := 3.8 * math.Cos(2*math.Pi*(m.hour-14.5)/24)
	regime := 2.5 * drift(s.seed^streamRegime, m.hours/60)
	return season + day + regime + 1.3*p.urban() + 0.4*field(s.seed^streamRegime, p.X/10, p.Y/10, m.hours/6)
}

// Humidity is in percent.
func (s Sky) Humidity(p Place, m moment) float64 {
	day := -11 * math.Cos(2*math.Pi*(m.hour-14.5)/24)
	wet := math.Min(18, 1.5*s.Fallen(p, m))
	return clamp(74+day+wet+8*drift(s.seed^streamRegime^9, m.hours/48), 28, 100)
}

// Pressure is in hPa, with the two tides of a tropical day.
func (s Sky) Pressure(m moment) float64 {
	tide := 1.3 * math.Cos(4*math.Pi*(m.hour-10)/24)
	return 1010 + 7*m.winter() + tide + 4*drift(s.seed^streamWind^1, m.hours/70)
}

// Wind is its speed in m/s and where it comes from in degrees. It freshens in
// the afternoon and gusts where rain falls.
func (s Sky) Wind(p Place, m moment) (speed, from float64) {
	speed = 1.8 + 1.1*hump(m.hour, 15, 4) + 1.2*field(s.seed^streamWind, p.X/15, p.Y/15, m.hours)
	speed += 5 * math.Min(1, s.Rain(p, m)/40)
	from = 90 - 60*m.winter() + 70*drift(s.seed^streamWind^2, m.hours/20) + 20*field(s.seed^streamWind^3, p.X/8, p.Y/8, m.hours)
	return math.Max(0, speed), math.Mod(from+720, 360)
}

// PM25 is in µg/m³: worst in winter, in still nights and near full streets;
// rain washes it out.
func (s Sky) PM25(p Place, m moment) float64 {
	season := 36 + 22*m.winter()
	regime := 1 + 0.45*drift(s.seed^streamAir, m.hours/50)
	day := 1 + 0.22*hump(m.hour, 7.5, 2.3) + 0.3*hump(m.hour, 21.5, 3.5) - 0.22*hump(m.hour, 14, 3)
	local := 1 + 0.25*field(s.seed^streamAir^1, p.X/6, p.Y/6, m.hours/4)
	streets := 10 * m.traffic() * p.urban()
	washed := math.Exp(-0.06 * s.Fallen(p, m))
	return clamp((season*regime*day*local+streets)*washed, 2, 480)
}

// Traffic is the load of the streets at a place, slowed by rain.
func (s Sky) Traffic(p Place, m moment) float64 {
	local := 1 + 0.2*field(s.seed^streamTraffic, p.X/3, p.Y/3, m.hours*2)
	return m.traffic() * local * (1 - 0.35*math.Min(1, s.Rain(p, m)/25))
}
