package live

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"cityhub/access"
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
	tries        = 8               // to write on while a client takes nothing
)

// Client is one open stream.
type Client struct {
	room  *room
	scope *access.Scope
	by    any
	since time.Time // when it came

	patience time.Duration
	at       point // what it has been told; only its writer knows
	fresh    bool  // it has nothing yet
	rest     []byte

	served bool // its writer runs; guarded by Feed.mu

	roused chan struct{} // holds a token when there is news, or the stream has ended
	owed   []byte        // the rest of a frame that was offered; of at

	mu   sync.Mutex
	why  ending
	conn net.Conn
	raw  syscall.RawConn // nil where nothing can be offered
}

// Refusal says why no more streams are opened, and when to come back.
type Refusal struct {
	Detail string
	After  time.Duration
	Theirs bool // the caller itself has too many
}

// Error is the detail.
func (r *Refusal) Error() string { return r.Detail }

// Join opens a stream of a wish, to be sent by Serve or given up by Leave. by is
// comparable: its streams are counted together. lastID is what the client says
// it was told, "" for nothing. Its error is a *Refusal.
func (feed *Feed) Join(w Wish, by any, lastID string) (*Client, error) {
	now := feed.point()
	feed.mu.Lock()
	defer feed.mu.Unlock()
	switch {
	case feed.closed:
		return nil, &Refusal{Detail: "the hub is stopping; come back soon", After: 5 * time.Second}
	case len(feed.clients) >= feed.o.Limits.Clients:
		return nil, &Refusal{Detail: "no more live streams can be opened now; ask for /latest, or come back", After: 10 * time.Second}
	case feed.each[by] >= feed.o.Limits.Each:
		return nil, &Refusal{fmt.Sprintf("you have %d live streams open already; close some, or ask one for several properties", feed.each[by]), 10 * time.Second, true}
	}
	key := w.key()
	r := feed.rooms[key]
	if r == nil {
		r = feed.newRoom(w, now)
		feed.rooms[key] = r
	}
	c := &Client{room: r, scope: w.Scope, by: by, since: time.Now(), patience: feed.o.Limits.Patience, roused: make(chan struct{}, 1)}
	at, ok := r.point(lastID)
	c.at, c.fresh = at, !ok
	r.members++
	feed.clients[c] = struct{}{}
	feed.each[by]++
	return c, nil
}

// drop forgets a client; Feed.mu is held.
func (feed *Feed) drop(c *Client) {
	if _, open := feed.clients[c]; !open {
		return
	}
	delete(feed.clients, c)
	if feed.each[c.by]--; feed.each[c.by] == 0 {
		delete(feed.each, c.by)
	}
	if c.room.members--; c.room.members > 0 {
		return
	}
	delete(feed.rooms, c.room.key())
	for _, ly := range c.room.layers {
		ly.rooms--
		ly.left = time.Now()
	}
}

// Leave gives a stream up that is not served.
func (feed *Feed) Leave(c *Client) {
	feed.mu.Lock()
	defer feed.mu.Unlock()
	feed.drop(c)
}

// begin notes that a client's writer runs; false when the hub stops.
func (feed *Feed) begin(c *Client) bool {
	feed.mu.Lock()
	defer feed.mu.Unlock()
	if _, open := feed.clients[c]; !open || feed.closed {
		return false
	}
	c.served = true
	feed.sending.Add(1)
	return true
}

// Serve sends a client its stream until it goes or must. The connection is the
// client's own from here on, and closed at the end. head comes first.
func (feed *Feed) Serve(c *Client, conn net.Conn, head []byte) {
	defer feed.Leave(c)
	if !feed.begin(c) {
		return
	}
	defer feed.sending.Done()
	below := conn
	if under, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
		below = under.UnsafeConn()
	}
	resize(below, kernelBuffer)
	c.mu.Lock()
	c.conn, c.raw = below, raw(below)
	c.mu.Unlock()
	var reading sync.WaitGroup
	reading.Go(func() {
		_, _ = io.CopyN(io.Discard, conn, mostHeard) // however it ends, the client goes
		c.end(endGone)
	})
	c.farewell(c.follow(head))
	_ = below.Close() // whether it was told all is known already
	reading.Wait()
	if c.reason() == endSlow {
		feed.cut.Add(1)
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
func (c *Client) follow(head []byte) error {
	head = fmt.Appendf(head, "retry: %d\n\n", 2000+rand.IntN(3000)) // not all at once
	if err := c.write(head); err != nil {
		return err
	}
	if err := c.catchUp(atOnce); err != nil {
		return err
	}
	for {
		f, known := c.room.look(c)
		var err error
		switch {
		case known:
			<-c.roused
			if c.reason() != "" {
				c.rest = c.owed
				return nil
			}
			err = c.settle()
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
func (c *Client) catchUp(how painting) (err error) {
	r := c.room
	for _, ly := range r.layers {
		ly.build(r.feed)
	}
	err = errForgotten
	if c.fresh {
		c.at, c.fresh = r.feed.point(), false
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
func (c *Client) mend(how painting) error {
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

// write sends all of b, so long as the client takes some of it: it is cut off
// when it has taken nothing for as long as the hub is patient. It is tried anew
// several times meanwhile, as the kernel takes a little more at a new try long
// before it tells a waiting writer that it has room.
func (c *Client) write(b []byte) error {
	taken := time.Now()
	for len(b) > 0 {
		if err := c.allow(c.patience / tries); err != nil {
			return err
		}
		n, err := c.conn.Write(b[:min(len(b), pieceSize)])
		if b = b[n:]; n > 0 {
			taken = time.Now()
		}
		if c.rest = b; err == nil {
			c.rest = nil
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if time.Since(taken) >= c.patience {
			c.end(endSlow)
			return err
		}
	}
	return nil
}

var errEnded = errors.New("the stream has ended")

// allow gives the next write its time.
func (c *Client) allow(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != "" {
		return errEnded
	}
	return c.conn.SetWriteDeadline(time.Now().Add(d))
}

// end has a stream end; the first reason counts.
func (c *Client) end(why ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != "" {
		return
	}
	c.why = why
	c.rouse()
	if c.conn != nil {
		_ = c.conn.SetWriteDeadline(time.Now()) // it fails on a closed connection alone
	}
}

// rouse has a client look again. It waits for nobody.
func (c *Client) rouse() {
	select {
	case c.roused <- struct{}{}:
	default:
	}
}

func (c *Client) reason() ending {
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
func (c *Client) farewell(_ error) {
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
