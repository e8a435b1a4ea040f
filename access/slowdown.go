package access

import (
	"fmt"
	"sync"
	"time"
)

// Wrong passwords that cost nothing, and the waits after them: one second
// after the first too many, twice as long after each further one.
const (
	freeTriesHere    = 5   // for an account from one address
	freeTriesAccount = 100 // for an account from anywhere, so that no stranger shuts its owner out cheaply
	freeTriesAddress = 20  // many people may sit behind one
	longestWait      = 15 * time.Minute
	forgottenAfter   = time.Hour
	mostTried        = 100_000
)

// slowdown counts failed tries by account and by address. Where somebody has
// signed in before, what strangers try elsewhere counts nothing.
type slowdown struct {
	mu    sync.Mutex
	tried map[string]*tries
	homes map[string]time.Time // account and address, and when somebody signed in there
}

type tries struct {
	count int
	last  time.Time
	until time.Time // nothing is taken before
}

func newSlowdown() *slowdown {
	return &slowdown{tried: map[string]*tries{}, homes: map[string]time.Time{}}
}

// counter is a count of failed tries, and how many are free.
type counter struct {
	key  string
	free int
}

func (s *slowdown) counters(account, address string) []counter {
	all := []counter{{"address " + address, freeTriesAddress}}
	if account == "" {
		return all
	}
	all = append(all, counter{"here " + address + " " + account, freeTriesHere})
	if _, home := s.homes[address+" "+account]; !home {
		all = append(all, counter{"account " + account, freeTriesAccount})
	}
	return all
}

// begin counts a try as failed before it is made, so that many at once do not
// slip through together; succeeded takes it back. An address is a household's
// or a company's. account is "" where what is tried cannot be guessed.
func (s *slowdown) begin(now time.Time, account, address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	counters := s.counters(account, address)
	for _, c := range counters {
		if wait := s.of(c.key, now).until.Sub(now); wait > 0 {
			return &Refusal{Kind: ErrSlowDown, After: wait,
				Detail: fmt.Sprintf("too many wrong passwords; try again in %s", wait.Round(time.Second)+time.Second)}
		}
	}
	for _, c := range counters {
		s.of(c.key, now).fail(now, c.free)
	}
	return nil
}

// succeeded forgets an account's failures at an address, and one of the address
// and of the account anywhere: a thief with one good account must not wash the
// address clean with it.
func (s *slowdown) succeeded(now time.Time, account, address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.counters(account, address) {
		if t := s.tried[c.key]; t != nil {
			t.takeBack(c.free)
		}
	}
	if account != "" {
		delete(s.tried, "here "+address+" "+account)
		s.homes[address+" "+account] = now
	}
}

func (t *tries) takeBack(free int) {
	if t.count = max(0, t.count-1); t.count <= free {
		t.until = time.Time{}
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
	if len(s.tried) < mostTried && len(s.homes) < mostTried {
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
	if len(s.homes) >= mostTried {
		clear(s.homes)
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
