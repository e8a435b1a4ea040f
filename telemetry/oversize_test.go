package telemetry_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"cityhub/telemetry"
)

// A broker may hand over what no record can hold; it would send it again, and
// before all others, for as long as it is not acknowledged.
func TestAMessageThatTheSpoolCanNeverTakeDoesNotStopTheIntake(t *testing.T) {
	now := time.Date(2026, 3, 3, 10, 30, 0, 0, time.UTC)
	refusal := &telemetry.Refusal{Reason: telemetry.TooLarge, Detail: "payload of many bytes"}
	noise := make([]byte, 70<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails, and does not compress
	for name, c := range map[string]struct {
		bound int64 // of the spool
		size  int
		kept  int
	}{
		"70 MiB":                  {0, 70 << 20, 1 << 20},
		"more than a small spool": {96 << 10, 300 << 10, 4 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := openWayOn(t, bounds{spool: c.bound}, dir, now, nil)
			w.register("a")
			r := w.submit(telemetry.Arrival{Route: "test", Topic: "t", Payload: noise[:c.size], Received: now, Refusal: refusal})
			if r.Err != nil || len(r.Refusals) != 1 || r.Refusals[0].Reason != telemetry.TooLarge {
				t.Errorf("receipt %+v", r)
			}
			w.send(reading("a", now, 1, "pm25", telemetry.NumberOf(5)))
			if totals := w.drained(); totals.Stored != 1 || totals.Quarantined[telemetry.TooLarge] != 1 {
				t.Errorf("%+v", totals)
			}
			items, err := w.database.Quarantine().List(t.Context(), telemetry.QuarantineFilter{})
			if err != nil || len(items) != 1 || !bytes.Equal(items[0].Payload, noise[:c.kept]) {
				t.Fatalf("%d items, %v", len(items), err)
			}
			if want := fmt.Sprintf("the first %d of %d bytes", c.kept, c.size); !strings.Contains(items[0].Detail, want) {
				t.Errorf("%q does not say %q", items[0].Detail, want)
			}
		})
	}
}

func TestReadingsThatTheSpoolCanNeverTakeAreRefused(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 3, 3, 10, 30, 0, 0, time.UTC)
	w := openWayOn(t, bounds{spool: 16 << 10}, dir, now, nil)
	w.register("a")
	list := make([]telemetry.Measurement, 2_000)
	for i := range list {
		list[i] = reading("a", now.Add(-time.Duration(i*i)*time.Millisecond), -1, "pm25", telemetry.NumberOf(float64(i*i)/7))
	}
	r := w.submit(telemetry.Arrival{Route: "test", Topic: "t", Payload: []byte("packed"), Received: now, Measurements: list})
	if r.Err != nil || len(r.Refusals) != len(list) || r.Refusals[1_999] == nil || r.Refusals[1_999].Reason != telemetry.TooLarge {
		t.Fatalf("%v, %d refusals", r.Err, len(r.Refusals))
	}
	if totals := w.drained(); totals.Accepted != 0 || totals.Quarantined[telemetry.TooLarge] != 1 {
		t.Errorf("%+v", totals)
	}
}
