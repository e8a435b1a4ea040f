package api

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"cityhub/access"
	"cityhub/api/citymap"
)

// ending is why a stream ends.
type ending string

const (
	endGone     ending = "gone"     // the client went
	endSlow     ending = "too-slow" // it takes nothing
	endRevoked  ending = "revoked"
	endShutdown ending = "shutdown"
)

const (
	kernelBuffer = 64 << 10        // bytes that the kernel holds for a client; it takes twice as much memory
	lastBuffer   = 200 << 10       // while it is told why it is cut off
	lastWords    = 2 * time.Second // for telling why a stream ends
	mostHeard    = 4 << 10         // bytes that a client may send, who has nothing to say
)

// client is one open stream.
type client struct {
	room  *room
	scope *access.Scope
	who   who
	since time.Time // when it came

	patience time.Duration
	at       point // what it has been told; only its writer knows
	fresh    bool  // it has nothing yet
	rest     []byte

	served bool // its writer runs; guarded by live.mu

	mu    sync.Mutex
	why   ending
	ended chan struct{}
	conn  net.Conn
}

// join opens a stream of a wish; lastID is what the client says it was told.
func (l *live) join(w wish, keep *citymap.Keeper, by who, lastID string) (*client, *Problem) {
	now := l.point()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, busy(http.StatusServiceUnavailable, "the hub is stopping; come back soon", 5*time.Second)
	case len(l.clients) >= l.limits.Clients:
		return nil, busy(http.StatusServiceUnavailable, "no more live streams can be opened now; ask for /latest, or come back", 10*time.Second)
	case l.each[by] >= l.limits.Each:
		return nil, busy(http.StatusTooManyRequests, fmt.Sprintf("you have %d live streams open already; close some, or ask one for several properties", l.each[by]), 10*time.Second)
	}
	key := w.key()
	r := l.rooms[key]
	if r == nil {
		r = l.newRoom(w, keep, now)
		l.rooms[key] = r
	}
	c := &client{room: r, scope: w.scope, who: by, since: time.Now(), patience: l.limits.Patience, ended: make(chan struct{})}
	at, ok := r.point(lastID)
	c.at, c.fresh = at, !ok
	r.members++
	l.clients[c] = struct{}{}
	l.each[by]++
	return c, nil
}

func busy(status int, detail string, after time.Duration) *Problem {
	p := problem(status, detail)
	p.after = after
	return p
}

// drop forgets a client; live.mu is held.
func (l *live) drop(c *client) {
	if _, open := l.clients[c]; !open {
		return
	}
	delete(l.clients, c)
	if l.each[c.who]--; l.each[c.who] == 0 {
		delete(l.each, c.who)
	}
	if c.room.members--; c.room.members > 0 {
		return
	}
	delete(l.rooms, c.room.wish.key())
	for _, ly := range c.room.layers {
		ly.rooms--
		ly.left = time.Now()
	}
}

func (l *live) leave(c *client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(c)
}

// begin notes that a client's writer runs; false when the hub stops.
func (l *live) begin(c *client) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, open := l.clients[c]; !open || l.closed {
		return false
	}
	c.served = true
	l.sending.Add(1)
	return true
}

// serve sends a client its stream until it goes or must. The connection is the
// client's own from here on, and closed at the end.
func (l *live) serve(c *client, conn net.Conn, head []byte) {
	defer l.leave(c)
	if !l.begin(c) {
		return
	}
	defer l.sending.Done()
	raw := conn
	if under, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
		raw = under.UnsafeConn()
	}
	resize(raw, kernelBuffer)
	c.mu.Lock()
	c.conn = raw
	c.mu.Unlock()
	var reading sync.WaitGroup
	reading.Go(func() {
		_, _ = io.CopyN(io.Discard, conn, mostHeard) // however it ends, the client goes
		c.end(endGone)
	})
	c.farewell(c.follow(head))
	_ = raw.Close() // whether it was told all is known already
	reading.Wait()
	if c.reason() == endSlow {
		l.cut.Add(1)
	}
}

// resize bounds what the kernel keeps for a client. Where it cannot, its own
// bounds hold.
func resize(conn net.Conn, bytes int) {
	if tcp, ok := conn.(interface{ SetWriteBuffer(int) error }); ok {
		_ = tcp.SetWriteBuffer(bytes)
	}
}

// follow writes until the stream ends.
func (c *client) follow(head []byte) error {
	head = fmt.Appendf(head, "retry: %d\n\n", 2000+rand.IntN(3000)) // not all at once
	if err := c.write(head); err != nil {
		return err
	}
	if err := c.catchUp(atOnce); err != nil {
		return err
	}
	for {
		f, news := c.room.look(c.at)
		var err error
		switch {
		case news != nil:
			select {
			case <-c.ended:
				return nil
			case <-news:
			}
		case f.text != nil && c.at.covers(f.from):
			err = c.write(f.text)
			c.at = f.to
		default:
			err = c.catchUp(quietly)
		}
		if err != nil {
			return err
		}
	}
}

// catchUp tells a client at once all that it was not told.
func (c *client) catchUp(how painting) (err error) {
	r := c.room
	for _, ly := range r.layers {
		ly.build(r.live.server)
	}
	err = errForgotten
	if c.fresh {
		c.at, c.fresh = r.live.point(), false
	} else {
		err = c.mend(how)
	}
	if errors.Is(err, errForgotten) {
		c.at, err = r.paint(c.at, wholly, c.write)
	}
	return err
}

// mend tells what has changed: with others who lack the same where that is
// little, by itself where it is much.
func (c *client) mend(how painting) error {
	text, to, err := c.room.lag(c.at, how)
	switch {
	case err == nil:
		c.at = to
		return c.write(text)
	case errors.Is(err, errLarge):
		c.at, err = c.room.paint(c.at, how, c.write)
	}
	return err
}

// write sends all of b, so long as the client takes some of it.
func (c *client) write(b []byte) error {
	for len(b) > 0 {
		if err := c.allow(c.patience); err != nil {
			return err
		}
		n, err := c.conn.Write(b[:min(len(b), pieceSize)])
		b = b[n:]
		if err == nil {
			continue
		}
		c.rest = b
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.end(endSlow)
		}
		return err
	}
	return nil
}

var errEnded = errors.New("the stream has ended")

// allow gives the next write its time.
func (c *client) allow(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != "" {
		return errEnded
	}
	return c.conn.SetWriteDeadline(time.Now().Add(d))
}

// end has a stream end; the first reason counts.
func (c *client) end(why ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != "" {
		return
	}
	c.why = why
	close(c.ended)
	if c.conn != nil {
		_ = c.conn.SetWriteDeadline(time.Now()) // it fails on a closed connection alone
	}
}

func (c *client) reason() ending {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

var lastMessages = map[ending]string{
	endSlow:     "event: cut-off\ndata: {\"reason\":\"too-slow\",\"detail\":\"what was sent was not taken in time; come back for the present state\"}\n\n",
	endRevoked:  "event: end\ndata: {\"reason\":\"revoked\",\"detail\":\"what let you in, or what it lets you see, is not as it was; sign in anew\"}\n\n",
	endShutdown: "event: end\ndata: {\"reason\":\"shutdown\",\"detail\":\"the hub stops; come back soon\"}\n\n",
}

// farewell tells a client why its stream ends. Whoever is too slow has no room
// left for that, so the kernel is given some: it sends what it holds even after
// the connection is closed. What was under way is broken off by naming another
// event, as the last name and the last line of data count.
func (c *client) farewell(_ error) {
	last := lastMessages[c.reason()]
	if last == "" {
		return
	}
	resize(c.conn, lastBuffer)
	if err := c.conn.SetWriteDeadline(time.Now().Add(lastWords)); err != nil {
		return
	}
	_, _ = c.conn.Write(append(c.rest[:len(c.rest):len(c.rest)], "\n"+last...)) // nobody is left to be told of an error
}
