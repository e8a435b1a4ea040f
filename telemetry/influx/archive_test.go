package influx

import (
	"fmt"
	"sync/atomic"
	"testing"

	"cityhub/telemetry"
	"cityhub/telemetry/archivetest"
	"cityhub/testbed"
)

// opener gives archives with buckets of their own on one server.
func opener(t testing.TB) func(t testing.TB) *Archive {
	server := testbed.InfluxDB(t)
	var count atomic.Int64
	return func(t testing.TB) *Archive {
		t.Helper()
		a, err := Open(t.Context(), Options{URL: server.URL, Org: server.Org, Token: server.Token,
			Bucket: fmt.Sprintf("city%d", count.Add(1))})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
		return a
	}
}

func TestArchive(t *testing.T) {
	open := opener(t)
	archivetest.Run(t, func(t *testing.T) telemetry.Archive { return open(t) })
}

// The same with spans of time so short that every read of some size is cut,
// and with compressed writes.
func TestArchiveInSmallSteps(t *testing.T) {
	open := opener(t)
	archivetest.Run(t, func(t *testing.T) telemetry.Archive {
		a := open(t)
		a.cells, a.gzip = 110, true
		return a
	})
}
