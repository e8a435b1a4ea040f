package telemetry_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
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
	now       time.Time    // what the parts take for the present; set changes it
	clock     atomic.Int64 // the same, for their goroutines
	database  *database.Database
	registry  *devices.Registry
	archive   telemetry.Archive
	spool     *spool.Spool
	backlog   *source
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

	mu            sync.Mutex
	reads, writes int // so many fail, as on a bad disk
}

func (s *source) fail(reads, writes int) {
	s.mu.Lock()
	s.reads, s.writes = reads, writes
	s.mu.Unlock()
}

func (s *source) fault(left *int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *left == 0 {
		return nil
	}
	*left--
	return syscall.EIO
}

func (s *source) Next(ctx context.Context) (telemetry.Kept, error) {
	r, err := s.spool.Next(ctx, s.at)
	if err == nil {
		err = s.fault(&s.reads)
	}
	if err != nil {
		return telemetry.Kept{}, err
	}
	s.at = r.Position
	return telemetry.Kept{Data: r.Data, Readings: r.Readings, Delivered: func() error {
		return errors.Join(s.fault(&s.writes), s.spool.Advance(r.Position))
	}}, nil
}

func (s *source) Rewind() { s.at = s.spool.Start() }

// flaky is an archive that can be made to refuse.
type flaky struct {
	telemetry.Archive
	unreadable atomic.Bool
	mu         sync.Mutex
	refuse     func(lines []telemetry.Line) error
}

func (f *flaky) Latest(ctx context.Context, since int64, each func(*telemetry.Line) error) error {
	if f.unreadable.Load() {
		return &telemetry.ArchiveError{Retryable: true, Err: errors.New("away")}
	}
	return f.Archive.Latest(ctx, since, each)
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
	return openWayAt(t, dir, time.Date(2026, 3, 3, 10, 30, 0, 0, time.UTC), wrap)
}

const retention = 365 * 24 * time.Hour

func openWayAt(t *testing.T, dir string, now time.Time, wrap func(telemetry.Archive) telemetry.Archive) *way {
	t.Helper()
	return openWayOn(t, bounds{}, dir, now, wrap)
}

// bounds are of what keeps readings; zero members bound nothing.
type bounds struct {
	spool      int64
	quarantine int64
}

func openWayOn(t *testing.T, most bounds, dir string, now time.Time, wrap func(telemetry.Archive) telemetry.Archive) *way {
	t.Helper()
	w := &way{t: t, dir: dir, now: now}
	w.set(now)
	clock := func() time.Time { return time.Unix(0, w.clock.Load()).UTC() }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.database, err = database.Open(t.Context(), database.Options{SQLitePath: filepath.Join(dir, "registry.db"), QuarantineMax: database.QuarantineMax{Messages: most.quarantine}})
	must(err)
	w.registry, err = devices.Open(t.Context(), w.database.Store(), clock)
	must(err)
	kept, err := sqlite.Open(t.Context(), sqlite.Options{Dir: filepath.Join(dir, "archive"), Now: clock})
	must(err)
	w.archive = kept
	if wrap != nil {
		w.archive = wrap(kept)
	}
	w.spool, err = spool.Open(spool.Options{Dir: filepath.Join(dir, "spool"), MaxBytes: most.spool})
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
	places := telemetry.NewWhereabouts(w.registry, w.latest, 0)
	w.pipeline = telemetry.NewPipeline(telemetry.PipelineOptions{Registry: w.registry, Latest: w.latest, Places: places, Sequences: w.sequences,
		Health: telemetry.NewHealth(), Spool: w.spool, IDs: w.database.IDBlocks(), Counters: w.counters, Now: clock, Log: log})
	w.backlog = &source{spool: w.spool, at: w.spool.Start()}
	w.forwarder = telemetry.NewForwarder(telemetry.ForwarderOptions{Backlog: w.backlog, Recovered: w.spool.Stats().Readings,
		Archive: w.archive, Quarantine: w.database.Quarantine(), Journal: w.database.RollUpJournal(), Slot: w.registry.SlotOf, Latest: w.latest, Places: places,
		Counters: w.counters, Retention: retention, Linger: time.Millisecond, Now: clock, Log: log})
	w.history = &telemetry.History{Archive: w.archive, Journal: w.database.RollUpJournal(), IDs: w.database.IDBlocks(), Zone: hanoi}
	w.roller = telemetry.NewRoller(telemetry.RollerOptions{Archive: w.archive, Journal: w.database.RollUpJournal(),
		Forwarder: w.forwarder, Zone: hanoi, Now: clock, Log: log})
}

var hanoi = time.FixedZone("Asia/Ho_Chi_Minh", 7*3600)

// set moves the clock.
func (w *way) set(now time.Time) {
	w.now = now
	w.clock.Store(now.UnixNano())
}

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
	counts, err := w.database.Quarantine().Count(w.t.Context(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return counts
}
