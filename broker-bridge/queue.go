package bridge

import (
	"slices"
	"sync"
	"time"

	"cityhub/broker-bridge/inflight"
)

// message is one PUBLISH on its way to the intake.
type message struct {
	topic    string
	body     []byte
	received time.Time
	entry    *inflight.Entry
}

// queue hands messages from the client library's reader to the decoding, many
// at a time. Its length is bounded by the window of the connection.
type queue struct {
	mu     sync.Mutex
	filled sync.Cond
	items  []message
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.filled.L = &q.mu
	return q
}

func (q *queue) put(m message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		q.filled.Signal()
	}
	if len(q.items) == cap(q.items) { // append would go there in smaller steps, each a copy
		q.items = slices.Grow(q.items, max(1024, len(q.items)/2))
	}
	q.items = append(q.items, m)
}

// take waits for messages and swaps them with the spare slice. It answers none
// only after close, once all are taken.
func (q *queue) take(spare []message) []message {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.filled.Wait()
	}
	out := q.items
	q.items = spare[:0]
	return out
}

// clear forgets what waits, so that a stuck intake and a broker that sends again
// on every connection cannot fill the memory.
func (q *queue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = nil
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Broadcast()
}
