package oidc

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// How long a flow may take, and how many may be under way; beyond that the
// oldest have to begin again.
const (
	flowLasts = 10 * time.Minute
	mostFlows = 10_000
)

// flow is one sign-in under way.
type flow struct {
	state, nonce, verifier string
	until                  time.Time
}

// flows are the sign-ins under way, each by the hash of its ticket. They are
// in memory alone: after a restart people begin again.
type flows struct {
	now   func() time.Time
	mu    sync.Mutex
	under map[[sha256.Size]byte]flow
	order [][sha256.Size]byte // oldest first; some may be taken already
}

func newFlows(now func() time.Time) *flows {
	return &flows{now: now, under: map[[sha256.Size]byte]flow{}}
}

func (s *flows) begin() (ticket string, f flow) {
	ticket = rand.Text()
	f = flow{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier(), until: s.now().Add(flowLasts)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	key := sha256.Sum256([]byte(ticket))
	s.under[key], s.order = f, append(s.order, key)
	return ticket, f
}

// forget drops what is over, and the oldest when there are too many; the
// caller holds mu.
func (s *flows) forget() {
	for len(s.order) > 0 {
		oldest, under := s.under[s.order[0]]
		if under && len(s.order) < mostFlows && s.now().Before(oldest.until) {
			return
		}
		delete(s.under, s.order[0])
		s.order = s.order[1:]
	}
}

// take ends a flow, whatever the state: nobody may guess twice.
func (s *flows) take(ticket, state string) (flow, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(ticket))
	f, ok := s.under[key]
	delete(s.under, key)
	fits := subtle.ConstantTimeCompare([]byte(f.state), []byte(state)) == 1
	return f, ok && fits && s.now().Before(f.until)
}
