package telemetry_test

import (
	"errors"
	"testing"
	"time"

	"cityhub/telemetry"
)

// away makes an archive that takes nothing.
func away() *flaky {
	f := &flaky{}
	f.set(func([]telemetry.Line) error { return &telemetry.ArchiveError{Retryable: true, Err: errors.New("away")} })
	return f
}

func (f *flaky) around(a telemetry.Archive) telemetry.Archive { f.Archive = a; return f }

// await waits for a condition.
func (w *way) await(what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatal("not in time: " + what)
		}
	}
}

func TestTheLatestOutlivesARestartThoughTheArchiveIsAway(t *testing.T) {
	dir := t.TempDir()
	w := openWay(t, dir, away().around)
	w.register("a")
	w.send(reading("a", w.now, 1, "pm25", telemetry.NumberOf(5)))
	w.send(reading("a", w.now, 1, "pm25", telemetry.NumberOf(6))) // a correction
	w.stop()

	gone := away()
	gone.unreadable.Store(true)
	w = openWay(t, dir, gone.around)
	w.await("the latest value from the spool", func() bool {
		v, ok := w.latest.At("pm25", w.stream("a", "pm25").Group)
		return ok && v.Value.Num == 6
	})
	w.send(reading("a", w.now.Add(time.Second), 2, "pm25", telemetry.NumberOf(7)))
	w.await("a newer one", func() bool { v, _ := w.latest.At("pm25", w.stream("a", "pm25").Group); return v.Value.Num == 7 })
	gone.unreadable.Store(false)
	gone.set(nil)
	if totals := w.drained(); totals.Received["recovered"] != 2 || totals.Stored != 3 {
		t.Errorf("%+v", totals)
	}
	if v, _ := w.latest.At("pm25", w.stream("a", "pm25").Group); v.Value.Num != 7 {
		t.Errorf("the latest became %v again", v.Value.Num)
	}
	w.stop()

	w = openWay(t, dir, away().around) // the archive can be read, not written
	w.await("the latest value from the archive", func() bool { v, _ := w.latest.At("pm25", w.stream("a", "pm25").Group); return v.Value.Num == 7 })
}

func TestTheLatestLearnsOfTheSpoolAfterARestart(t *testing.T) {
	dir := t.TempDir()
	w := openWay(t, dir, away().around)
	w.register("a")
	w.send(reading("a", w.now, 1, "pm25", telemetry.NumberOf(5)))
	w.stop()
	w = openWay(t, dir, nil)
	w.drained()
	if v, ok := w.latest.At("pm25", w.stream("a", "pm25").Group); !ok || v.Value.Num != 5 {
		t.Errorf("latest %+v, %v", v, ok)
	}
}

func TestTheLatestTakesACorrectionButNotWhatItReplaced(t *testing.T) {
	l := telemetry.NewLatest()
	line := func(id int64, v float64) []telemetry.Line {
		return []telemetry.Line{{Group: 1, Time: 9, ID: id, Fields: []telemetry.Field{{Property: "pm25", Value: telemetry.NumberOf(v)}}}}
	}
	for _, step := range []struct {
		id      int64
		v, want float64
	}{{5, 1, 1}, {8, 2, 2}, {5, 1, 2}, {8, 2, 2}} {
		l.Tell(line(step.id, step.v))
		if v, _ := l.At("pm25", 1); v.Value.Num != step.want {
			t.Errorf("after %+v it is %v", step, v.Value.Num)
		}
	}
}

func TestADiskThatCannotBeReadForAWhileEndsNothing(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	w.drained()
	w.backlog.fail(3, 2)
	for i := range 5 {
		w.send(reading("a", w.now.Add(time.Duration(i)*time.Second), -1, "pm25", telemetry.NumberOf(float64(i))))
	}
	if totals := w.drained(); totals.Stored != 5 {
		t.Errorf("%+v", totals)
	}
}

func TestARecordOfANewerProgramIsKeptWhole(t *testing.T) {
	dir := t.TempDir()
	w := openWay(t, dir, away().around)
	if err := w.spool.Append(t.Context(), []byte{99, 1, 2, 3}, 7); err != nil {
		t.Fatal(err)
	}
	w.stop()
	w = openWay(t, dir, nil)
	if totals := w.drained(); totals.QuarantinedLate[telemetry.NotArchivable] != 7 {
		t.Errorf("%+v", totals)
	}
	items, err := w.database.Quarantine().List(t.Context(), telemetry.QuarantineFilter{})
	if err != nil || len(items) != 1 || len(items[0].Payload) != 4 {
		t.Errorf("%+v, %v", items, err)
	}
}

// A kill between the write to the archive and the note in the journal.
func TestRollUpsFollowWhatAKillInterrupted(t *testing.T) {
	dir := t.TempDir()
	w := openWay(t, dir, nil)
	w.register("a")
	w.drained()
	w.set(w.now.Add(5 * time.Hour))
	if err := w.roller.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stop()

	torn := away()
	w = openWay(t, dir, func(a telemetry.Archive) telemetry.Archive {
		torn.Archive = a
		torn.set(func(lines []telemetry.Line) error { // the lines arrive; the answer does not
			return errors.Join(a.Write(t.Context(), telemetry.Raw, lines), &telemetry.ArchiveError{Retryable: true, Err: errors.New("killed")})
		})
		return torn
	})
	w.set(w.now.Add(5 * time.Hour))
	late := w.now.Add(-4 * time.Hour)
	w.send(reading("a", late, 1, "pm25", telemetry.NumberOf(3)))
	w.await("the reading in the archive", func() bool { return len(w.observations("a", "pm25")) == 1 })
	w.stop()

	w = openWay(t, dir, nil)
	w.set(w.now.Add(5 * time.Hour))
	w.drained()
	if err := w.roller.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := w.history.Aggregates(t.Context(), w.stream("a", "pm25"), telemetry.PerHour, late.Add(-time.Hour), late.Add(time.Hour))
	if err != nil || len(list) != 1 || list[0].Count != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestWhatOutlivesItsRetentionInTheSpoolIsCounted(t *testing.T) {
	dir := t.TempDir()
	w := openWay(t, dir, away().around)
	w.register("a")
	w.send(reading("a", w.now, 1, "pm25", telemetry.NumberOf(5)))
	w.send(reading("a", w.now.Add(time.Minute), 2, "pm25", telemetry.NumberOf(6)))
	start := w.now
	w.stop()

	w = openWayAt(t, dir, start.Add(retention+30*time.Second), nil)
	if totals := w.drained(); totals.Dropped["past_retention"] != 1 || totals.Stored != 1 {
		t.Errorf("%+v", totals)
	}
}

// The archive does not keep slots; a value that came with slot 0 would be told
// of the group's first datastream, with that one's unit and publication.
func TestTheLatestFromTheArchiveIsOfItsOwnDatastream(t *testing.T) {
	dir := t.TempDir()
	w := openWay(t, dir, nil)
	w.register("a")
	w.send(reading("a", w.now, 1, "level", telemetry.NumberOf(3)))
	w.drained()
	w.stop()
	w = openWay(t, dir, nil)
	stream := w.stream("a", "level")
	w.await("the latest value from the archive", func() bool { _, ok := w.latest.At("level", stream.Group); return ok })
	if v, _ := w.latest.At("level", stream.Group); v.Slot != stream.Slot || stream.Slot == 0 {
		t.Errorf("slot %d, want %d", v.Slot, stream.Slot)
	}
}
