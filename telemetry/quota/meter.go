// Package quota keeps one noisy or hostile device from taking what others
// need: it measures what each device sends, holds its connection back where
// that can be done, and refuses what is beyond.
package quota

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"cityhub/devices"
	"cityhub/telemetry"
)

// Limits are what one device may send. A zero member takes its default, a
// negative one is no limit.
type Limits struct {
	Messages float64 // a second; 100
	Burst    float64 // messages at once after a pause; 2,000
	Bytes    float64 // of payload a second; 256 KiB, and at once 64 times as many
	Names    int     // different keys within an hour; 200
}

const (
	byteBurst = int64(64 * time.Second) // worth of bytes at once
	nameSpan  = time.Hour
)

func (l Limits) orDefault() Limits {
	for _, m := range []struct {
		v    *float64
		mean float64
	}{{&l.Messages, 100}, {&l.Burst, 2000}, {&l.Bytes, 256 << 10}} {
		if *m.v == 0 {
			*m.v = m.mean
		}
	}
	if l.Names == 0 {
		l.Names = 200
	}
	return l
}

// Registry finds devices as readings name them.
type Registry interface {
	Named(device string) (devices.Identity, bool)
}

// Meter measures devices. It is safe for concurrent use.
type Meter struct {
	limits   Limits
	registry Registry
	now      func() time.Time
	seed     maphash.Seed
	arrears  arrears
	shards   [64]shard

	message, byte float64 // the time that one takes; 0 without a limit
	burst         int64   // how far ahead of the time messages may be
}

type shard struct {
	mu sync.Mutex
	of map[int64]*usage
}

// usage is what a device has used. Of a rate it keeps the instant at which all
// that was sent would have been sent at the permitted pace.
type usage struct {
	messages, bytes bucket
	late            used   // of the meter's arrears
	kept            bucket // of refused messages, see Gate
	names           []uint64
	since           int64 // of the names
}

type bucket int64

// wait is how long a bucket is above its burst.
func (b bucket) wait(now, burst int64) int64 { return max(0, int64(b)-now-burst) }

func (b *bucket) add(now, cost int64) { *b = bucket(max(int64(*b), now) + cost) }

// NewMeter makes one.
func NewMeter(l Limits, registry Registry, now func() time.Time) *Meter {
	l = l.orDefault()
	m := &Meter{limits: l, registry: registry, now: now, seed: maphash.MakeSeed(), message: cost(l.Messages), byte: cost(l.Bytes)}
	m.burst = int64(max(0, l.Burst) * m.message)
	for i := range m.shards {
		m.shards[i].of = map[int64]*usage{}
	}
	return m
}

// lock gives the usage of a device, until unlock is called.
func (m *Meter) lock(device int64) (u *usage, s *shard) {
	s = &m.shards[uint64(device)%uint64(len(m.shards))]
	s.mu.Lock()
	if u = s.of[device]; u == nil {
		u = &usage{}
		s.of[device] = u
	}
	return u, s
}

// cost is what one unit of a rate takes of time; 0 without a limit.
func cost(rate float64) float64 {
	if rate <= 0 {
		return 0
	}
	return float64(time.Second) / rate
}

// Hold charges a message to the devices that send it, and says how long its
// connection has to wait before the message is taken: it is for edges that can
// make their senders wait and so need to refuse nobody. It is asked before the
// message is decoded, and once more when it is known whom it names. Who is no
// registered device does not wait.
func (m *Meter) Hold(a *telemetry.Arrival) (wait time.Duration) {
	now, size := m.now().UnixNano(), len(a.Payload)
	a.Held = true
	if who, ok := m.payer(a); ok && a.Paid == 0 {
		a.Paid = who.DeviceID
		return m.hold(who.DeviceID, now, size)
	}
	var others []int64
	for i := range a.Measurements {
		device := a.Measurements[i].Device
		if device == a.Payer {
			continue
		}
		who, ok := m.registry.Named(device)
		if ok && who.DeviceID != a.Paid && !slices.Contains(others, who.DeviceID) {
			others = append(others, who.DeviceID)
			wait = max(wait, m.hold(who.DeviceID, now, size))
		}
	}
	return wait
}

// payer finds who pays for a message. Topics of network servers name a device by
// its DevEUI in their own way.
func (m *Meter) payer(a *telemetry.Arrival) (devices.Identity, bool) {
	if a.Payer == "" {
		return devices.Identity{}, false
	}
	who, ok := m.registry.Named(a.Payer)
	if !ok {
		who, ok = m.registry.Named(strings.ToUpper(strings.TrimPrefix(a.Payer, "eui-")))
	}
	return who, ok
}

func (m *Meter) hold(device, now int64, size int) time.Duration {
	u, s := m.lock(device)
	defer s.mu.Unlock()
	wait := max(u.messages.wait(now, m.burst), u.bytes.wait(now, byteBurst))
	u.add(m, now, size)
	return time.Duration(wait)
}

// charge counts a message of a device and says what it is beyond, "" when it
// is within its quota. What is refused does not count, so that a device that
// comes back to its pace is heard at once.
func (m *Meter) charge(device, now int64, size int) (beyond string) {
	u, s := m.lock(device)
	defer s.mu.Unlock()
	early, large := u.messages.wait(now, m.burst) > 0, u.bytes.wait(now, byteBurst) > 0
	switch {
	case !early && !large:
		u.add(m, now, size)
	case m.arrears.pay(&u.late, now, int64(m.message), int64(float64(size)*m.byte)):
	case early:
		return "messages a second"
	default:
		return "bytes a second"
	}
	return ""
}

func (u *usage) add(m *Meter, now int64, size int) {
	u.messages.add(now, int64(m.message))
	u.bytes.add(now, int64(float64(size)*m.byte))
}

// names notes the keys of a device's message; what it is beyond when they are
// too many.
func (m *Meter) names(device, now int64, values []telemetry.KeyedValue) (beyond string) {
	u, s := m.lock(device)
	defer s.mu.Unlock()
	if !u.knows(m, now, values) {
		return "different keys within an hour"
	}
	return ""
}

// keeps says whether a refused message of a device goes to the quarantine.
func (m *Meter) keeps(device, now int64) bool {
	u, s := m.lock(device)
	defer s.mu.Unlock()
	if u.kept.wait(now, int64(keepBurst*keepEvery)) > 0 {
		return false
	}
	u.kept.add(now, int64(keepEvery))
	return true
}

// knows notes the keys of a message; false when they are too many.
func (u *usage) knows(m *Meter, now int64, values []telemetry.KeyedValue) bool {
	if m.limits.Names < 0 {
		return true
	}
	if now-u.since >= int64(nameSpan) {
		u.names, u.since = u.names[:0], now
	}
	for i := range values {
		name := maphash.String(m.seed, values[i].Key)
		if slices.Contains(u.names, name) {
			continue
		}
		if len(u.names) >= m.limits.Names {
			return false
		}
		u.names = append(u.names, name)
	}
	return true
}
