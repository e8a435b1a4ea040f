package codec

import (
	"sync"
	"time"
)

// strikes is how often in a row a source may reach a limit before it rests.
const strikes = 3

// maxResting bounds the memory of sources; past it all are forgotten.
const maxResting = 1024

// rests remembers which sources keep reaching their limits.
type rests struct {
	mu    sync.Mutex
	after time.Duration
	of    map[[32]byte]offence
}

type offence struct {
	count int
	until time.Time
}

// resting says whether a source must not run now.
func (r *rests) resting(hash [32]byte, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.of[hash].until)
}

// note counts how a call ended. After its rest, one more strike is enough.
func (r *rests) note(hash [32]byte, limit bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !limit {
		delete(r.of, hash)
		return
	}
	o := r.of[hash]
	if o.count++; o.count >= strikes && r.after > 0 {
		o.until = now.Add(r.after)
	}
	if len(r.of) >= maxResting {
		clear(r.of)
	}
	r.of[hash] = o
}
