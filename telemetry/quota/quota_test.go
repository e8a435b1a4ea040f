package quota

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cityhub/devices"
	"cityhub/telemetry"
)

// known are the registered devices; each has a DevEUI, too.
type known map[string]int64

func (k known) Named(device string) (devices.Identity, bool) {
	code := strings.TrimPrefix(device, "eui-")
	id, ok := k[code]
	return devices.Identity{DeviceID: id, Code: code}, ok
}

// next notes what gets through the gate.
type next struct {
	got []telemetry.Arrival
	err error
}

func (n *next) Submit(a telemetry.Arrival, done func(telemetry.Receipt)) {
	n.got = append(n.got, a)
	r := telemetry.Receipt{Err: n.err}
	if a.Refusal != nil {
		r.Refusals = []*telemetry.Refusal{a.Refusal}
	}
	done(r)
}

// count gives accepted measurements, quarantined and rejected messages.
func (n *next) count() (accepted, quarantined, rejected int) {
	for _, a := range n.got {
		switch {
		case a.Refusal == nil:
			accepted += len(a.Measurements)
		case a.Answerable:
			rejected++
		default:
			quarantined++
		}
	}
	return accepted, quarantined, rejected
}

type bench struct {
	at   time.Time
	next next
	*Gate
}

func newBench(l Limits) *bench {
	b := &bench{at: time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)}
	m := NewMeter(l, known{"a": 1, "b": 2}, func() time.Time { return b.at })
	b.Gate = NewGate(m, &b.next, slog.New(slog.NewTextHandler(io.Discard, nil)))
	return b
}

// send submits one message with a measurement for each device.
func (b *bench) send(t *testing.T, keys []string, size int, names ...string) telemetry.Receipt {
	t.Helper()
	a := telemetry.Arrival{Route: "native", Payload: make([]byte, size)}
	for _, name := range names {
		m := telemetry.Measurement{Device: name}
		for _, key := range keys {
			m.Values = append(m.Values, telemetry.KeyedValue{Key: key})
		}
		a.Measurements = append(a.Measurements, m)
	}
	var receipts []telemetry.Receipt
	b.Submit(a, func(r telemetry.Receipt) { receipts = append(receipts, r) })
	if len(receipts) != 1 {
		t.Fatalf("%d answers, want one", len(receipts))
	}
	return receipts[0]
}

// hold asks for a message of a device before it is decoded.
func (b *bench) hold(device string) time.Duration {
	return b.meter.Hold(&telemetry.Arrival{Payer: device, Payload: make([]byte, 1)})
}

func TestMessagesBeyondTheRateAreRefused(t *testing.T) {
	b := newBench(Limits{Messages: 10, Burst: 20})
	for range 1000 {
		b.send(t, nil, 1, "a")
	}
	accepted, quarantined, rejected := b.next.count()
	if accepted != 21 || quarantined != keepBurst+1 || rejected != 1000-accepted-quarantined {
		t.Errorf("accepted %d, quarantined %d, rejected %d", accepted, quarantined, rejected)
	}
	if b.hold("b") != 0 || b.hold("stranger") != 0 || b.hold("") != 0 {
		t.Error("others wait, too")
	}
	if wait := b.hold("a"); wait != 100*time.Millisecond {
		t.Errorf("a connection of the device waits %v, want a tenth of a second", wait)
	}
	b.at = b.at.Add(100 * time.Millisecond) // of the one that was held
	for range 100 {                         // at its pace it is heard again
		b.at = b.at.Add(100 * time.Millisecond)
		if r := b.send(t, nil, 1, "eui-a"); len(r.Refusals) != 0 {
			t.Fatalf("refused at the permitted pace: %v", r.Refusals[0])
		}
	}
	if r := b.send(t, nil, 1, "b"); len(r.Refusals) != 0 {
		t.Error("another device pays for it")
	}
}

func TestAnHourOfFloodLeavesFewInQuarantine(t *testing.T) {
	b := newBench(Limits{Messages: 1, Burst: 1})
	for range 36_000 {
		b.at = b.at.Add(100 * time.Millisecond)
		b.send(t, nil, 1, "a")
	}
	accepted, quarantined, rejected := b.next.count()
	if accepted < 3600 || accepted > 3602 || quarantined > 366 || accepted+quarantined+rejected != 36_000 {
		t.Errorf("accepted %d, quarantined %d, rejected %d", accepted, quarantined, rejected)
	}
}

func TestBytesAndNames(t *testing.T) {
	b := newBench(Limits{Bytes: 1000, Names: 3})
	for range 64 {
		b.send(t, nil, 1000, "a")
	}
	b.send(t, nil, 1, "a") // the burst is used up to the brim
	if r := b.send(t, nil, 1, "a"); len(r.Refusals) != 1 || !strings.Contains(r.Refusals[0].Detail, "bytes") {
		t.Errorf("%v", r.Refusals)
	}
	for i, want := range []bool{true, true, true, false, false} {
		if r := b.send(t, []string{fmt.Sprint("key-", i)}, 1, "b"); (len(r.Refusals) == 0) != want {
			t.Errorf("key %d: %v", i, r.Refusals)
		}
	}
	if r := b.send(t, []string{"key-1"}, 1, "b"); len(r.Refusals) != 0 {
		t.Error("a known key is refused")
	}
	b.at = b.at.Add(time.Hour)
	if r := b.send(t, []string{"key-9"}, 1, "b"); len(r.Refusals) != 0 {
		t.Error("an hour later new keys are refused")
	}
}

// A gateway's message of many devices is refused for those beyond alone, and
// answered as one.
func TestAMessageOfMany(t *testing.T) {
	b := newBench(Limits{Messages: 1, Burst: 1})
	for range 3 {
		b.send(t, nil, 1, "a")
	}
	r := b.send(t, nil, 1, "b", "a", "stranger", "b", "eui-a")
	var got []bool
	for _, refusal := range r.Refusals {
		got = append(got, refusal != nil)
	}
	if fmt.Sprint(got) != "[false true false false true]" {
		t.Errorf("refused %v", got)
	}
	last := b.next.got[len(b.next.got)-2:]
	if len(last[0].Measurements) != 3 || last[1].Refusal == nil {
		t.Errorf("handed on %+v", last)
	}
	b.next.err = errors.New("disk full")
	if r := b.send(t, nil, 1, "b", "a"); !errors.Is(r.Err, b.next.err) {
		t.Error("what could not be kept is acknowledged")
	}
}

func TestNoLimits(t *testing.T) {
	b := newBench(Limits{Messages: -1, Bytes: -1, Names: -1})
	for i := range 10_000 {
		if r := b.send(t, []string{fmt.Sprint(i)}, 1<<20, "a"); len(r.Refusals) != 0 {
			t.Fatal(r.Refusals[0])
		}
	}
	if b.hold("a") != 0 {
		t.Error("it waits")
	}
}

func BenchmarkGate(b *testing.B) {
	m := NewMeter(Limits{Messages: -1}, known{"a": 1}, time.Now)
	g := NewGate(m, silent{}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	a := telemetry.Arrival{Payload: make([]byte, 300), Measurements: []telemetry.Measurement{{Device: "a",
		Values: []telemetry.KeyedValue{{Key: "pm25"}, {Key: "pm10"}, {Key: "temperature"}, {Key: "humidity"}}}}}
	b.ReportAllocs()
	for b.Loop() {
		g.Submit(a, func(telemetry.Receipt) {})
	}
}

type silent struct{}

func (silent) Submit(_ telemetry.Arrival, done func(telemetry.Receipt)) { done(telemetry.Receipt{}) }
