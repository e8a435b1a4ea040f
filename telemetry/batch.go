package telemetry

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cityhub/devices"
)

// batch is one group commit in the making. Its memory is used again for the
// next one.
type batch struct {
	resolving resolving
	ids       idLease

	lines    []Line
	items    []Quarantined
	alike    []int // by item: how many refusals it stands for
	receipts []Receipt
	seen     []sighting
	turned   []turnedAway
	record   []byte
	unknown  int

	received              map[string]int64
	rejected, quarantined map[Reason]int64
}

// sighting is what an accepted measurement tells of its device.
type sighting struct {
	device   int64
	seq      int64
	time     int64
	received int64
	quality  Quality
	radio    Radio
}

// turnedAway is a refusal of something that names its device.
type turnedAway struct {
	device  string
	at      time.Time
	refusal *Refusal
}

// fill resolves the submissions anew; it may be called again for the same
// ones after a failed write.
func (b *batch) fill(ctx context.Context, submissions []submission, now int64) error {
	b.lines, b.items, b.alike, b.receipts, b.seen = b.lines[:0], b.items[:0], b.alike[:0], b.receipts[:0], b.seen[:0]
	clear(b.turned)
	b.turned = b.turned[:0]
	b.resolving.fields = b.resolving.fields[:0]
	b.ids.rewind()
	b.received, b.rejected, b.quarantined, b.unknown = map[string]int64{}, map[Reason]int64{}, map[Reason]int64{}, 0
	for i := range submissions {
		if err := b.take(ctx, &submissions[i].arrival, now); err != nil {
			return err
		}
	}
	b.sum()
	return nil
}

func (b *batch) take(ctx context.Context, a *Arrival, now int64) error {
	first := len(b.items)
	if a.Refusal != nil {
		b.received[a.Route]++
		b.refuse(a, first, a.Device, a.Refusal)
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
			b.refuse(a, first, m.Device, refusal)
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
	b.lines = append(roomy(b.lines), line)
	b.seen = append(roomy(b.seen), sighting{target.DeviceID, m.Seq, line.Time, line.Received, line.Quality, m.Radio})
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

// refuse quarantines, or leaves it to the sender who is told. A message is
// kept once for each reason, however many of its instants are refused: items
// from first on are of the same one.
func (b *batch) refuse(a *Arrival, first int, device string, r *Refusal) {
	b.turn(turnedAway{device, a.Received, r})
	if a.Answerable {
		b.rejected[r.Reason]++
		return
	}
	b.quarantined[r.Reason]++
	for i := first; i < len(b.items); i++ {
		if b.items[i].Reason == r.Reason {
			b.alike[i]++
			return
		}
	}
	payload, cut := head(a.Payload, keptPayload)
	b.alike = append(b.alike, 1)
	detail := r.Detail
	if !b.oneOwner(a, device) {
		device, detail = "", fmt.Sprintf("of %s, in a message with others' readings: %s", clip(device, 200), detail)
	}
	b.items = append(b.items, Quarantined{Received: a.Received, Route: a.Route, Topic: a.Topic,
		Sender: a.Sender, Device: clip(device, 200), Payload: payload, Reason: r.Reason, Detail: clip(detail, maxDetail) + cut})
}

// oneOwner says whether whoever has a device may see the whole of a message
// that names it, and send it again. What a gateway put together of several
// owners' readings is kept under no device, and so is the city's.
func (b *batch) oneOwner(a *Arrival, device string) bool {
	owner, known := b.resolving.registry.Named(device)
	for i := range a.Measurements {
		if a.Measurements[i].Device == device {
			continue
		}
		other, too := b.resolving.registry.Named(a.Measurements[i].Device)
		if !known || !too || owner.OrganisationID != other.OrganisationID {
			return false
		}
	}
	return true
}

// turn remembers what is turned away, one after another of the same kind once.
func (b *batch) turn(t turnedAway) {
	if t.device == "" {
		return
	}
	if n := len(b.turned); n > 0 && b.turned[n-1].device == t.device && b.turned[n-1].refusal.Reason == t.refusal.Reason {
		n--
		b.turned = b.turned[:n]
	}
	b.turned = append(b.turned, t)
}

// sum tells with every item how many refusals it stands for.
func (b *batch) sum() {
	for i, n := range b.alike {
		if n > 1 {
			b.items[i].Detail += fmt.Sprintf(" (and %d more of this message)", n-1)
		}
	}
}

// maxDetail is of a refusal's words, in bytes.
const maxDetail = 1_000

// clip bounds what a sender's own words may take in a text about them.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
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
	for reason, n := range b.quarantined {
		add(c, c.quarantined, reason, n)
	}
}
