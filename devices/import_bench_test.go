//go:build unix

package devices_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/database"
	"cityhub/devices"
)

// BenchmarkImport registers 50,000 devices, each with a new station of five
// datastreams, after as many others: as files of devices are imported, 250 rows
// at once and with little garbage permitted.
func BenchmarkImport(b *testing.B) {
	const rows = 50_000
	ctx := access.WithPrincipal(b.Context(), access.SystemPrincipal())
	defer debug.SetGCPercent(debug.SetGCPercent(15))
	for b.Loop() {
		b.StopTimer()
		db, err := database.Open(b.Context(), database.Options{SQLitePath: filepath.Join(b.TempDir(), "registry.db")})
		if err != nil {
			b.Fatal(err)
		}
		r := openBig(b, db.Store())
		importRange(ctx, b, r, 0, rows)
		b.StartTimer()
		began, used := time.Now(), processor(b)
		importRange(ctx, b, r, rows, 2*rows)
		b.ReportMetric(rows/time.Since(began).Seconds(), "rows/s")
		b.ReportMetric(float64((processor(b)-used).Microseconds())/rows, "cpu-µs/row")
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func openBig(b *testing.B, store devices.Store) *devices.Registry {
	b.Helper()
	r, err := devices.Open(b.Context(), store, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	big := devices.Sensor{Code: "big"}
	for i := range 5 {
		code := fmt.Sprintf("p%d", i)
		big.Channels = append(big.Channels, devices.Channel{Key: code, Property: code, Unit: "µg/m³", Hi: 1000})
	}
	if _, _, err := r.PutSensor(b.Context(), big); err != nil {
		b.Fatal(err)
	}
	return r
}

func importRange(ctx context.Context, b *testing.B, r *devices.Registry, from, to int) {
	b.Helper()
	const together = 250
	for ; from < to; from += together {
		rows := make([]devices.Row, 0, together)
		for i := from; i < from+together; i++ {
			rows = append(rows, devices.Row{Device: fmt.Sprintf("device-%06d", i), Serial: fmt.Sprintf("SN%06d", i),
				DevEUI: fmt.Sprintf("%016X", i), Model: "big", Station: fmt.Sprintf("station-%06d", i), StationName: fmt.Sprintf("Trạm đo số %d", i),
				Lon: fmt.Sprintf("%.5f", 105.3+float64(i%1000)/1000), Lat: fmt.Sprintf("%.5f", 20.6+float64(i/1000)/200)})
		}
		for _, out := range r.ImportBatch(ctx, rows, false) {
			if out.Result != devices.Created {
				b.Fatal(out.Result, out.Err)
			}
		}
	}
}

// processor is what this process has used.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
