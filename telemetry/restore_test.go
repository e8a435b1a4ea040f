package telemetry_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cityhub/telemetry"
	"cityhub/telemetry/spool"
)

func (w *way) items() []telemetry.Quarantined {
	w.t.Helper()
	items, err := w.database.Quarantine().List(w.t.Context(), telemetry.QuarantineFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	return items
}

func TestWhatTheArchiveRefusedIsRestoredAsItWas(t *testing.T) {
	archive := &flaky{}
	archive.set(func([]telemetry.Line) error {
		return &telemetry.ArchiveError{Err: errors.New("a field of another type")}
	})
	w := openWay(t, t.TempDir(), archive.around)
	w.register("a")
	m := reading("a", w.now.Add(-time.Hour), 1, "pm25", telemetry.NumberOf(5000)) // late, and out of range
	m.Values = append(m.Values, telemetry.KeyedValue{Key: "state", Value: telemetry.TextOf("open")})
	w.send(m)
	if totals := w.drained(); totals.QuarantinedLate[telemetry.NotArchivable] != 1 {
		t.Fatalf("%+v", totals)
	}
	refused := w.items()
	taken, err := w.pipeline.Restore(t.Context(), refused)
	if err != nil || !slices.Equal(taken, []int64{refused[0].ID}) {
		t.Fatalf("%v, %v", taken, err)
	}
	if totals := w.drained(); totals.QuarantinedLate[telemetry.NotArchivable] != 2 || len(w.items()) != 2 {
		t.Errorf("refused again: %+v", totals)
	}

	archive.set(nil)
	if _, err := w.pipeline.Restore(t.Context(), append(refused, telemetry.Quarantined{ID: 99, Payload: []byte(`{"group":1}`)})); err != nil {
		t.Fatal(err)
	}
	if totals := w.drained(); totals.Received["replay"] != 2 || totals.Stored != 1 {
		t.Errorf("%+v", totals)
	}
	got := w.observations("a", "pm25")
	if len(got) != 1 || got[0].Value.Num != 5000 || got[0].ID == 0 || got[0].Quality != telemetry.Late|telemetry.OutOfRange {
		t.Errorf("%+v", got)
	}
	if got := w.observations("a", "state"); len(got) != 1 || got[0].Value.Text != "open" {
		t.Errorf("%+v", got)
	}
}

// A record of a newer program goes its way once that program runs.
func TestARecordThatCanBeReadAgainIsRestored(t *testing.T) {
	dir := t.TempDir()
	w := openWay(t, dir, away().around)
	w.register("a")
	w.send(reading("a", w.now, 1, "pm25", telemetry.NumberOf(5)))
	w.stop()
	left, err := spool.Open(spool.Options{Dir: filepath.Join(dir, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	record, err := left.Next(t.Context(), left.Start())
	if err := errors.Join(err, left.Close()); err != nil {
		t.Fatal(err)
	}

	w = openWay(t, t.TempDir(), nil)
	taken, err := w.pipeline.Restore(t.Context(), []telemetry.Quarantined{{ID: 3, Payload: record.Data}, {ID: 4, Payload: []byte{99, 1}}})
	if err != nil || !slices.Equal(taken, []int64{3}) {
		t.Fatalf("%v, %v", taken, err)
	}
	if totals := w.drained(); totals.Stored != 1 {
		t.Errorf("%+v", totals)
	}
}
