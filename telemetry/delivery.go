package telemetry

import "context"

// together is how many batches are under way to their stores at a time: while
// an archive keeps one, it has the next to read.
const together = 2

// turn tells how the delivery before went: a later batch may be stored before
// an earlier one, but the spool forgets in order.
type turn chan bool

// over is a turn that has ended.
func over(well bool) turn {
	t := make(turn, 1)
	t <- well
	return t
}

// wait tells how it ended. One waits for a turn, and leaves it as it was.
func (t turn) wait() (well bool) {
	well = <-t
	t <- well
	return well
}

// delivery is a batch whose lines are sorted out.
type delivery struct {
	batch      *outbound
	fresh      []Line
	duplicates int
	recovered  bool // an earlier run may have stored these, and told nobody
	before     turn
	turn       turn // its own
}

// prepare reads a batch and sorts out what the archive has already. Where it has
// to ask, and as long as the archive is away, it waits until the batch before is
// stored: what is asked for is there then, and memory is bounded.
func (f *Forwarder) prepare(ctx context.Context, b *outbound, before turn) (*delivery, error) {
	if !f.up.Load() {
		before.wait()
	}
	f.open(b)
	b.lines = f.withinRetention(b.lines)
	d := &delivery{batch: b, before: before, turn: make(turn, 1), recovered: f.left > 0}
	f.left -= min(f.left, int64(len(b.lines))+b.unread)
	suspects, inOrder := f.seen.suspects(b.lines)
	if !inOrder {
		before.wait()
	}
	d.fresh = b.lines
	if !inOrder {
		err := f.insist(ctx, "look up earlier readings", func() (err error) {
			d.fresh, d.duplicates, err = f.seen.sort(ctx, b.lines, suspects)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	f.seen.keep()
	return d, nil
}

// deliver brings a batch to its stores and lets the spool forget it, once all
// before it is there as well. It fails only when the context ends.
func (f *Forwarder) deliver(ctx context.Context, d *delivery) {
	well := f.bring(ctx, d) == nil
	if well = d.before.wait() && well; well {
		f.advance(d.batch.last())
		f.reuse(d.batch)
	}
	d.turn <- well
}

func (f *Forwarder) bring(ctx context.Context, d *delivery) error {
	if err := f.store(ctx, d); err != nil {
		return err
	}
	if err := f.isolate(ctx, d.batch.items); err != nil {
		return err
	}
	add(f.o.Counters, f.o.Counters.quarantinedLate, NotArchivable, d.batch.unread)
	return nil
}

// advance lets the spool forget. What it cannot note now it notes with the
// next batch; until then a restart would deliver again, which is harmless.
func (f *Forwarder) advance(last Kept) {
	err := last.Delivered()
	if err != nil && !f.stuck {
		f.o.Log.Error("the spool keeps what is delivered", "error", err)
	}
	f.stuck = err != nil
}

// store archives a batch's fresh lines.
func (f *Forwarder) store(ctx context.Context, d *delivery) error {
	lines := d.batch.lines
	if len(lines) == 0 {
		return nil
	}
	refused, err := f.write(ctx, d.fresh)
	if err != nil {
		return err
	}
	touched := d.fresh
	if d.recovered { // a run that was killed may have written these, and not noted it
		touched = lines
		f.o.Latest.Tell(lines)
	}
	if err := f.markDirty(ctx, touched); err != nil {
		return err
	}
	if err := f.isolate(ctx, refused); err != nil {
		return err
	}
	f.o.Counters.Duplicates.Add(int64(d.duplicates))
	f.o.Counters.Stored.Add(int64(len(lines) - d.duplicates - len(refused)))
	add(f.o.Counters, f.o.Counters.quarantinedLate, NotArchivable, int64(len(refused)))
	return nil
}
