// Package socket makes a connection cheap for many small packets: reads come
// out of a large buffer, and writes gather while the one before them is on its
// way. Order is kept, an idle connection writes at once. It knows nothing of
// MQTT; it only expects each Write to be whole packets.
package socket

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	backlog    = 1 << 20          // bytes that may wait before Write does
	writeLimit = 10 * time.Second // a peer that takes nothing for so long is gone
	closeLimit = time.Second      // what is pending may take so long at Close
)

// ErrClosed answers writes after Close, CloseSoon or Abort.
var ErrClosed = errors.New("the connection was closed by this side")

// Conn is a net.Conn with a buffered reader and gathered writes.
type Conn struct {
	net.Conn
	reader io.Reader

	mu      sync.Mutex
	changed sync.Cond // pending, closing or cause has changed
	pending []byte
	closing bool
	cause   error // why the connection ended, nil while it has not

	flushed chan struct{} // closed when the flusher has ended
	drained chan struct{} // closed at the first failed Read
	once    sync.Once
}

// New wraps a connection; Close ends the goroutine that it starts. readBuffer
// is in bytes, 0 for a caller that has a buffer of its own.
func New(conn net.Conn, readBuffer int) *Conn {
	c := &Conn{Conn: conn, reader: conn, flushed: make(chan struct{}), drained: make(chan struct{})}
	if readBuffer > 0 {
		c.reader = bufio.NewReaderSize(conn, readBuffer)
	}
	c.changed.L = &c.mu
	go c.flush()
	return c
}

// Read reads. After a failed write or an Abort it answers their cause, not
// that the connection is closed, which readers tend to take for an intended end.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	if err == nil {
		return n, nil
	}
	c.once.Do(func() { close(c.drained) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil && !errors.Is(c.cause, ErrClosed) {
		return n, c.cause
	}
	return n, err
}

// Write takes the bytes and returns before they are sent; it waits only while
// too much is pending. An error tells of earlier bytes as well.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pending) > backlog && !c.closing {
		c.changed.Wait()
	}
	if c.closing {
		return 0, c.closed()
	}
	c.add(p)
	return len(p), nil
}

// Post is a Write that never waits, for small packets whose number the caller
// bounds. It answers false when the connection has ended.
func (c *Conn) Post(p []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.add(p)
	return true
}

func (c *Conn) add(p []byte) {
	if len(c.pending) == 0 {
		c.changed.Broadcast()
	}
	c.pending = append(c.pending, p...)
}

func (c *Conn) closed() error {
	if c.cause != nil {
		return c.cause
	}
	return ErrClosed
}

// Close sends what is pending, for a second at most, and closes.
func (c *Conn) Close() error {
	c.CloseSoon()
	<-c.flushed
	return nil
}

// AwaitEnd waits until a reader has met the end of what the peer sends, and for
// so long at most. A peer that ends by itself has taken all that was sent to it.
func (c *Conn) AwaitEnd(limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.drained:
	case <-timer.C:
	}
}

// CloseSoon closes once what is pending is sent, and does not wait for that.
func (c *Conn) CloseSoon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	c.limit()
	c.changed.Broadcast()
}

// Abort closes at once and drops what is pending; Read answers the cause.
func (c *Conn) Abort(cause error) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = cause
	}
	c.closing, c.pending = true, nil
	c.changed.Broadcast()
	c.mu.Unlock()
	_ = c.Conn.Close() // ending is all that matters
}

// flush writes what gathers, until the connection ends.
func (c *Conn) flush() {
	defer close(c.flushed)
	var out []byte
	for {
		out = c.take(out[:0])
		if len(out) == 0 {
			c.end(ErrClosed)
			return
		}
		if _, err := c.Conn.Write(out); err != nil {
			c.end(fmt.Errorf("write to %s: %v", c.RemoteAddr(), err))
			return
		}
	}
}

// take waits for bytes and swaps them with the spare buffer; none means end.
func (c *Conn) take(spare []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pending) == 0 && !c.closing {
		c.changed.Wait()
	}
	out := c.pending
	if len(out) > backlog {
		c.changed.Broadcast()
	}
	c.pending = spare
	c.limit()
	return out
}

// limit gives the write that is under way its time; the lock is held, so that
// the shorter limit of a closing connection is never overwritten.
func (c *Conn) limit() {
	patience := writeLimit
	if c.closing {
		patience = closeLimit
	}
	_ = c.SetWriteDeadline(time.Now().Add(patience)) // the write itself tells if the connection is gone
}

func (c *Conn) end(cause error) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = cause
	}
	c.closing, c.pending = true, nil
	c.changed.Broadcast()
	c.mu.Unlock()
	_ = c.Conn.Close() // ending is all that matters
}
