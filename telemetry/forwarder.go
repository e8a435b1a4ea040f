package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Kept is one record of the spool on its way out.
type Kept struct {
	Data      []byte
	Readings  int
	Delivered func() error // everything up to and including this record is in its store
}

// Backlog gives the spool's records in order, each once. Next waits for one;
// its errors may pass. Rewind goes back to the first that is not delivered.
type Backlog interface {
	Next(ctx context.Context) (Kept, error)
	Rewind()
}

// ForwarderOptions says what a forwarder works with.
type ForwarderOptions struct {
	Backlog    Backlog
	Recovered  int64 // readings that an earlier run left in the backlog
	Archive    Archive
	Quarantine Quarantine
	Journal    RollUpJournal
	Latest     *Latest
	Slot       func(group int64, property string) (slot int, known bool) // which the archive does not keep
	Places     *Whereabouts                                              // learns where mobile things were; may be nil
	Counters   *Counters
	Retention  time.Duration // of the raw bucket; 0: for ever
	BatchLines int           // 20,000 when 0: a larger batch has fewer series a line, and costs InfluxDB less
	Linger     time.Duration // how long a small batch waits for company; 200 ms when 0
	Now        func() time.Time
	Log        *slog.Logger
}

// Forwarder moves what the spool keeps into the archive and the quarantine,
// and advances only when both have it.
type Forwarder struct {
	o      ForwarderOptions
	seen   known
	left   int64        // of Recovered: these may be in the archive already, and nobody was told of them
	stuck  bool         // the spool does not take that something is delivered
	rolled atomic.Int64 // readings of hours before this one make a window dirty
	up     atomic.Bool
	tries  atomic.Int64
	fault  atomic.Pointer[string]
	timing func(time.Duration) // of every archive write; may be nil
	bodies sync.Pool           // of *outbound, used again
}

// NewForwarder makes a forwarder; nothing moves before Run.
func NewForwarder(o ForwarderOptions) *Forwarder {
	if o.BatchLines == 0 {
		o.BatchLines = 20_000
	}
	if o.Linger == 0 {
		o.Linger = 200 * time.Millisecond
	}
	f := &Forwarder{o: o, left: o.Recovered, seen: known{archive: o.Archive}}
	f.bodies.New = func() any { return new(outbound) }
	return f
}

// ArchiveState tells how the archive fares.
type ArchiveState struct {
	Up      bool
	Fault   string // the last error while it is not up
	Retries int64
}

// State tells how the archive fares.
func (f *Forwarder) State() ArchiveState {
	s := ArchiveState{Up: f.up.Load(), Retries: f.tries.Load()}
	if fault := f.fault.Load(); fault != nil && !s.Up {
		s.Fault = *fault
	}
	return s
}

// ObserveWrites has every archive write's duration reported; before Run only.
func (f *Forwarder) ObserveWrites(observe func(time.Duration)) { f.timing = observe }

// Run forwards until the context ends.
func (f *Forwarder) Run(ctx context.Context) error {
	if err := f.learn(ctx); err != nil {
		return stopped(ctx, err)
	}
	batches := make(chan *outbound)
	var loader, under sync.WaitGroup
	loader.Go(func() {
		defer close(batches)
		f.load(ctx, batches)
	})
	defer loader.Wait()
	defer under.Wait()
	before := over(true)
	slots := make(chan struct{}, together)
	for b := range batches {
		slots <- struct{}{} // before it is read: what waits takes less
		d, err := f.prepare(ctx, b, before)
		if err != nil {
			return stopped(ctx, err)
		}
		before = d.turn
		under.Go(func() {
			f.deliver(ctx, d)
			<-slots
		})
	}
	return nil
}

// stopped turns the end that the caller asked for into no error.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// withinRetention leaves out what has outlived its retention in the spool, so
// that the spool is bounded in age as well: the archive would refuse it, or
// delete it again. What goes is counted and logged.
func (f *Forwarder) withinRetention(lines []Line) []Line {
	if f.o.Retention == 0 {
		return lines
	}
	oldest := f.o.Now().Add(-f.o.Retention).UnixNano()
	kept := slices.DeleteFunc(lines, func(l Line) bool { return l.Time < oldest })
	if n := len(lines) - len(kept); n > 0 {
		f.o.Counters.Drop(PastRetention, int64(n))
		f.o.Log.Warn("readings outlived their retention in the spool", "readings", n, "retention", f.o.Retention)
	}
	return kept
}

// write archives lines; what the archive refuses for good comes back.
func (f *Forwarder) write(ctx context.Context, lines []Line) (refused []Quarantined, err error) {
	if len(lines) == 0 {
		return nil, nil
	}
	var last error
	err = f.insist(ctx, "write", func() error {
		last = f.timed(ctx, lines)
		var archive *ArchiveError
		if errors.As(last, &archive) && !archive.Retryable {
			return nil
		}
		return last
	})
	if err != nil || last == nil {
		return nil, err
	}
	if len(lines) == 1 {
		return []Quarantined{refusedLine(&lines[0], last, f.o.Now())}, nil
	}
	half := len(lines) / 2 // the archive does not say which line, and may have kept some: halve until it is alone
	left, err := f.write(ctx, lines[:half])
	if err != nil {
		return nil, err
	}
	right, err := f.write(ctx, lines[half:])
	return append(left, right...), err
}

func (f *Forwarder) timed(ctx context.Context, lines []Line) error {
	start := time.Now()
	err := f.o.Archive.Write(ctx, Raw, lines)
	if f.timing != nil {
		f.timing(time.Since(start))
	}
	return err
}

func (f *Forwarder) isolate(ctx context.Context, items []Quarantined) error {
	if len(items) == 0 {
		return nil
	}
	return f.insist(ctx, "quarantine", func() error {
		dropped, err := f.o.Quarantine.Add(ctx, items)
		if dropped > 0 {
			f.o.Counters.QuarantineDropped.Add(int64(dropped))
			f.o.Log.Warn("the quarantine is full: the oldest messages of the devices that fill it most were dropped", "messages", dropped)
		}
		return err
	})
}

func (f *Forwarder) markDirty(ctx context.Context, lines []Line) error {
	before := f.rolled.Load()
	var windows []DirtyWindow
	had := map[DirtyWindow]bool{}
	for i := range lines {
		w := DirtyWindow{lines[i].Group, floorTo(lines[i].Time, int64(time.Hour))}
		if w.Hour < before && !had[w] {
			had[w] = true
			windows = append(windows, w)
		}
	}
	if len(windows) == 0 {
		return nil
	}
	return f.insist(ctx, "note late readings", func() error { return f.o.Journal.MarkDirty(ctx, windows) })
}

// maxAfter is how long the archive may have the forwarder wait: a Retry-After
// may come from a proxy with a clock of its own, and the archive be up sooner.
const maxAfter = time.Minute

// insist tries until it succeeds or the context ends, backing off with
// jitter, and keeps the archive's state for whoever asks.
func (f *Forwarder) insist(ctx context.Context, what string, try func() error) error {
	wait := 100 * time.Millisecond
	for {
		err := try()
		if err == nil {
			if !f.up.Swap(true) {
				f.o.Log.Info("the archive is up")
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		text := err.Error()
		f.fault.Store(&text)
		f.tries.Add(1)
		if f.up.Swap(false) || f.tries.Load() == 1 {
			f.o.Log.Error("the stores do not take readings; the spool keeps them", "while", what, "error", err)
		}
		pause := wait/2 + rand.N(wait)
		var archive *ArchiveError
		if errors.As(err, &archive) && archive.After > pause {
			pause = min(archive.After, maxAfter)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		wait = min(2*wait, 5*time.Second)
	}
}
