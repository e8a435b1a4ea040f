package telemetry_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"cityhub/devices"
	"cityhub/telemetry"
)

func TestAReadingArrivesIsKeptAndCanBeAskedFor(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	if r := w.send(reading("a", w.now, 1, "pm25", telemetry.NumberOf(12.5))); r.Err != nil || r.Refusals != nil {
		t.Fatalf("receipt %+v", r)
	}
	if v, ok := w.latest.At("pm25", w.stream("a", "pm25").Group); !ok || v.Value.Num != 12.5 {
		t.Errorf("latest %+v, %v", v, ok)
	}
	w.drained()
	list := w.observations("a", "pm25")
	if len(list) != 1 || list[0].Value.Num != 12.5 || !list[0].Time.Equal(w.now) || list[0].Quality != 0 {
		t.Fatalf("observations %+v", list)
	}
	line, err := w.history.Line(t.Context(), list[0].ID)
	if err != nil || line.Time != w.now.UnixNano() {
		t.Errorf("by id: %+v, %v", line, err)
	}
	if _, err := w.history.Line(t.Context(), 1<<52); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("an id never given: %v", err)
	}
}

func TestRefusalsHaveTheirOwnReasons(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	one := telemetry.NumberOf(1)
	cases := map[telemetry.Reason]telemetry.Measurement{
		telemetry.NotRegistered: reading("nobody", w.now, -1, "pm25", one),
		telemetry.WrongClock:    reading("a", time.Unix(3600, 0), -1, "pm25", one),
		telemetry.NoChannel:     reading("a", w.now, -1, "colour", one),
		telemetry.WrongType:     reading("a", w.now, -1, "pm25", telemetry.TextOf("12")),
		telemetry.NotANumber:    reading("a", w.now, -1, "pm25", telemetry.NumberOf(math.NaN())),
		telemetry.NotDeployed:   reading("late", w.now.Add(-2*time.Hour), -1, "pm25", one),
	}
	if _, err := w.registry.ImportRow(t.Context(), devices.Row{Device: "late", Model: "air", Station: "x", From: w.now.Add(-time.Hour).Format(time.RFC3339)}); err != nil {
		t.Fatal(err)
	}
	for reason, m := range cases {
		if r := w.send(m); r.Err != nil || len(r.Refusals) != 1 || r.Refusals[0].Reason != reason {
			t.Errorf("%s: receipt %+v", reason, r)
		}
	}
	w.drained()
	counts := w.quarantined()
	for reason := range cases {
		if counts[reason] != 1 {
			t.Errorf("%s stands in quarantine %d times", reason, counts[reason])
		}
	}
}

func TestSecondsInPlaceOfMillisecondsAreNamed(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	r := w.send(reading("a", time.UnixMilli(w.now.Unix()), -1, "pm25", telemetry.NumberOf(1)))
	if r.Err != nil || len(r.Refusals) != 1 || r.Refusals[0].Reason != telemetry.WrongClock || !strings.Contains(r.Refusals[0].Detail, "send milliseconds") {
		t.Errorf("receipt %+v", r)
	}
}

func TestWhatComesLateMakesNothingElseOfItsInstantLate(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	at := w.now
	m := reading("a", at, 1, "pm25", telemetry.NumberOf(5))
	m.Values = append(m.Values, telemetry.KeyedValue{Key: "level", Value: telemetry.NumberOf(1)})
	w.send(m)
	w.drained()
	w.set(at.Add(time.Hour))
	w.send(reading("a", at, 2, "level", telemetry.NumberOf(2)))
	w.send(reading("a", at, 3, "state", telemetry.TextOf("open")))
	w.drained()
	for property, want := range map[string]telemetry.Quality{"pm25": 0, "level": telemetry.Corrected | telemetry.Late, "state": telemetry.Late} {
		if list := w.observations("a", property); len(list) != 1 || list[0].Quality != want {
			t.Errorf("%s: %+v, want quality %d", property, list, want)
		}
	}
}

func TestTheSameAgainIsADuplicateAndOtherwiseACorrection(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	at := w.now.Add(-time.Minute)
	w.send(reading("a", at, 1, "pm25", telemetry.NumberOf(5)))
	w.send(reading("a", w.now, 2, "pm25", telemetry.NumberOf(6)))
	w.drained()
	first := w.observations("a", "pm25")
	w.send(reading("a", at, 1, "pm25", telemetry.NumberOf(5)))
	if totals := w.drained(); totals.Duplicates != 1 {
		t.Errorf("duplicates %d; want 1", totals.Duplicates)
	}
	w.send(reading("a", at, 1, "pm25", telemetry.NumberOf(7)), reading("a", at, 1, "state", telemetry.TextOf("open")))
	w.drained()
	list := w.observations("a", "pm25")
	if len(list) != 2 || list[0].Value.Num != 7 || list[0].Quality != telemetry.Corrected || list[0].ID != first[0].ID {
		t.Errorf("after the correction: %+v; first was %+v", list, first[0])
	}
	if states := w.observations("a", "state"); len(states) != 1 || states[0].Quality != 0 {
		t.Errorf("another property of the instant: %+v", states)
	}
}

func TestLateDataIsFlaggedAndDoesNotMoveTheLatest(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	w.send(reading("a", w.now, 1, "pm25", telemetry.NumberOf(1)))
	w.send(reading("a", w.now.Add(-3*time.Hour), 2, "pm25", telemetry.NumberOf(2000)))
	w.drained()
	list := w.observations("a", "pm25")
	if len(list) != 2 || list[0].Quality != telemetry.Late|telemetry.OutOfRange || !list[0].Received.Equal(w.now) {
		t.Errorf("%+v", list)
	}
	if v, _ := w.latest.At("pm25", w.stream("a", "pm25").Group); v.Value.Num != 1 {
		t.Errorf("latest became %v", v.Value.Num)
	}
}

func TestAnUnchangedValueBecomesStuck(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	for minutes := -120; minutes <= 0; minutes += 30 {
		w.send(reading("a", w.now.Add(time.Duration(minutes)*time.Minute), -1, "level", telemetry.NumberOf(3)))
	}
	w.drained()
	var stuck []bool
	for _, o := range w.observations("a", "level") {
		stuck = append(stuck, o.Quality&telemetry.Stuck != 0)
	}
	if want := []bool{false, false, false, true, true}; !slices.Equal(stuck, want) {
		t.Errorf("stuck flags %v; want %v", stuck, want)
	}
}

func TestARestartForgetsNothing(t *testing.T) {
	dir := t.TempDir()
	refusing := &flaky{}
	refusing.set(func([]telemetry.Line) error { return &telemetry.ArchiveError{Retryable: true, Err: errors.New("away")} })
	w := openWay(t, dir, func(a telemetry.Archive) telemetry.Archive { refusing.Archive = a; return refusing })
	w.register("a")
	for i := range 100 {
		w.send(reading("a", w.now.Add(time.Duration(i)*time.Millisecond), int64(i), "pm25", telemetry.NumberOf(float64(i))))
	}
	if v, _ := w.latest.At("pm25", w.stream("a", "pm25").Group); v.Value.Num != 99 {
		t.Errorf("latest %v while the archive is away; want 99", v.Value.Num)
	}
	w.stop()

	w = openWay(t, dir, nil)
	totals := w.drained()
	if totals.Received["recovered"] != 100 || totals.Stored != 100 {
		t.Errorf("recovered %d, stored %d; want 100, 100", totals.Received["recovered"], totals.Stored)
	}
	if list := w.observations("a", "pm25"); len(list) != 100 {
		t.Errorf("%d observations; want 100", len(list))
	}
	for i := range 100 { // the broker sends everything again
		w.send(reading("a", w.now.Add(time.Duration(i)*time.Millisecond), int64(i), "pm25", telemetry.NumberOf(float64(i))))
	}
	if totals := w.drained(); totals.Duplicates != 100 {
		t.Errorf("duplicates %d; want 100", totals.Duplicates)
	}
}

func TestPoisonIsIsolatedAndTheRestIsStored(t *testing.T) {
	poison := &flaky{}
	poison.set(func(lines []telemetry.Line) error {
		for _, l := range lines {
			if l.Fields[0].Value.Num == 13 {
				return &telemetry.ArchiveError{Err: errors.New("unlucky")}
			}
		}
		return nil
	})
	w := openWay(t, t.TempDir(), func(a telemetry.Archive) telemetry.Archive { poison.Archive = a; return poison })
	w.register("a")
	var batch []telemetry.Measurement
	for i := range 500 {
		v := float64(20 + i)
		if i%10 == 0 {
			v = 13
		}
		batch = append(batch, reading("a", w.now.Add(time.Duration(i)*time.Millisecond), -1, "pm25", telemetry.NumberOf(v)))
	}
	w.send(batch...)
	totals := w.drained()
	if totals.Stored != 450 || totals.QuarantinedLate[telemetry.NotArchivable] != 50 || w.quarantined()[telemetry.NotArchivable] != 50 {
		t.Errorf("%+v, quarantine %v", totals, w.quarantined())
	}
}

func TestRollUpsFollowLateData(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a", "b")
	start := w.now
	step := func() {
		t.Helper()
		if err := w.roller.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(step telemetry.Step) string {
		t.Helper()
		list, err := w.history.Aggregates(t.Context(), w.stream("a", "pm25"), step, start.Add(-time.Hour), start.Add(30*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, x := range list {
			text += fmt.Sprintf("%s n=%d mean=%g min=%g max=%g;", x.From.In(hanoi).Format("02T15"), x.Count, x.Mean(), x.Min, x.Max)
		}
		return text
	}
	w.drained()
	step()
	for i, v := range []float64{1, 2, 3, 9999} { // the last is out of range
		w.send(reading("a", start.Add(time.Duration(i)*time.Minute), int64(i), "pm25", telemetry.NumberOf(v)))
	}
	w.send(reading("b", start, 0, "pm25", telemetry.NumberOf(100)))
	w.drained()
	live := ask(telemetry.PerHour)
	w.set(start.Add(26 * time.Hour))
	step()
	rolled := ask(telemetry.PerHour)
	if want := "03T17 n=3 mean=2 min=1 max=3;"; rolled != want || live != want {
		t.Errorf("live %q, rolled up %q; want %q", live, rolled, want)
	}
	w.send(reading("a", start.Add(10*time.Minute), 9, "pm25", telemetry.NumberOf(6)))
	w.drained()
	step()
	if got, want := ask(telemetry.PerHour), "03T17 n=4 mean=3 min=1 max=6;"; got != want {
		t.Errorf("after a late reading %q; want %q", got, want)
	}
	if got, want := ask(telemetry.PerDay), "03T00 n=4 mean=3 min=1 max=6;"; got != want {
		t.Errorf("the day %q; want %q", got, want)
	}
	if got, want := ask(telemetry.PerMonth), "01T00 n=4 mean=3 min=1 max=6;"; got != want {
		t.Errorf("the month %q; want %q", got, want)
	}
}
