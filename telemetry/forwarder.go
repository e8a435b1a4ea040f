package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Kept is one record of the spool on its way out.
type Kept struct {
	Data      []byte
	Readings  int
	Delivered func() error // everything up to and including this record is in its store
}

// Backlog gives the spool's records in order, each once. Next waits for one.
type Backlog interface {
	Next(ctx context.Context) (Kept, error)
}

// ForwarderOptions says what a forwarder works with.
type ForwarderOptions struct {
	Backlog    Backlog
	Archive    Archive
	Quarantine Quarantine
	Journal    RollUpJournal
	Latest     *Latest
	Counters   *Counters
	Retention  time.Duration // of the raw bucket; 0: for ever
	BatchLines int           // 5,000 when 0
	Linger     time.Duration // how long a small batch waits for company; 100 ms when 0
	Now        func() time.Time
	Log        *slog.Logger
}

// Forwarder moves what the spool keeps into the archive and the quarantine,
// and advances only when both have it.
type Forwarder struct {
	o      ForwarderOptions
	seen   known
	rolled atomic.Int64 // readings of hours before this one make a window dirty
	up     atomic.Bool
	tries  atomic.Int64
	fault  atomic.Pointer[string]
	timing func(time.Duration) // of every archive write; may be nil
}

// NewForwarder makes a forwarder; nothing moves before Run.
func NewForwarder(o ForwarderOptions) *Forwarder {
	if o.BatchLines == 0 {
		o.BatchLines = 5_000
	}
	if o.Linger == 0 {
		o.Linger = 100 * time.Millisecond
	}
	f := &Forwarder{o: o, seen: known{archive: o.Archive}}
	return f
}

// maxRecords bounds a batch of records that hold few lines.
const maxRecords = 512

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
	if err := errors.Join(f.mark(ctx), f.recall(ctx)); err != nil {
		return stopped(ctx, err)
	}
	records := make(chan Kept, 16)
	failed := make(chan error, 1)
	go func() {
		defer close(records)
		failed <- f.read(ctx, records)
	}()
	for first := range records {
		if err := f.deliver(ctx, f.gather(ctx, first, records)); err != nil {
			for range records { // the reader stops with the context; let it end
				continue
			}
			<-failed
			return stopped(ctx, err)
		}
	}
	return stopped(ctx, <-failed)
}

// stopped turns the end that the caller asked for into no error.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (f *Forwarder) read(ctx context.Context, records chan<- Kept) error {
	for {
		kept, err := f.o.Backlog.Next(ctx)
		if err != nil {
			return err
		}
		select {
		case records <- kept:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// gather joins records into one batch for the archive.
func (f *Forwarder) gather(ctx context.Context, first Kept, records <-chan Kept) []Kept {
	batch, readings := []Kept{first}, first.Readings
	timer := time.NewTimer(f.o.Linger)
	defer timer.Stop()
	for readings < f.o.BatchLines && len(batch) < maxRecords {
		select {
		case next, ok := <-records:
			if !ok {
				return batch
			}
			batch, readings = append(batch, next), readings+next.Readings
		case <-timer.C:
			return batch
		case <-ctx.Done():
			return batch
		}
	}
	return batch
}

// deliver brings a batch to its stores and lets the spool forget it.
func (f *Forwarder) deliver(ctx context.Context, batch []Kept) error {
	var lines []Line
	var items []Quarantined
	for _, kept := range batch {
		l, q, err := readRecord(kept.Data)
		if err != nil { // the spool's checksum held, so this is a newer program's record
			add(f.o.Counters, f.o.Counters.dropped, "unreadable record", int64(kept.Readings))
			f.o.Log.Error("a spool record cannot be read and is passed over", "readings", kept.Readings, "error", err)
			continue
		}
		lines, items = append(lines, l...), append(items, q...)
	}
	if err := f.store(ctx, lines); err != nil {
		return err
	}
	if err := f.isolate(ctx, items); err != nil {
		return err
	}
	return batch[len(batch)-1].Delivered()
}

// store archives lines, sorting out what is there already.
func (f *Forwarder) store(ctx context.Context, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	var fresh []Line
	var duplicates int
	err := f.insist(ctx, "look up earlier readings", func() (err error) {
		fresh, duplicates, err = f.seen.sort(ctx, lines)
		return err
	})
	if err != nil {
		return err
	}
	refused, err := f.write(ctx, fresh)
	if err != nil {
		return err
	}
	if err := f.markDirty(ctx, fresh); err != nil {
		return err
	}
	if err := f.isolate(ctx, refused); err != nil {
		return err
	}
	f.o.Counters.Duplicates.Add(int64(duplicates))
	f.o.Counters.Stored.Add(int64(len(lines) - duplicates - len(refused)))
	add(f.o.Counters, f.o.Counters.quarantinedLate, NotArchivable, int64(len(refused)))
	f.seen.keep(lines)
	return nil
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
			f.o.Log.Warn("the quarantine is full: the oldest messages were dropped", "messages", dropped)
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

// recall learns from the archive what it holds last, before anything moves.
func (f *Forwarder) recall(ctx context.Context) error {
	return f.insist(ctx, "read the latest values", func() error {
		since := int64(0)
		if f.o.Retention > 0 {
			since = f.o.Now().Add(-f.o.Retention).UnixNano()
		}
		newest := map[int64]int64{}
		err := f.o.Archive.Latest(ctx, since, func(l *Line) error {
			newest[l.Group] = max(newest[l.Group], l.Time)
			f.o.Latest.Tell([]Line{*l})
			return nil
		})
		f.seen.newest = newest
		return err
	})
}

// mark learns up to which hour roll-ups are done; the first start begins with
// the present hour.
func (f *Forwarder) mark(ctx context.Context) error {
	return f.insist(ctx, "read the roll-up journal", func() error {
		mark, err := f.o.Journal.Watermark(ctx, 0)
		if err == nil && mark == 0 {
			mark, err = f.o.Journal.Watermark(ctx, floorTo(f.o.Now().UnixNano(), int64(time.Hour)))
		}
		f.rolled.Store(max(f.rolled.Load(), mark))
		return err
	})
}

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
			pause = archive.After
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		wait = min(2*wait, 5*time.Second)
	}
}
