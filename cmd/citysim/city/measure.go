package city

import (
	"math"
	"math/rand/v2"
)

// Reading is one value under its channel's key: a float64, a bool or a string.
type Reading struct {
	Key   string
	Value any
}

// device is a station's device with what it remembers between two reports.
type device struct {
	Station
	seed  uint64 // of its own, drawn from the city's
	rand  *rand.Rand
	seq   int64
	last  moment
	begun bool // measured before: last, occupied and fill are set

	occupied bool
	fill     float64
}

// jitter is the noise of the device itself.
func (d *device) jitter(spread float64) float64 { return spread * clamp(d.rand.NormFloat64(), -3, 3) }

// battery falls from 100 to 15 % over about a year, then somebody changes it.
func (d *device) battery(m moment) Reading {
	life := between(6000, 10000, d.seed, 1) // hours
	used := math.Mod(m.hours/life+unit(d.seed, 2), 1)
	return Reading{"battery", round(100-85*used, 1)}
}

func measureAir(d *device, sky Sky, m moment) []Reading {
	fine := math.Max(1, sky.PM25(d.place, m)*(1+d.jitter(0.02)))
	coarse := fine*1.4 + 9*sky.Traffic(d.place, m) + d.jitter(1)
	return []Reading{
		{"pm25", round(fine, 1)},
		{"pm10", round(math.Max(fine, coarse), 1)},
		d.temperature(sky, m),
		{"humidity", round(clamp(sky.Humidity(d.place, m)+d.jitter(0.5), 0, 100), 1)},
		d.battery(m),
	}
}

func (d *device) temperature(sky Sky, m moment) Reading {
	return Reading{"temperature", round(sky.Temperature(d.place, m)+d.jitter(0.08), 2)}
}

func measureNoise(d *device, sky Sky, m moment) []Reading {
	quiet := between(38, 48, d.seed, 3)
	loud := between(18, 27, d.seed, 4)
	level := quiet + loud*math.Pow(math.Min(1.3, sky.Traffic(d.place, m)), 0.5)
	level += 6*math.Min(1, sky.Rain(d.place, m)/30) + d.jitter(1.2)
	return []Reading{{"laeq", round(clamp(level, 28, 110), 1)}, d.battery(m)}
}

// gauge is the water's height in m above the gauge's zero.
func (d *device) gauge(sky Sky, m moment) float64 {
	fallen := sky.Fallen(d.place, m)
	switch d.water {
	case river:
		flood := 1.2 * drift(d.seed^streamRiver, m.hours/90)
		return 3.6 - 1.5*m.winter() + flood + 0.02*fallen + d.jitter(0.01)
	case lake:
		return between(4.6, 5.6, d.seed, 5) + 0.006*fallen + 0.1*drift(d.seed, m.hours/120) + d.jitter(0.005)
	}
	drains := between(8, 16, d.seed, 6) // mm that the sewers take away
	return math.Max(0, (fallen-drains)*0.018+d.jitter(0.003))
}

func measureWater(d *device, sky Sky, m moment) []Reading {
	return []Reading{{"level", round(d.gauge(sky, m), 3)}, d.battery(m)}
}

func measureLoraWater(d *device, sky Sky, m moment) []Reading {
	return []Reading{{"level", round(d.gauge(sky, m), 3)}, d.temperature(sky, m), d.battery(m)}
}

func measureRain(d *device, sky Sky, m moment) []Reading {
	return []Reading{
		{"rain_rate", round(sky.Rain(d.place, m), 1)},
		{"rain_hour", round(sky.RainHour(d.place, m), 1)},
		d.battery(m),
	}
}

func measureWeather(d *device, sky Sky, m moment) []Reading {
	speed, from := sky.Wind(d.place, m)
	return []Reading{
		d.temperature(sky, m),
		{"humidity", round(clamp(sky.Humidity(d.place, m)+d.jitter(0.5), 0, 100), 1)},
		{"pressure", round(sky.Pressure(m)+d.jitter(0.05), 1)},
		{"wind_speed", round(math.Max(0, speed+d.jitter(0.3)), 1)},
		{"wind_direction", round(math.Mod(from+d.jitter(4)+360, 360), 0)},
		{"rain_rate", round(sky.Rain(d.place, m), 1)},
	}
}

func measureTraffic(d *device, sky Sky, m moment) []Reading {
	lanes := between(50, 160, d.seed, 7) // vehicles a minute when full
	load := sky.Traffic(d.place, m)
	count := lanes * load * (1 + d.jitter(0.07))
	speed := between(38, 55, d.seed, 8)*(1-0.62*math.Min(1, load)) + d.jitter(1.5)
	return []Reading{
		{"vehicles", round(clamp(count, 0, 600), 0)},
		{"speed", round(clamp(speed, 4, 120), 1)},
	}
}
