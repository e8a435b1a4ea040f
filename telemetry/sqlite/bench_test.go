package sqlite

import (
	"fmt"
	"testing"

	"cityhub/telemetry"
)

// batch is 5,000 messages of four channels from as many stations as told, the
// next ones in time for every n.
func batch(n int64, stations int64) []telemetry.Line {
	lines := make([]telemetry.Line, 5000)
	for i := range lines {
		k := n*5000 + int64(i)
		lines[i] = telemetry.Line{Group: 1 + k%stations, Time: at(week0) + k/stations*60e9, ID: 64 * k, Fields: []telemetry.Field{
			{Property: "pm25", Value: telemetry.NumberOf(float64(k%1000) / 10)}, {Property: "pm10", Value: telemetry.NumberOf(float64(k%700) / 10)},
			{Property: "noise", Value: telemetry.NumberOf(float64(k%60) + 40.5)}, {Property: "temperature", Value: telemetry.NumberOf(float64(k%300) / 10)}}}
	}
	return lines
}

func BenchmarkWrite(b *testing.B) {
	for _, stations := range []int64{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("stations=%d", stations), func(b *testing.B) {
			a := open(b, Options{Dir: b.TempDir()})
			for n := int64(0); b.Loop(); n++ {
				b.StopTimer()
				lines := batch(n, stations)
				b.StartTimer()
				if err := a.Write(b.Context(), telemetry.Raw, lines); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(5000*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// BenchmarkRead has an hour of 10,000 stations, a line a minute.
func BenchmarkRead(b *testing.B) {
	const stations = 10_000
	a := open(b, Options{Dir: b.TempDir()})
	for n := range int64(60 * stations / 5000) {
		if err := a.Write(b.Context(), telemetry.Raw, batch(n, stations)); err != nil {
			b.Fatal(err)
		}
	}
	start := at(week0)
	some := make([]int64, 500)
	for i := range some {
		some[i] = int64(1 + i*20)
	}
	for name, q := range map[string]telemetry.Query{
		"hour of all":           {From: start, To: start + 3600e9},
		"hour of all, one":      {From: start, To: start + 3600e9, Properties: []string{"pm25"}},
		"hour of one":           {From: start, To: start + 3600e9, Groups: []int64{77}},
		"two minutes of 500":    {From: start + 600e9, To: start + 720e9, Groups: some},
		"a minute of all":       {From: start + 600e9, To: start + 660e9},
		"first line of each":    {From: start, To: start + 3600e9, Limit: 1},
		"first 20 lines of one": {From: start, To: start + 3600e9, Groups: []int64{77}, Limit: 20},
	} {
		b.Run(name, func(b *testing.B) {
			lines := 0
			for b.Loop() {
				lines = 0
				if err := a.Read(b.Context(), q, func(*telemetry.Line) error { lines++; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(lines), "lines")
		})
	}
	b.Run("latest", func(b *testing.B) {
		lines := 0
		for b.Loop() {
			lines = 0
			if err := a.Latest(b.Context(), 0, func(*telemetry.Line) error { lines++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(lines), "lines")
	})
}
