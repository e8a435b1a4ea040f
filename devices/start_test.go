package devices_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"cityhub/database"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

const bigCity = 100_000 // stations, with five datastreams each

// fillCity registers stations past the registry's checks, which are made for
// one change at a time.
func fillCity(b *testing.B, store devices.Store, stations int) {
	b.Helper()
	err := store.Atomically(b.Context(), func(t devices.Tables) error {
		sensor := devices.Sensor{Code: "big"}
		for i := range 5 {
			property := devices.ObservedProperty{Code: fmt.Sprintf("p%d", i), Kind: devices.Number}
			if err := t.ObservedProperties.Put(b.Context(), &property); err != nil {
				return err
			}
			sensor.Channels = append(sensor.Channels, devices.Channel{Key: property.Code, Property: property.Code, Slot: i})
		}
		if err := t.Sensors.Put(b.Context(), &sensor); err != nil {
			return err
		}
		for i := range stations {
			if err := fillStation(b.Context(), t, sensor, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func fillStation(ctx context.Context, t devices.Tables, sensor devices.Sensor, i int) error {
	location := devices.Location{Position: geo.Position{Lon: 105.3 + float64(i%1000)/1000, Lat: 20.6 + float64(i/1000)/200}}
	if err := t.Locations.Put(ctx, &location); err != nil {
		return err
	}
	thing := devices.Thing{Code: fmt.Sprintf("station-%06d", i), Name: fmt.Sprintf("Trạm đo số %d", i), LocationID: location.ID}
	if err := t.Things.Put(ctx, &thing); err != nil {
		return err
	}
	group := devices.Group{ThingID: thing.ID, SensorID: sensor.ID}
	if err := t.Groups.Put(ctx, &group); err != nil {
		return err
	}
	for _, c := range sensor.Channels {
		d := devices.Datastream{Name: thing.Name + " · " + c.Property, ThingID: thing.ID, SensorID: sensor.ID, Property: c.Property, Group: group.ID, Slot: c.Slot}
		if err := t.Datastreams.Put(ctx, &d); err != nil {
			return err
		}
	}
	device := devices.Device{Code: fmt.Sprintf("device-%06d", i), SensorID: sensor.ID, State: devices.Deployed}
	if err := t.Devices.Put(ctx, &device); err != nil {
		return err
	}
	return t.Deployments.Put(ctx, &devices.Deployment{DeviceID: device.ID, ThingID: thing.ID, GroupID: group.ID, From: then})
}

// BenchmarkStart opens the registry of 100,000 stations with five datastreams
// each from SQLite: goal 5 s, and 4 KiB a station with its latest values.
func BenchmarkStart(b *testing.B) {
	db, err := database.Open(b.Context(), database.Options{SQLitePath: filepath.Join(b.TempDir(), "registry.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	fillCity(b, db.Store(), bigCity)
	before := heap()
	var r *devices.Registry
	for b.Loop() {
		if r, err = devices.Open(b.Context(), db.Store(), time.Now); err != nil {
			b.Fatal(err)
		}
	}
	latest := telemetry.NewLatest()
	fillLatest(b, r, latest)
	b.ReportMetric(float64(heap()-before)/bigCity, "B/station")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/start")
	runtime.KeepAlive(r)
	runtime.KeepAlive(latest)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fillLatest gives every datastream a value.
func fillLatest(b *testing.B, r *devices.Registry, latest *telemetry.Latest) {
	b.Helper()
	for i := range bigCity {
		target, err := r.Resolve(fmt.Sprintf("device-%06d", i), then)
		if err != nil {
			b.Fatal(err)
		}
		line := telemetry.Line{Group: target.Series.ID, Time: then.UnixNano()}
		for _, c := range target.Model.Sensor.Channels {
			line.Fields = append(line.Fields, telemetry.Field{Property: c.Property, Slot: c.Slot, Value: telemetry.NumberOf(float64(i))})
		}
		latest.Tell([]telemetry.Line{line})
	}
}

// BenchmarkResolve500k resolves readings of 100,000 devices with five
// datastreams each, every tenth of a model that took another's place over:
// goal 1 µs a reading, with the time going forth and back as late readings do.
func BenchmarkResolve500k(b *testing.B) {
	db, err := database.Open(b.Context(), database.Options{SQLitePath: filepath.Join(b.TempDir(), "registry.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	fillCity(b, db.Store(), bigCity)
	fillGuests(b, db.Store())
	r, err := devices.Open(b.Context(), db.Store(), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	names := make([]string, bigCity)
	for i, at := range rand.New(rand.NewPCG(1, 2)).Perm(bigCity) {
		names[i] = fmt.Sprintf("device-%06d", at)
		if at%10 == 0 {
			names[i] = fmt.Sprintf("guest-%06d", at)
		}
	}
	times := [...]time.Time{then.Add(time.Hour), then.Add(2 * time.Hour), then.Add(90 * time.Minute)}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		target, err := r.Resolve(names[i%bigCity], times[i%len(times)])
		if err != nil || len(target.Series.Datastreams) != 5 || target.Model == nil {
			b.Fatal(target, err)
		}
		i++
	}
}

// fillGuests replaces every tenth device by one of a model that has the same
// channels in another order.
func fillGuests(b *testing.B, store devices.Store) {
	b.Helper()
	err := store.Atomically(b.Context(), func(t devices.Tables) error {
		guest := devices.Sensor{Code: "guest"}
		for i := range 5 {
			guest.Channels = append(guest.Channels, devices.Channel{Key: fmt.Sprintf("g%d", i), Property: fmt.Sprintf("p%d", 4-i), Slot: i})
		}
		if err := t.Sensors.Put(b.Context(), &guest); err != nil {
			return err
		}
		all, err := t.Deployments.List(b.Context(), devices.Page{Limit: bigCity})
		if err != nil {
			return err
		}
		for i := 0; i < len(all); i += 10 {
			was := all[i]
			was.To = then.Add(time.Minute)
			if err := t.Deployments.Put(b.Context(), &was); err != nil {
				return err
			}
			d := devices.Device{Code: fmt.Sprintf("guest-%06d", i), SensorID: guest.ID, State: devices.Deployed}
			if err := t.Devices.Put(b.Context(), &d); err != nil {
				return err
			}
			if err := t.Deployments.Put(b.Context(), &devices.Deployment{DeviceID: d.ID, ThingID: was.ThingID, GroupID: was.GroupID, From: was.To}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
