// Package quota keeps one noisy or hostile device from taking what others
// need: it measures what each device sends, holds its connection back where
// that can be done, and refuses what is beyond.
package quota

import (
	"hash/maphash"
	"slices"
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
	byteBurst = 64 // seconds' worth of bytes at once
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
	shards   [64]shard
}

type shard struct {
	mu sync.Mutex
	of map[int64]*usage
}

// usage is what a device has used. Of a rate it keeps the instant at which all
// that was sent would have been sent at the permitted pace.
type usage struct {
	messages, bytes bucket
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
	m := &Meter{limits: l.orDefault(), registry: registry, now: now, seed: maphash.MakeSeed()}
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

func (m *Meter) bursts() (messages, bytes int64) {
	return int64(max(0, m.limits.Burst) * cost(m.limits.Messages)), int64(byteBurst * time.Second)
}

// Delay says how long a device's connection has to wait so that its next
// message is within its quota. Who is no registered device does not wait.
func (m *Meter) Delay(client string) time.Duration {
	who, ok := m.registry.Named(client)
	if !ok {
		return 0
	}
	now := m.now().UnixNano()
	messages, bytes := m.bursts()
	u, s := m.lock(who.DeviceID)
	defer s.mu.Unlock()
	return time.Duration(max(u.messages.wait(now, messages), u.bytes.wait(now, bytes)))
}

// charge counts a message of a device and says what it is beyond, "" when it
// is within its quota. What is refused does not count, so that a device that
// comes back to its pace is heard at once.
func (m *Meter) charge(device, now int64, size int, values []telemetry.KeyedValue) (beyond string) {
	messages, bytes := m.bursts()
	u, s := m.lock(device)
	defer s.mu.Unlock()
	switch {
	case u.messages.wait(now, messages) > 0:
		return "messages a second"
	case u.bytes.wait(now, bytes) > 0:
		return "bytes a second"
	case !u.knows(m, now, values):
		return "different keys within an hour"
	}
	u.messages.add(now, int64(cost(m.limits.Messages)))
	u.bytes.add(now, int64(float64(size)*cost(m.limits.Bytes)))
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
