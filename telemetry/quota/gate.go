package quota

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cityhub/devices"
	"cityhub/telemetry"
)

// Of the messages beyond a quota some are quarantined, so that one can see what
// the device sends; the others are counted as rejected.
const (
	keepEvery = 10 * time.Second // of one device …
	keepBurst = 5                // … after the first ones
	tellEvery = time.Hour        // in the log
)

// Intake takes readings on their way.
type Intake interface {
	Submit(arrival telemetry.Arrival, done func(telemetry.Receipt))
}

// Gate is an Intake before another that refuses what is beyond a device's
// quota. Readings of devices that nobody has registered pass: they end in the
// quarantine, where they cannot push out others'.
type Gate struct {
	meter *Meter
	next  Intake
	log   *slog.Logger

	mu   sync.Mutex
	told map[int64]time.Time
}

// NewGate makes one.
func NewGate(m *Meter, next Intake, log *slog.Logger) *Gate {
	return &Gate{meter: m, next: next, log: log, told: map[int64]time.Time{}}
}

// verdict is what becomes of a device's measurements in one message.
type verdict struct {
	beyond string
	keep   bool // in quarantine
}

// Admit charges a message to its payer before anything is decoded, so that
// what is refused or ignored later counts as well. It answers false for one
// that is too many, with the refusal to submit.
func (g *Gate) Admit(a *telemetry.Arrival) bool {
	who, known := g.meter.payer(a)
	if !known {
		return true
	}
	now := g.meter.now()
	v := g.verdict(who, g.meter.charge(who.DeviceID, now.UnixNano(), len(a.Payload)), now)
	if v.beyond == "" {
		a.Paid = who.DeviceID
		return true
	}
	a.Refusal = v.refusal(a.Payer)
	a.Answerable = a.Answerable || !v.keep
	return false
}

// Missed tells for how long nothing was taken from a broker that has kept it.
func (g *Gate) Missed(pause time.Duration) { g.meter.Missed(pause) }

// Submit hands an arrival on. A message is charged once to each device that it
// names; of a message of many only the measurements of those within their
// quota go on.
func (g *Gate) Submit(a telemetry.Arrival, done func(telemetry.Receipt)) {
	now := g.meter.now()
	if len(a.Measurements) == 1 { // nearly all are
		if v := g.single(&a, now); v.beyond != "" {
			g.split(a, []verdict{v}, done)
			return
		}
		g.next.Submit(a, done)
		return
	}
	if verdicts, any := g.all(&a, now); any {
		g.split(a, verdicts, done)
		return
	}
	g.next.Submit(a, done)
}

func (g *Gate) single(a *telemetry.Arrival, now time.Time) verdict {
	m := &a.Measurements[0]
	if a.Paid != 0 && m.Device == a.Payer && g.meter.names(a.Paid, now.UnixNano(), m.Values) == "" {
		return verdict{} // nearly all: who it is was found when it paid
	}
	who, known := g.meter.registry.Named(m.Device)
	if !known {
		return verdict{}
	}
	return g.judge(a, who, m, now)
}

// all gives the verdict for each measurement, and whether any is refused.
func (g *Gate) all(a *telemetry.Arrival, now time.Time) (verdicts []verdict, any bool) {
	if len(a.Measurements) == 0 {
		return nil, false
	}
	verdicts = make([]verdict, len(a.Measurements))
	by := map[int64]verdict{} // of devices seen in this message
	for i := range a.Measurements {
		who, known := g.meter.registry.Named(a.Measurements[i].Device)
		if !known {
			continue
		}
		v, had := by[who.DeviceID]
		if !had {
			v = g.judge(a, who, &a.Measurements[i], now)
			by[who.DeviceID] = v
		}
		verdicts[i], any = v, any || v.beyond != ""
	}
	return verdicts, any
}

// judge charges a device for what it has not paid for yet.
func (g *Gate) judge(a *telemetry.Arrival, who devices.Identity, m *telemetry.Measurement, now time.Time) verdict {
	beyond := ""
	if !a.Held && a.Paid != who.DeviceID {
		beyond = g.meter.charge(who.DeviceID, now.UnixNano(), len(a.Payload))
	}
	if beyond == "" {
		beyond = g.meter.names(who.DeviceID, now.UnixNano(), m.Values)
	}
	return g.verdict(who, beyond, now)
}

func (g *Gate) verdict(who devices.Identity, beyond string, now time.Time) verdict {
	if beyond == "" {
		return verdict{}
	}
	g.tell(who.DeviceID, who.Code, beyond, now)
	return verdict{beyond: beyond, keep: g.meter.keeps(who.DeviceID, now.UnixNano())}
}

func (v verdict) refusal(device string) *telemetry.Refusal {
	return &telemetry.Refusal{Reason: telemetry.OverQuota,
		Detail: fmt.Sprintf("device: %.100q sends too many %s; slow it down, or raise the hub's quotas", device, v.beyond)}
}

func (g *Gate) tell(device int64, code, beyond string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if last, ok := g.told[device]; ok && now.Sub(last) < tellEvery {
		return
	}
	g.told[device] = now
	g.log.Warn("a device sends more than it may; what is beyond is refused", "device", code, "too many", beyond)
}

// split submits what may pass and what is refused apart, and answers for both
// together.
func (g *Gate) split(a telemetry.Arrival, verdicts []verdict, done func(telemetry.Receipt)) {
	pass, stop := a, a
	pass.Measurements, stop.Measurements = nil, nil
	var places []int
	keep := false
	out := telemetry.Receipt{Refusals: make([]*telemetry.Refusal, len(verdicts))}
	for i, v := range verdicts {
		if v.beyond == "" {
			pass.Measurements, places = append(pass.Measurements, a.Measurements[i]), append(places, i)
			continue
		}
		out.Refusals[i] = v.refusal(a.Measurements[i].Device)
		stop.Refusal, keep = out.Refusals[i], keep || v.keep
	}
	stop.Answerable = stop.Answerable || !keep
	both := &pair{out: out, places: places, done: done, left: 2}
	if len(places) == 0 {
		both.left = 1
	} else {
		g.next.Submit(pass, both.passed)
	}
	g.next.Submit(stop, both.stopped)
}

// pair waits for two receipts and makes one of them.
type pair struct {
	mu     sync.Mutex
	out    telemetry.Receipt
	places []int
	left   int
	done   func(telemetry.Receipt)
}

func (p *pair) passed(r telemetry.Receipt) {
	p.settle(func() {
		p.out.Err = r.Err
		for i, refusal := range r.Refusals {
			p.out.Refusals[p.places[i]] = refusal
		}
	})
}

func (p *pair) stopped(r telemetry.Receipt) {
	p.settle(func() {
		if p.out.Err == nil {
			p.out.Err = r.Err
		}
	})
}

func (p *pair) settle(note func()) {
	p.mu.Lock()
	note()
	p.left--
	last := p.left == 0
	p.mu.Unlock()
	if last {
		p.done(p.out)
	}
}
