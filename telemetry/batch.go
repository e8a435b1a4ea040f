package telemetry

import (
	"context"

	"cityhub/devices"
)

// batch is one group commit in the making. Its memory is used again for the
// next one.
type batch struct {
	resolving resolving
	ids       idLease

	lines    []Line
	items    []Quarantined
	receipts []Receipt
	seen     []sighting
	record   []byte
	received map[string]int64
	rejected map[Reason]int64
	unknown  int
}

// sighting is what an accepted measurement tells of its device.
type sighting struct {
	device   int64
	seq      int64
	received int64
	quality  Quality
	radio    Radio
}

// fill resolves the submissions anew; it may be called again for the same
// ones after a failed write.
func (b *batch) fill(ctx context.Context, submissions []submission, now int64) error {
	b.lines, b.items, b.receipts, b.seen = b.lines[:0], b.items[:0], b.receipts[:0], b.seen[:0]
	b.resolving.fields = b.resolving.fields[:0]
	b.received, b.rejected, b.unknown = map[string]int64{}, map[Reason]int64{}, 0
	for i := range submissions {
		if err := b.take(ctx, &submissions[i].arrival, now); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) take(ctx context.Context, a *Arrival, now int64) error {
	if a.Refusal != nil {
		b.received[a.Route]++
		b.refuse(a, "", a.Refusal)
		b.receipts = append(b.receipts, Receipt{Refusals: []*Refusal{a.Refusal}})
		return nil
	}
	b.received[a.Route] += int64(len(a.Measurements))
	receipt := Receipt{}
	for i := range a.Measurements {
		m := &a.Measurements[i]
		refusal, err := b.measurement(ctx, a, m, now)
		if err != nil {
			return err
		}
		if refusal != nil {
			b.refuse(a, m.Device, refusal)
			if receipt.Refusals == nil {
				receipt.Refusals = make([]*Refusal, len(a.Measurements))
			}
			receipt.Refusals[i] = refusal
		}
	}
	b.receipts = append(b.receipts, receipt)
	return nil
}

func (b *batch) measurement(ctx context.Context, a *Arrival, m *Measurement, now int64) (*Refusal, error) {
	line, target, unknown, refusal := b.resolving.line(m, a.Received)
	if refusal != nil {
		return refusal, nil
	}
	id, err := b.ids.take(ctx, line.Time, slots(target.Model), now)
	if err != nil {
		return nil, err
	}
	line.ID = id
	b.unknown += unknown
	b.lines = append(b.lines, line)
	b.seen = append(b.seen, sighting{target.DeviceID, m.Seq, line.Received, line.Quality, m.Radio})
	return nil, nil
}

// slots is how many ids a message of a model takes.
func slots(m *devices.Model) int {
	n := 1
	for i := range m.Sensor.Channels {
		n = max(n, m.Sensor.Channels[i].Slot+1)
	}
	return n
}

// refuse quarantines, or leaves it to the sender who is told.
func (b *batch) refuse(a *Arrival, device string, r *Refusal) {
	if a.Answerable {
		b.rejected[r.Reason]++
		return
	}
	b.items = append(b.items, Quarantined{Received: a.Received, Route: a.Route, Topic: a.Topic,
		Sender: a.Sender, Device: device, Payload: a.Payload, Reason: r.Reason, Detail: r.Detail})
}

// count adds the kept batch to the counters.
func (b *batch) count(c *Counters) {
	c.Accepted.Add(int64(len(b.lines)))
	c.UnknownKeys.Add(int64(b.unknown))
	for route, n := range b.received {
		add(c, c.received, route, n)
	}
	for reason, n := range b.rejected {
		add(c, c.rejected, reason, n)
	}
	for i := range b.items {
		add(c, c.quarantined, b.items[i].Reason, 1)
	}
}
