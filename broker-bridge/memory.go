package bridge

import "time"

// slow is how old the oldest unacknowledged message may be while the hub takes
// what comes.
const slow = 2 * time.Second

// Memory is what a bridge has to know of the run before.
type Memory struct {
	Session bool      // the broker had a session for the hub
	Taking  time.Time // when the hub last took what the broker had; zero: never
}

// Memory tells what the next run has to know of this one. It is safe for
// concurrent use.
func (b *Bridge) Memory() Memory {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.past
}

// miss tells the limiter of the time since it was told last.
func (b *Bridge) miss() {
	b.mu.Lock()
	now, since := b.o.Now(), b.missed
	b.missed = now
	b.mu.Unlock()
	if b.o.Limit != nil && !since.IsZero() && now.After(since) {
		b.o.Limit.Missed(now.Sub(since))
	}
}

// look finds out whether the hub takes what comes: nothing waits, or what
// waits goes on. It is called about once a second while there is a connection.
func (b *Bridge) look(s *session) {
	open, oldest, settled := s.window.State()
	now := b.o.Now()
	b.mu.Lock()
	taking := open == 0 || settled != b.taken && now.Sub(oldest) <= slow
	b.taken = settled
	if taking {
		b.past.Taking, b.missed = now, now
	}
	b.mu.Unlock()
	if !taking {
		b.miss()
	}
}
