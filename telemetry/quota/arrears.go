package quota

import (
	"sync"
	"time"
)

// lapse is how long arrears stay at least.
const lapse = 10 * time.Minute

// Arrears are the time for which nothing was taken, so that what devices sent
// meanwhile at their pace has still to come: each may send so many seconds'
// worth above its burst. They lapse when as much time has gone by again, and
// not within ten minutes.
type Arrears struct {
	Time  time.Duration
	Until time.Time
}

// arrears keep Arrears for all devices.
type arrears struct {
	mu    sync.Mutex
	of    Arrears
	since int64 // tells these from lapsed ones
}

// used is what one device has used up of them.
type used struct{ since, messages, bytes int64 }

// Missed adds a time for which nothing was taken.
func (m *Meter) Missed(pause time.Duration) {
	now := m.now()
	a := &m.arrears
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Add(-pause).After(a.of.Until) { // nothing lapses meanwhile
		a.of, a.since = Arrears{}, now.UnixNano()
	}
	a.of.Time += pause
	a.of.Until = now.Add(max(a.of.Time, lapse))
}

// Arrears tells what has to outlast a restart.
func (m *Meter) Arrears() Arrears {
	m.arrears.mu.Lock()
	defer m.arrears.mu.Unlock()
	return m.arrears.of
}

// Resume takes over the arrears of an earlier run. What devices had used of
// them is not known any more; before the first message only.
func (m *Meter) Resume(a Arrears) {
	m.arrears.mu.Lock()
	defer m.arrears.mu.Unlock()
	m.arrears.of, m.arrears.since = a, m.now().UnixNano()
}

// pay takes the time that a message stands for from a device's arrears; false
// when they do not reach.
func (a *arrears) pay(u *used, now, messages, bytes int64) bool {
	a.mu.Lock()
	left, until, since := int64(a.of.Time), a.of.Until, a.since
	a.mu.Unlock()
	if left == 0 || now > until.UnixNano() {
		return false
	}
	if u.since != since {
		*u = used{since: since}
	}
	if u.messages+messages > left || u.bytes+bytes > left {
		return false
	}
	u.messages, u.bytes = u.messages+messages, u.bytes+bytes
	return true
}
