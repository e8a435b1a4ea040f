package api

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// crowded is a layer with so many stations over Hanoi, half of them crowded in
// its middle, without a registry behind it: looks at it cost the same.
func crowded(n int, now time.Time) (*dotLayer, []telemetry.LatestValue) {
	r := rand.New(rand.NewPCG(1, 1))
	l := &dotLayer{property: &devices.ObservedProperty{Code: "pm25"}, place: map[int64]int32{}, changed: map[int64]struct{}{}}
	type at struct {
		spot geo.Spot
		dot
	}
	all := make([]at, n)
	for i := range all {
		d := dot{lon: 105.3 + r.Float64()*0.7, lat: 20.6 + r.Float64()*0.7, value: r.Float64() * 100, time: now.UnixNano(),
			fresh: int64(time.Hour), group: int64(i), thing: int64(i), organisation: int64(i % 40), published: uint8(i % 3), timed: true}
		if i%2 == 0 {
			d.lon, d.lat = 105.85+r.NormFloat64()*0.03, 21.02+r.NormFloat64()*0.03
		}
		all[i] = at{geo.SpotOf(d.position()), d}
	}
	slices.SortFunc(all, func(a, b at) int { return int(min(max(int64(a.spot)-int64(b.spot), -1), 1)) })
	values := make([]telemetry.LatestValue, n)
	for i := range all {
		l.spots, l.dots = append(l.spots, all[i].spot), append(l.dots, all[i].dot)
		l.place[all[i].group] = int32(i)
		values[i] = telemetry.LatestValue{Group: all[i].group, Time: now.UnixNano()}
	}
	return l, values
}

// BenchmarkClusters asks for the clusters of the whole city and of a window in
// its middle, while 5,000 values a second change; it tells the time that 99 of
// 100 looks stay below.
func BenchmarkClusters(b *testing.B) {
	city := geo.Window{MinLon: 105.2, MinLat: 20.5, MaxLon: 106.1, MaxLat: 21.4}
	middle := geo.Window{MinLon: 105.80, MinLat: 20.99, MaxLon: 105.90, MaxLat: 21.05}
	everybody, one := &access.Scope{All: true}, &access.Scope{Own: []int64{7}, Public: true, Internal: true}
	for _, n := range []struct {
		name  string
		count int
	}{{"100k", 100_000}, {"1M", 1_000_000}} {
		now := time.Now()
		l, values := crowded(n.count, now)
		for _, c := range []struct {
			name   string
			scope  *access.Scope
			window geo.Window
			level  int
		}{{"city", everybody, city, 12}, {"window", everybody, middle, 15}, {"scoped", one, city, 12}} {
			b.Run(n.name+"/"+c.name, func(b *testing.B) {
				stop := updating(l, values)
				var took []time.Duration
				for b.Loop() {
					began := time.Now()
					l.mu.RLock()
					count := 0
					l.cells(&look{scope: c.scope, window: c.window, level: c.level, now: now.UnixNano()}, func(s *geo.Summary, _ *dot) { count += s.Count })
					l.mu.RUnlock()
					took = append(took, time.Since(began))
					if count == 0 {
						b.Fatal("nothing is seen")
					}
				}
				stop()
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1_000, "p99-ms")
			})
		}
	}
}

// updating changes 5,000 values a second until it is stopped.
func updating(l *dotLayer, values []telemetry.LatestValue) (stop func()) {
	end := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for next := 0; ; {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			l.mu.Lock()
			for range 50 {
				v := &values[next]
				v.Value = telemetry.NumberOf(float64(next))
				l.dots[l.place[v.Group]].set(*v)
				next = (next + 7_919) % len(values)
			}
			l.mu.Unlock()
		}
	})
	return func() {
		close(end)
		work.Wait()
	}
}
