package telemetry

import (
	"context"
	"slices"
	"sync"
	"time"
)

// outbound is a batch on its way from the spool to its stores. While it waits,
// its records are as the spool has them, which is a fifth of what they take
// when they are read.
type outbound struct {
	records  []Kept
	readings int
	bytes    int

	lines  []Line // once it is read
	items  []Quarantined
	unread int64 // readings in records that nobody can read
	room   room  // of the lines' fields
}

// These bound a batch of records that hold few lines, and of large ones.
const (
	maxRecords = 512
	maxBytes   = 8 << 20
)

// full says that a batch takes no more. While the archive is away it is so
// early: what waits in memory is on the disk, too.
func (f *Forwarder) full(b *outbound) bool {
	most := f.o.BatchLines
	if !f.up.Load() {
		most = min(most, worthwhile)
	}
	return b.readings >= most || len(b.records) >= maxRecords || b.bytes >= maxBytes
}

// load makes batches until the context ends, one ahead of the one that is
// being delivered.
func (f *Forwarder) load(ctx context.Context, batches chan<- *outbound) {
	records := make(chan Kept, 4)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(records)
		f.read(ctx, records)
	})
	defer reader.Wait()
	for first := range records {
		b := f.bodies.Get().(*outbound)
		b.put(first)
		if !f.fill(ctx, b, records, batches) {
			return
		}
	}
}

// A batch of so many lines costs the archive little more a line than a full
// one: it goes as soon as nothing more has come for a moment.
const (
	worthwhile = 2000
	moment     = 20 * time.Millisecond
)

// fill joins records into a batch and hands it over once it is full or
// worthwhile, or has lingered: from then on it grows only as long as nobody
// takes it.
func (f *Forwarder) fill(ctx context.Context, b *outbound, records <-chan Kept, batches chan<- *outbound) bool {
	linger, dry := time.NewTimer(f.o.Linger), time.NewTimer(f.o.Linger)
	defer linger.Stop()
	defer dry.Stop()
	var ready chan<- *outbound
	for {
		more := records
		if f.full(b) {
			more, ready = nil, batches
		}
		select {
		case next, ok := <-more:
			if !ok {
				return false
			}
			b.put(next)
			if b.readings >= worthwhile {
				dry.Reset(moment)
			}
		case <-linger.C:
			ready = batches
		case <-dry.C:
			ready = batches
		case ready <- b:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// put takes one more record.
func (b *outbound) put(kept Kept) {
	b.records = append(b.records, kept)
	b.readings, b.bytes = b.readings+kept.Readings, b.bytes+len(kept.Data)
}

// open reads the batch's records.
func (f *Forwarder) open(b *outbound) {
	b.lines = slices.Grow(b.lines, b.readings)
	for i := range b.records {
		kept := &b.records[i]
		lines, items, err := readInto(b.lines, &b.room, kept.Data)
		if err != nil { // the spool's checksum held, so this is a newer program's record
			b.unread += int64(kept.Readings)
			f.o.Log.Error("a spool record cannot be read and goes to quarantine", "readings", kept.Readings, "error", err)
			lines, items = b.lines, []Quarantined{unreadable(*kept, err, f.o.Now())}
		}
		b.lines, b.items = lines, append(b.items, items...)
		kept.Data = nil
	}
}

// last is the record with which all of the batch is delivered.
func (b *outbound) last() Kept { return b.records[len(b.records)-1] }

// reuse keeps a delivered batch's memory, without what its lines hold on to.
func (f *Forwarder) reuse(b *outbound) {
	clear(b.lines)
	clear(b.records)
	b.room.reuse()
	*b = outbound{records: b.records[:0], lines: b.lines[:0], room: b.room}
	f.bodies.Put(b)
}

// read reads ahead until the context ends; a disk's fault may pass, and the
// spool itself knows when to take it for damage.
func (f *Forwarder) read(ctx context.Context, records chan<- Kept) {
	for faulty := false; ctx.Err() == nil; {
		kept, err := f.o.Backlog.Next(ctx)
		if err == nil {
			faulty = false
			select {
			case records <- kept:
			case <-ctx.Done():
			}
			continue
		}
		if !faulty && ctx.Err() == nil {
			f.o.Log.Error("the spool cannot be read; trying on", "error", err)
		}
		faulty = true
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}
