package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"
)

// learn finds out, before anything moves, what the stores hold. As long as
// the archive does not answer, the latest values come from the spool alone.
func (f *Forwarder) learn(ctx context.Context) error {
	ahead, cancel := context.WithCancel(ctx)
	var foretelling sync.WaitGroup
	foretelling.Go(func() { f.foretell(ahead) })
	err := errors.Join(f.mark(ctx), f.recall(ctx))
	cancel()
	foretelling.Wait()
	f.o.Backlog.Rewind()
	return err
}

// foretell tells the latest values of what waits in the spool. It gives up
// at a fault: the reader meets that, too, and does not give up.
func (f *Forwarder) foretell(ctx context.Context) {
	for left := f.left; left > 0; {
		kept, err := f.o.Backlog.Next(ctx)
		if err != nil {
			return
		}
		if lines, _, err := readRecord(kept.Data); err == nil {
			f.tell(lines)
		}
		left -= int64(kept.Readings)
	}
}

// recall learns from the archive what it holds last.
func (f *Forwarder) recall(ctx context.Context) error {
	return f.insist(ctx, "read the latest values", func() error {
		since := int64(0)
		if f.o.Retention > 0 {
			since = f.o.Now().Add(-f.o.Retention).UnixNano()
		}
		newest := map[int64]int64{}
		err := f.o.Archive.Latest(ctx, since, func(l *Line) error {
			newest[l.Group] = max(newest[l.Group], l.Time)
			f.tell([]Line{f.placed(l)})
			return nil
		})
		f.seen.newest = newest
		return err
	})
}

// tell passes on what was there before this start.
func (f *Forwarder) tell(lines []Line) {
	f.o.Latest.Tell(lines)
	if f.o.Places != nil {
		f.o.Places.Tell(lines)
	}
}

// placed gives a line of the archive with the slots of its fields, without
// those that belong to no datastream any more.
func (f *Forwarder) placed(l *Line) Line {
	line := *l
	line.Fields = make([]Field, 0, len(l.Fields))
	for _, field := range l.Fields {
		if slot, known := f.o.Slot(l.Group, field.Property); known {
			field.Slot = slot
			line.Fields = append(line.Fields, field)
		}
	}
	return line
}

// mark learns up to which hour roll-ups are done; the first start begins with
// the present hour.
func (f *Forwarder) mark(ctx context.Context) error {
	return f.insist(ctx, "read the roll-up journal", func() error {
		mark, err := f.o.Journal.Watermark(ctx, 0)
		if err == nil && mark == 0 {
			mark, err = f.o.Journal.Watermark(ctx, floorTo(f.o.Now().UnixNano(), int64(time.Hour)))
		}
		f.rolledUpTo(mark)
		return err
	})
}

// rolledUpTo notes from which hour on a window is clean; it never goes back.
func (f *Forwarder) rolledUpTo(mark int64) {
	for old := f.rolled.Load(); mark > old && !f.rolled.CompareAndSwap(old, mark); {
		old = f.rolled.Load()
	}
}
