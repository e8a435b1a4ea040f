// Package inflight keeps the messages of one connection that its peer has sent
// and that are not acknowledged yet. It acknowledges in the order of arrival,
// as MQTT asks for, bounds their number and their bytes, and knows the oldest.
// It knows neither sockets nor clients nor readings.
package inflight

import (
	"context"
	"sync"
	"time"
)

// The packets that answer a PUBLISH.
const (
	None   byte = 0    // QoS 0 has no answer
	Puback byte = 0x40 // for QoS 1
	Pubrec byte = 0x50 // for QoS 2
)

// Limits bound a window. Reaching one, Add waits: the peer's writes then wait
// in turn. A single message above MaxBytes is let through when it is alone.
type Limits struct {
	Messages int
	Bytes    int
}

// Window is what one connection has not acknowledged. Its methods are safe for
// concurrent use; only Add and Drain wait.
type Window struct {
	limits Limits
	send   func(packets []byte)
	fail   func(err error)

	mu      sync.Mutex
	changed sync.Cond
	entries []*Entry // in order of arrival, from head on
	head    int
	bytes   int
	settled int64
	left    int
	closed  bool // no more entries
	ended   bool // no more acknowledgements
	out     []byte
	room    []Entry // for messages to come: one allocation for many
}

// together is how many entries share an allocation, which lives as long as the
// last of them.
const together = 64

// Entry is one message of a window.
type Entry struct {
	window  *Window
	at      time.Time
	size    int
	id      uint16
	answer  byte
	settled bool
}

// New makes a window. send gets runs of whole acknowledgement packets and must
// not wait; fail is told once, when the first message could not be kept. Both
// are called with the window locked.
func New(limits Limits, send func(packets []byte), fail func(err error)) *Window {
	w := &Window{limits: limits, send: send, fail: fail}
	w.changed.L = &w.mu
	return w
}

// Add takes a message up, waiting while the window is full. It answers nil when
// the window is closed: the message is then neither kept nor acknowledged.
func (w *Window) Add(id uint16, answer byte, size int, at time.Time) *Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.full(size) && !w.closed {
		w.changed.Wait()
	}
	if w.closed {
		return nil
	}
	if len(w.room) == 0 {
		w.room = make([]Entry, together)
	}
	e := &w.room[0]
	w.room = w.room[1:]
	*e = Entry{window: w, at: at, size: size, id: id, answer: answer}
	w.entries = append(w.entries, e)
	w.bytes += size
	return e
}

func (w *Window) full(size int) bool {
	n := len(w.entries) - w.head
	return n >= w.limits.Messages || n > 0 && w.bytes+size > w.limits.Bytes
}

// Settle says that the message is kept durably or, with an error, that it is
// not. After an error nothing of the window is acknowledged any more. Settling
// a second time does nothing.
func (e *Entry) Settle(err error) {
	w := e.window
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.settled || w.ended {
		return
	}
	if err != nil && e.answer != None {
		w.end()
		w.fail(err)
		return
	}
	e.settled = true
	w.release()
}

// Over says whether an acknowledgement would come too late, for the window has
// ended.
func (e *Entry) Over() bool {
	e.window.mu.Lock()
	defer e.window.mu.Unlock()
	return e.window.ended
}

// release acknowledges the settled ones at the head.
func (w *Window) release() {
	before := w.head
	for w.head < len(w.entries) && w.entries[w.head].settled {
		e := w.entries[w.head]
		w.entries[w.head] = nil
		w.head++
		w.bytes -= e.size
		if e.answer != None {
			w.out = append(w.out, e.answer, 2, byte(e.id>>8), byte(e.id))
		}
	}
	if w.head == before {
		return
	}
	w.settled += int64(w.head - before)
	if len(w.out) > 0 {
		w.send(w.out)
		w.out = w.out[:0]
	}
	w.compact()
	w.changed.Broadcast()
}

// compact gives the room of what was released back.
func (w *Window) compact() {
	switch {
	case w.head == len(w.entries):
		w.entries, w.head = w.entries[:0], 0
	case w.head >= 1024 && w.head*2 >= len(w.entries):
		n := copy(w.entries, w.entries[w.head:])
		clear(w.entries[n:])
		w.entries, w.head = w.entries[:n], 0
	}
}

// Close takes no more messages up; those taken up are still acknowledged.
func (w *Window) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.changed.Broadcast()
}

// End forgets everything: the connection is gone, and acknowledgements belong
// to the connection that the message came by.
func (w *Window) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end()
}

func (w *Window) end() {
	w.left += len(w.entries) - w.head
	w.closed, w.ended = true, true
	w.entries, w.head, w.bytes = nil, 0, 0
	w.changed.Broadcast()
}

// Drain waits until nothing is unacknowledged; the error is the context's.
func (w *Window) Drain(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.entries) > w.head {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.changed.Wait()
	}
	return nil
}

// State tells how many messages are unacknowledged, when the oldest of them
// came (zero: there is none), and how many were acknowledged so far.
func (w *Window) State() (unacknowledged int, oldest time.Time, settled int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.entries) > w.head {
		oldest = w.entries[w.head].at
	}
	return len(w.entries) - w.head, oldest, w.settled
}

// Left is how many messages were unacknowledged when the window ended.
func (w *Window) Left() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left
}
