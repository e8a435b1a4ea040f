package statistics_test

import (
	"math"
	"testing"
	"time"

	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
	"cityhub/telemetry/influx"
	"cityhub/telemetry/statistics"
	"cityhub/testbed"
)

// month is February of 500 stations with a reading every ten minutes, rolled
// up, in a city of 100 square zones.
type month struct {
	history *telemetry.History
	sources []devices.Measured
	zones   []int64
	shapes  *geo.Shapes
	from    time.Time
	to      time.Time
}

const benchStations = 500

func newMonth(b *testing.B, archive telemetry.Archive) *month {
	b.Helper()
	m := &month{history: historyOf(b, archive), from: day(2026, 2, 1), to: day(2026, 3, 1), shapes: geo.NewShapes()}
	for i := range 100 {
		shape := square(int64(i+1), float64(i%10)/10, float64(i/10)/10)
		m.shapes, m.zones = m.shapes.With(shape), append(m.zones, shape.Zone)
	}
	for i := range int64(benchStations) {
		m.sources = append(m.sources, source(i+1, float64(i%33)/33, float64(i%41)/41))
	}
	m.fill(b, archive)
	mark(b, m.history, m.to)
	return m
}

func (m *month) fill(b *testing.B, archive telemetry.Archive) {
	b.Helper()
	for d := m.from; d.Before(m.to); d = d.AddDate(0, 0, 1) {
		var raw, hourly, daily []telemetry.Line
		for g := range int64(benchStations) {
			for i := range int64(144) {
				v := math.Round(300*math.Sin(float64(g*i))) / 10
				raw = append(raw, line(g+1, d.UnixNano()+i*600e9, "pm25", v))
			}
			for i := range int64(24) {
				hourly = append(hourly, rolled(g+1, d.UnixNano()+i*3600e9, 6, float64(6*g)))
			}
			daily = append(daily, rolled(g+1, d.UnixNano(), 144, float64(144*g)))
		}
		for bucket, lines := range [][]telemetry.Line{raw, hourly, daily} {
			if err := archive.Write(b.Context(), telemetry.Bucket(bucket), lines); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func (m *month) query(b *testing.B, step telemetry.Step, finest telemetry.Bucket) *statistics.ZoneQuery {
	b.Helper()
	windows, err := m.history.Windows(step, m.from, m.to)
	if err != nil {
		b.Fatal(err)
	}
	return &statistics.ZoneQuery{Span: statistics.Span{Property: "pm25", Sources: m.sources, From: m.from.UnixNano(), To: m.to.UnixNano()},
		Windows: windows, Finest: finest, Need: telemetry.NeedSum | telemetry.NeedBounds, Kind: "ward", Zones: m.zones, Shapes: m.shapes, Day: geo.DayOf(m.to)}
}

// BenchmarkZonesOfAMonth compares roll-ups with reading every reading.
func BenchmarkZonesOfAMonth(b *testing.B) {
	archives := map[string]func(b *testing.B) telemetry.Archive{"sqlite": openSQLite, "influx": func(b *testing.B) telemetry.Archive {
		server := testbed.InfluxDB(b)
		a, err := influx.Open(b.Context(), influx.Options{URL: server.URL, Org: server.Org, Token: server.Token, Bucket: "city"})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = a.Close() })
		return a
	}}
	for name, open := range archives {
		b.Run(name, func(b *testing.B) {
			m := newMonth(b, open(b))
			for _, c := range []struct {
				name   string
				step   telemetry.Step
				finest telemetry.Bucket
			}{{"month from days", telemetry.PerMonth, telemetry.Daily}, {"hours from hours", telemetry.PerHour, telemetry.Hourly}, {"hours from readings", telemetry.PerHour, telemetry.Raw}} {
				q := m.query(b, c.step, c.finest)
				b.Run(c.name, func(b *testing.B) {
					for b.Loop() {
						if _, err := statistics.Zones(b.Context(), m.history, q); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}
