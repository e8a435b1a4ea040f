package telemetry_test

import (
	"fmt"
	"testing"
	"time"

	"cityhub/telemetry"
)

func (w *way) roll() {
	w.t.Helper()
	if err := w.roller.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// windows tells an aggregate over the three days around now.
func (w *way) windows(step telemetry.Step) string {
	w.t.Helper()
	list, err := w.history.Aggregates(w.t.Context(), w.stream("a", "pm25"), step, w.now.Add(-48*time.Hour), w.now.Add(24*time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	text := ""
	for _, x := range list {
		text += fmt.Sprintf("%s n=%d sum=%g;", x.From.In(hanoi).Format("02T15"), x.Count, x.Sum)
	}
	return text
}

func TestAWindowBecomesEmptyWhereItsReadingsGo(t *testing.T) {
	for name, empty := range map[string]func(w *way, at time.Time){
		"corrected out of range": func(w *way, at time.Time) {
			w.send(reading("a", at, 2, "pm25", telemetry.NumberOf(5000)))
			w.drained()
		},
		"deleted": func(w *way, at time.Time) {
			group := w.stream("a", "pm25").Group
			if err := w.archive.Delete(t.Context(), telemetry.Raw, group, at.UnixNano(), at.UnixNano()+1); err != nil {
				t.Fatal(err)
			}
			hour := at.Truncate(time.Hour).UnixNano()
			if err := w.database.RollUpJournal().MarkDirty(t.Context(), []telemetry.DirtyWindow{{Group: group, Hour: hour}}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := openWay(t, t.TempDir(), nil)
			w.register("a")
			w.drained()
			w.roll()
			at := w.now
			w.send(reading("a", at, 1, "pm25", telemetry.NumberOf(5)))
			w.drained()
			w.set(w.now.Add(26 * time.Hour))
			w.roll()
			if got, want := w.windows(telemetry.PerHour)+w.windows(telemetry.PerDay), "03T17 n=1 sum=5;03T00 n=1 sum=5;"; got != want {
				t.Fatalf("rolled up %q; want %q", got, want)
			}
			empty(w, at)
			w.roll()
			if got := w.windows(telemetry.PerHour) + w.windows(telemetry.PerDay); got != "" {
				t.Errorf("still %q", got)
			}
		})
	}
}

// More groups than one write of roll-ups holds.
func TestManyGroupsAreRolledUp(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	w.drained()
	w.roll()
	const groups = 4_500
	lines := make([]telemetry.Line, groups)
	for i := range lines {
		lines[i] = telemetry.Line{Group: int64(i + 1), Time: w.now.UnixNano(), Received: w.now.UnixNano(), ID: int64(i + 1),
			Fields: []telemetry.Field{{Property: "pm25", Value: telemetry.NumberOf(float64(i))}}}
	}
	if err := w.archive.Write(t.Context(), telemetry.Raw, lines); err != nil {
		t.Fatal(err)
	}
	w.set(w.now.Add(26 * time.Hour))
	w.roll()
	for _, bucket := range []telemetry.Bucket{telemetry.Hourly, telemetry.Daily} {
		n := 0
		err := w.archive.Read(t.Context(), telemetry.Query{Bucket: bucket, From: 0, To: w.now.UnixNano()},
			func(*telemetry.Line) error { n++; return nil })
		if err != nil || n != groups {
			t.Errorf("%s: %d lines, %v; want %d", bucket, n, err, groups)
		}
	}
}
