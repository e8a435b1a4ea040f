package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cityhub/database"
	"cityhub/devices"
	"cityhub/telemetry"
	"cityhub/telemetry/spool"
	"cityhub/telemetry/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// way is the whole way of a reading on real parts, without edges.
type way struct {
	t         *testing.T
	dir       string
	now       time.Time
	database  *database.Database
	registry  *devices.Registry
	archive   telemetry.Archive
	spool     *spool.Spool
	counters  *telemetry.Counters
	latest    *telemetry.Latest
	sequences *telemetry.Sequences
	pipeline  *telemetry.Pipeline
	forwarder *telemetry.Forwarder
	history   *telemetry.History
	roller    *telemetry.Roller
	stop      func()
}

// source reads the spool for the forwarder.
type source struct {
	spool *spool.Spool
	at    spool.Position
}

func (s *source) Next(ctx context.Context) (telemetry.Kept, error) {
	r, err := s.spool.Next(ctx, s.at)
	s.at = r.Position
	return telemetry.Kept{Data: r.Data, Readings: r.Readings, Delivered: func() error { return s.spool.Advance(r.Position) }}, err
}

// flaky is an archive that can be made to refuse.
type flaky struct {
	telemetry.Archive
	mu     sync.Mutex
	refuse func(lines []telemetry.Line) error
}

func (f *flaky) Write(ctx context.Context, b telemetry.Bucket, lines []telemetry.Line) error {
	f.mu.Lock()
	refuse := f.refuse
	f.mu.Unlock()
	if refuse != nil && b == telemetry.Raw {
		if err := refuse(lines); err != nil {
			return err
		}
	}
	return f.Archive.Write(ctx, b, lines)
}

func (f *flaky) set(refuse func([]telemetry.Line) error) {
	f.mu.Lock()
	f.refuse = refuse
	f.mu.Unlock()
}

func openWay(t *testing.T, dir string, wrap func(telemetry.Archive) telemetry.Archive) *way {
	t.Helper()
	w := &way{t: t, dir: dir, now: time.Date(2026, 3, 3, 10, 30, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.database, err = database.Open(t.Context(), database.Options{SQLitePath: filepath.Join(dir, "registry.db")})
	must(err)
	w.registry, err = devices.Open(t.Context(), w.database.Store(), clock)
	must(err)
	kept, err := sqlite.Open(t.Context(), sqlite.Options{Dir: filepath.Join(dir, "archive"), Now: clock})
	must(err)
	w.archive = kept
	if wrap != nil {
		w.archive = wrap(kept)
	}
	w.spool, err = spool.Open(spool.Options{Dir: filepath.Join(dir, "spool")})
	must(err)
	w.counters, w.latest, w.sequences = telemetry.NewCounters(), telemetry.NewLatest(), telemetry.NewSequences()
	w.counters.Recovered(w.spool.Stats().Readings)
	w.wire(clock)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = w.pipeline.Run(ctx) })
	running.Go(func() {
		if err := w.forwarder.Run(ctx); err != nil {
			t.Errorf("forwarder: %v", err)
		}
	})
	w.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		must(errors.Join(w.spool.Close(), kept.Close(), w.database.Close()))
	})
	t.Cleanup(w.stop)
	return w
}

func (w *way) wire(clock func() time.Time) {
	log := slog.New(slog.DiscardHandler)
	w.pipeline = telemetry.NewPipeline(telemetry.PipelineOptions{Registry: w.registry, Latest: w.latest, Sequences: w.sequences,
		Health: telemetry.NewHealth(), Spool: w.spool, IDs: w.database.IDBlocks(), Counters: w.counters, Now: clock, Log: log})
	w.forwarder = telemetry.NewForwarder(telemetry.ForwarderOptions{Backlog: &source{spool: w.spool, at: w.spool.Start()},
		Archive: w.archive, Quarantine: w.database.Quarantine(), Journal: w.database.RollUpJournal(), Latest: w.latest,
		Counters: w.counters, Linger: time.Millisecond, Now: clock, Log: log})
	w.history = &telemetry.History{Archive: w.archive, Journal: w.database.RollUpJournal(), IDs: w.database.IDBlocks(), Zone: hanoi}
	w.roller = telemetry.NewRoller(telemetry.RollerOptions{Archive: w.archive, Journal: w.database.RollUpJournal(),
		Forwarder: w.forwarder, Zone: hanoi, Now: clock, Log: log})
}

var hanoi = time.FixedZone("Asia/Ho_Chi_Minh", 7*3600)

// register sets up devices a, b, … of a model with a range and a text channel.
func (w *way) register(names ...string) {
	w.t.Helper()
	_, _, err := w.registry.PutSensor(w.t.Context(), devices.Sensor{Code: "air", Channels: []devices.Channel{
		{Key: "pm25", Property: "pm25", Lo: 0, Hi: 1000}, {Key: "state", Property: "state", Kind: devices.Text, Lo: math.Inf(-1), Hi: math.Inf(1)},
		{Key: "level", Property: "level", Lo: math.Inf(-1), Hi: math.Inf(1), StuckAfter: time.Hour}}})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range names {
		row := devices.Row{Device: name, Model: "air", Station: "st-" + name, From: "2025-07-01T00:00:00Z"}
		if _, err := w.registry.ImportRow(w.t.Context(), row); err != nil {
			w.t.Fatal(err)
		}
	}
}

func reading(device string, at time.Time, seq int64, key string, v telemetry.Value) telemetry.Measurement {
	return telemetry.Measurement{Device: device, Time: at, Seq: seq, Values: []telemetry.KeyedValue{{Key: key, Value: v}}}
}

// send submits measurements as one message and waits for the receipt.
func (w *way) send(measurements ...telemetry.Measurement) telemetry.Receipt {
	w.t.Helper()
	got := make(chan telemetry.Receipt, 1)
	w.pipeline.Submit(telemetry.Arrival{Route: "test", Topic: "t", Payload: []byte("x"), Received: w.now, Measurements: measurements},
		func(r telemetry.Receipt) { got <- r })
	return <-got
}

// drained waits until the spool is empty, and checks that the counters add up.
func (w *way) drained() telemetry.Totals {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		t := w.counters.Totals()
		in := telemetry.Sum(t.Received) - t.Accepted - telemetry.Sum(t.Quarantined) - telemetry.Sum(t.Rejected)
		out := t.Accepted - t.Stored - t.Duplicates - telemetry.Sum(t.QuarantinedLate) - telemetry.Sum(t.Dropped)
		if in == 0 && out == 0 && w.spool.Stats().Records == 0 {
			return t
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the counters do not add up: in %d, out %d, %+v, spool %+v", in, out, t, w.spool.Stats())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (w *way) observations(device, property string) []telemetry.Observation {
	w.t.Helper()
	list, err := w.history.Observations(w.t.Context(), w.stream(device, property), w.now.Add(-48*time.Hour), w.now.Add(time.Hour), 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func (w *way) stream(device, property string) devices.Datastream {
	w.t.Helper()
	target, err := w.registry.Resolve(device, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := w.registry.Datastreams.List(w.t.Context(), devices.Page{Limit: 99, Match: map[string]any{"group_id": target.Series.ID}})
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(d devices.Datastream) bool { return d.Property == property })
	return list[i]
}

func (w *way) quarantined() map[telemetry.Reason]int64 {
	w.t.Helper()
	counts, err := w.database.Quarantine().Count(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return counts
}

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
	w.now = start.Add(26 * time.Hour)
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
