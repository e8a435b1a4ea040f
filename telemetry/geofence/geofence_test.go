package geofence_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cityhub/database"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
	"cityhub/telemetry/geofence"
)

// start is noon of a day in Hanoi.
var start = time.Date(2026, 8, 12, 5, 0, 0, 0, time.UTC)

var hanoi = time.FixedZone("Asia/Ho_Chi_Minh", 7*3600)

// yard is a town with a depot, 1 km east of 105.8°, and buses that pass it.
type yard struct {
	t        testing.TB
	file     string
	database *database.Database
	registry *devices.Registry
	fences   *geofence.Fences
	clock    time.Time
	buses    map[string]devices.Target
	stop     func()
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func openYard(t testing.TB, file string) *yard {
	t.Helper()
	y := &yard{t: t, file: file, clock: start.Add(-time.Hour), buses: map[string]devices.Target{}}
	y.database = must(database.Open(t.Context(), database.Options{SQLitePath: file}))(t)
	y.registry = must(devices.Open(t.Context(), y.database.Store(), func() time.Time { return y.clock }))(t)
	y.fences = geofence.New(geofence.Options{Registry: y.registry, Store: y.database.Geofences(), Zone: hanoi, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := y.fences.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	y.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		if err := y.database.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(y.stop)
	return y
}

// square is a zone's area between two longitudes.
func square(t testing.TB, west, east float64) geo.Area {
	return must(geo.ReadArea([]byte(fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%[1]v,21],[%[2]v,21],[%[2]v,21.01],[%[1]v,21.01],[%[1]v,21]]]}`, west, east)), geo.CRS{}))(t)
}

func (y *yard) zone(code string, west, east float64) int64 {
	y.t.Helper()
	z := devices.Zone{Code: code, Kind: "depot"}
	y.check(y.registry.Zones.Create(y.t.Context(), &z))
	_, err := y.registry.ShapeZone(y.t.Context(), z.ID, must(geo.ParseDay("2025-07-01"))(y.t), square(y.t, west, east))
	y.check(err)
	return z.ID
}

func (y *yard) check(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) bus(code string) {
	y.t.Helper()
	_, _, err := y.registry.PutSensor(y.t.Context(), devices.Sensor{Code: "bus", Channels: []devices.Channel{{Key: "speed", Property: "speed", Hi: 130}}})
	y.check(err)
	_, err = y.registry.ImportRow(y.t.Context(), devices.Row{Device: code, Model: "bus", Station: code, From: "2025-07-01T00:00:00Z"})
	y.check(err)
	target := must(y.registry.Resolve(code, start))(y.t)
	_, err = y.registry.Things.Update(y.t.Context(), target.Station.ID, func(t *devices.Thing) error { t.Mobile = true; return nil })
	y.check(err)
	y.buses[code] = target
}

// at is a bus's line at a minute after start, so many metres east of 105.8°.
func (y *yard) at(code string, minute, metres float64) telemetry.Line {
	const perDegree = 111_194.9 * 0.93358 // at 21° north
	return telemetry.Line{Group: y.buses[code].Series.ID, Time: start.Add(time.Duration(minute * float64(time.Minute))).UnixNano(),
		Position: &geo.Position{Lon: 105.8 + metres/perDegree, Lat: 21.005}}
}

// events waits for so many, and tells them as bus+ and bus- with their minute.
func (y *yard) events(n int) string {
	y.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		all := must(y.database.Geofences().Events(y.t.Context(), geofence.Filter{Limit: 100}))(y.t)
		if len(all) < n && time.Now().Before(deadline) {
			continue
		}
		var told []string
		for _, e := range all {
			sign := "-"
			if e.Entered {
				sign = "+"
			}
			told = append(told, fmt.Sprintf("%s%g", sign, e.Time.Sub(start).Minutes()))
		}
		return strings.Join(told, " ")
	}
}

func (y *yard) expect(want string) {
	y.t.Helper()
	if got := y.events(len(strings.Fields(want))); got != want {
		y.t.Errorf("events %q, want %q", got, want)
	}
}

func (y *yard) fence(zone int64, metres float64, hold time.Duration) devices.Fence {
	y.t.Helper()
	f := devices.Fence{Code: "depot", ZoneID: zone, Metres: metres, Hold: hold}
	y.check(y.registry.Geofences.Create(y.t.Context(), &f))
	return f
}

func TestABusEntersAndLeaves(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hub.db")
	y := openYard(t, file)
	y.bus("a")
	y.fence(y.zone("depot", 105.8, 105.81), 100, 2*time.Minute)
	y.fences.Tell([]telemetry.Line{y.at("a", 0, -500), y.at("a", 3, 50), y.at("a", 1, 10), y.at("a", 4, -50), y.at("a", 6, 200)})
	y.expect("+1")
	y.fences.Tell([]telemetry.Line{y.at("a", 2, -5_000), y.at("a", 5.5, -5_000)}) // late: the crossing is settled
	y.fences.Tell([]telemetry.Line{y.at("a", 7, -150), y.at("a", 8, -150)})       // out, for a minute so far
	y.expect("+1")
	y.stop()

	again := openYard(t, file)
	again.buses = y.buses
	again.fences.Tell([]telemetry.Line{y.at("a", 9, -150)}) // …and a second one after a restart
	again.expect("+1 -7")
	again.fences.Tell([]telemetry.Line{y.at("a", 20, -100)})
	again.expect("+1 -7")
}

func TestWhatWasThereBeforeTheFenceHasNotEntered(t *testing.T) {
	y := openYard(t, filepath.Join(t.TempDir(), "hub.db"))
	y.bus("a")
	y.bus("b")
	zone := y.zone("depot", 105.8, 105.81)
	y.fence(zone, 0, 0)
	wrong := y.at("a", 2, -5_000)
	wrong.Quality = telemetry.Misplaced
	y.fences.Tell([]telemetry.Line{y.at("a", 1, 10), y.at("b", 1, -10), wrong, y.at("b", 2, 10)})
	y.expect("+2")
	y.fences.Tell([]telemetry.Line{y.at("a", 3, -10)})
	y.expect("+2 -3")
}

func TestTheBoundaryOfTheDayCounts(t *testing.T) {
	y := openYard(t, filepath.Join(t.TempDir(), "hub.db"))
	y.bus("a")
	zone := y.zone("depot", 105.8, 105.81)
	_, err := y.registry.ShapeZone(t.Context(), zone, must(geo.ParseDay("2026-08-13"))(t), square(t, 105.82, 105.83))
	y.check(err)
	y.fence(zone, 0, 0)
	y.fences.Tell([]telemetry.Line{y.at("a", 0, -10), y.at("a", 1, 10), y.at("a", 719, 10), y.at("a", 721, 10)}) // midnight is at 720
	y.expect("+1 -721")
}

func TestOnlyTheThingsOfAFenceAreWatched(t *testing.T) {
	y := openYard(t, filepath.Join(t.TempDir(), "hub.db"))
	y.bus("a")
	y.bus("b")
	f := devices.Fence{Code: "one", ZoneID: y.zone("depot", 105.8, 105.81), Things: []int64{y.buses["b"].Station.ID}}
	y.check(y.registry.Geofences.Create(t.Context(), &f))
	y.fences.Tell([]telemetry.Line{y.at("a", 0, -10), y.at("b", 0, -10), y.at("a", 1, 10), y.at("b", 2, 10)})
	y.expect("+2")
}

// BenchmarkSee looks at positions of 1,000 buses among 126 fences; an operation
// is one position.
func BenchmarkSee(b *testing.B) {
	y := openYard(b, filepath.Join(b.TempDir(), "hub.db"))
	for i := range 126 {
		west := 105.8 + float64(i)*0.001
		f := devices.Fence{Code: fmt.Sprintf("f%d", i), ZoneID: y.zone(fmt.Sprintf("z%d", i), west, west+0.001), Metres: 30, Hold: time.Minute}
		y.check(y.registry.Geofences.Create(b.Context(), &f))
	}
	const buses = 1_000
	names := make([]string, buses)
	for i := range names {
		names[i] = fmt.Sprintf("b%d", i)
		y.bus(names[i])
	}
	aside := geofence.New(geofence.Options{Registry: y.registry, Store: y.database.Geofences(), Zone: hanoi, Log: slog.New(slog.DiscardHandler)})
	lines, events := make([]telemetry.Line, buses), 0
	b.ReportAllocs()
	for round := 0; b.Loop(); round++ {
		if i := round % buses; i == 0 {
			for j := range lines {
				lines[j] = y.at(names[j], float64(round/buses)/6, float64((round/buses*80+j*13)%13_000))
			}
			events += aside.See(lines)
		}
	}
	b.ReportMetric(float64(events)/float64(b.N), "events/op")
}
