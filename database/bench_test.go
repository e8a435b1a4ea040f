//go:build unix

package database

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cityhub/devices"
	"cityhub/testbed"
)

const streamsPerStation = 5

// settle registers a city of stations with one device and five datastreams
// each, in one transaction, and answers the number of rows.
func settle(ctx context.Context, b *testing.B, d *Database, stations int) (rows int) {
	b.Helper()
	must(b, d.Store().Atomically(ctx, func(s devices.Tables) error {
		for i := range streamsPerStation {
			put(ctx, b, s.ObservedProperties, devices.ObservedProperty{Code: property(i), Unit: "µg/m³", Kind: devices.Number})
		}
		sensor := put(ctx, b, s.Sensors, devices.Sensor{Code: "aq"})
		for i := range stations {
			rows += station(ctx, b, s, sensor.ID, i)
		}
		return nil
	}))
	return rows
}

func property(i int) string { return fmt.Sprintf("pm%d", i) }

func station(ctx context.Context, b *testing.B, s devices.Tables, sensor int64, i int) (rows int) {
	thing := put(ctx, b, s.Things, devices.Thing{Code: fmt.Sprintf("station-%06d", i), Name: fmt.Sprintf("Station %d", i)})
	group := put(ctx, b, s.Groups, devices.Group{ThingID: thing.ID, SensorID: sensor})
	device := put(ctx, b, s.Devices, devices.Device{Code: fmt.Sprintf("device-%06d", i), Serial: fmt.Sprint("SN", i),
		DevEUI: fmt.Sprintf("%016X", i), SensorID: sensor, State: devices.Deployed})
	put(ctx, b, s.Deployments, devices.Deployment{DeviceID: device.ID, ThingID: thing.ID, GroupID: group.ID, From: noon})
	for slot := range streamsPerStation {
		put(ctx, b, s.Datastreams, devices.Datastream{Name: "Station " + thing.Code, ThingID: thing.ID, SensorID: sensor,
			Property: property(slot), Unit: "µg/m³", Group: group.ID, Slot: slot})
	}
	return 4 + streamsPerStation
}

// processor is what this process has used: on a busy machine it says more than
// the clock. PostgreSQL's own share is not in it.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var usage unix.Rusage
	must(b, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func engines(b *testing.B, run func(b *testing.B, options func() Options)) {
	b.Run("sqlite", func(b *testing.B) {
		run(b, func() Options {
			dir, err := os.MkdirTemp(b.TempDir(), "")
			must(b, err)
			return Options{SQLitePath: filepath.Join(dir, "hub.db")}
		})
	})
	b.Run("postgres", func(b *testing.B) {
		run(b, func() Options { return Options{PostgresURL: testbed.PostgreSQL(b).URL} })
	})
}

func BenchmarkBulkInsert(b *testing.B) {
	engines(b, func(b *testing.B, options func() Options) {
		rows := 0
		var took, used time.Duration
		for b.Loop() {
			d := open(b, options())
			begin, cpu := time.Now(), processor(b)
			rows += settle(b.Context(), b, d, 5_000)
			took, used = took+time.Since(begin), used+processor(b)-cpu
		}
		b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
		b.ReportMetric(float64(used.Microseconds())/float64(rows), "cpu-µs/row")
	})
}

// BenchmarkLoad reads a city of 100,000 stations (20,000 on PostgreSQL, which
// is slow to fill) table by table, and as the registry does when the hub starts.
func BenchmarkLoad(b *testing.B) {
	engines(b, func(b *testing.B, options func() Options) {
		at := options()
		d, stations := open(b, at), 100_000
		if at.PostgresURL != "" {
			stations = 20_000
		}
		want := settle(b.Context(), b, d, stations)
		b.Run("tables", func(b *testing.B) { loadTables(b, d, want) })
		b.Run("registry", func(b *testing.B) { loadRegistry(b, d, stations) })
	})
}

func loadTables(b *testing.B, d *Database, want int) {
	b.ReportAllocs()
	rows, cpu := 0, processor(b)
	for b.Loop() {
		s := d.Store().Tables()
		n := all(b, s.Things, func(t *devices.Thing) int64 { return t.ID }) +
			all(b, s.Groups, func(g *devices.Group) int64 { return g.ID }) +
			all(b, s.Datastreams, func(d *devices.Datastream) int64 { return d.ID }) +
			all(b, s.Devices, func(d *devices.Device) int64 { return d.ID }) +
			all(b, s.Deployments, func(d *devices.Deployment) int64 { return d.ID })
		if n != want {
			b.Fatalf("read %d rows of %d", n, want)
		}
		rows += n
	}
	b.ReportMetric(float64((processor(b)-cpu).Microseconds())/float64(rows), "cpu-µs/row")
}

func loadRegistry(b *testing.B, d *Database, stations int) {
	for b.Loop() {
		r, err := devices.Open(b.Context(), d.Store(), time.Now)
		must(b, err)
		if n, _, _ := r.Size(); n != stations {
			b.Fatalf("the registry has %d stations of %d", n, stations)
		}
	}
}

func all[T any](b *testing.B, table devices.Table[T], id func(*T) int64) (n int) {
	for after := int64(0); ; {
		page, err := table.List(b.Context(), devices.Page{After: after, Limit: 20_000})
		must(b, err)
		n += len(page)
		if len(page) == 0 {
			return n
		}
		after = id(&page[len(page)-1])
	}
}
