package bridge

import (
	"context"

	"cityhub/telemetry"
)

// scriptQueue is how many messages may wait for their model's JavaScript
// before those behind them wait too.
const scriptQueue = 1024

// job is a message whose bytes only its model's JavaScript can read.
type job struct {
	message message
	work    work
}

// feed decodes and submits what the connections take up, until the queue is
// closed and empty.
func (b *Bridge) feed() {
	defer close(b.scripts)
	var batch []message
	w := new(work) // of one message after another: each by itself would be its largest piece of memory
	for {
		batch = b.queue.take(batch)
		if len(batch) == 0 {
			return
		}
		for i := range batch {
			b.handle(batch[i], w)
			batch[i] = message{}
		}
	}
}

func (b *Bridge) handle(m message, w *work) {
	if m.entry.Over() {
		return // the broker sends it again on the next connection
	}
	*w = b.decoder.open(m.topic, m.body, "", m.received)
	if b.o.Limit != nil && !b.o.Limit.Admit(&w.arrival) {
		b.submit(m, w.arrival)
		return
	}
	b.decoder.decode(w)
	if len(w.uplinks) > 0 {
		b.scripts <- job{m, *w}
		return
	}
	b.submit(m, w.arrival)
}

// runScripts runs JavaScript for the messages that need it. Its context never
// ends: a codec has a limit of its own, and one that is cut short would be
// taken for a bad one.
func (b *Bridge) runScripts() {
	for j := range b.scripts {
		if j.message.entry.Over() {
			continue
		}
		if err := b.decoder.finish(context.Background(), &j.work); err != nil {
			j.message.entry.Settle(err)
			continue
		}
		b.submit(j.message, j.work.arrival)
	}
}

func (b *Bridge) submit(m message, a telemetry.Arrival) {
	if Ignored(a) {
		if b.o.Signs != nil {
			b.o.Signs.Note(a.Device, telemetry.Sign{Kind: telemetry.Heard, At: a.Received})
		}
		b.metrics.ignored.WithLabelValues(a.Route).Inc()
		m.entry.Settle(nil)
		return
	}
	entry := m.entry // and not the whole message, for each that waits
	b.o.Intake.Submit(a, func(r telemetry.Receipt) { entry.Settle(r.Err) })
}
