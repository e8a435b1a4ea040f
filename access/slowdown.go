package access

import (
	"fmt"
	"sync"
	"time"
)

// Wrong passwords that cost nothing, and the waits after them: one second
// after the first too many, twice as long after each further one.
const (
	freeTriesAccount = 5
	freeTriesAddress = 20 // many people may sit behind one
	longestWait      = 15 * time.Minute
	forgottenAfter   = time.Hour
	mostTried        = 100_000
)

// slowdown counts failed tries by account and by address.
type slowdown struct {
	mu    sync.Mutex
	tried map[string]*tries
}

type tries struct {
	count int
	last  time.Time
	until time.Time // nothing is taken before
}

func newSlowdown() *slowdown { return &slowdown{tried: map[string]*tries{}} }

// begin counts a try as failed before it is made, so that many at once do not
// slip through together; succeeded takes it back.
func (s *slowdown) begin(now time.Time, account, address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	both := []*tries{s.of("account "+account, now), s.of("address "+address, now)}
	for _, t := range both {
		if wait := t.until.Sub(now); wait > 0 {
			return &Refusal{Kind: ErrSlowDown, After: wait,
				Detail: fmt.Sprintf("too many wrong passwords; try again in %s", wait.Round(time.Second)+time.Second)}
		}
	}
	both[0].fail(now, freeTriesAccount)
	both[1].fail(now, freeTriesAddress)
	return nil
}

// succeeded forgets an account's failures, and one of the address: a thief
// with one good account must not wash the address clean with it.
func (s *slowdown) succeeded(account, address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tried, "account "+account)
	if t := s.tried["address "+address]; t != nil {
		if t.count = max(0, t.count-1); t.count <= freeTriesAddress {
			t.until = time.Time{}
		}
	}
}

func (s *slowdown) of(key string, now time.Time) *tries {
	t := s.tried[key]
	if t == nil {
		t = &tries{last: now}
		s.tried[key] = t
	}
	return t
}

// forget keeps the memory bounded; when too many are tried at once, everybody
// starts anew, which costs an attacker more than it gives.
func (s *slowdown) forget(now time.Time) {
	if len(s.tried) < mostTried {
		return
	}
	for key, t := range s.tried {
		if now.Sub(t.last) > forgottenAfter {
			delete(s.tried, key)
		}
	}
	if len(s.tried) >= mostTried {
		clear(s.tried)
	}
}

func (t *tries) fail(now time.Time, free int) {
	if now.Sub(t.last) > forgottenAfter {
		t.count = 0
	}
	t.count, t.last = t.count+1, now
	if over := t.count - free; over > 0 {
		t.until = now.Add(min(longestWait, time.Second<<min(over-1, 20)))
	}
}
