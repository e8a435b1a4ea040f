package api

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"cityhub/access"
	"cityhub/geo"
	"cityhub/telemetry"
)

const (
	framePause = 50 * time.Millisecond // between two frames: half of what a watcher may wait
	frameRoom  = 64                    // frames that a client may lag behind
	maxClients = 2_000
)

// live tells open streams of changed values. Lines only mark what changed;
// frames are made of the newest values at most every 50 ms, once for all
// clients, and a client that lags too far behind is cut off.
type live struct {
	server *Server
	cut    atomic.Int64

	mu      sync.Mutex
	clients map[*client]struct{}
	wanted  map[string]int // clients by property
	changed map[series]struct{}
	wake    chan struct{}
	closing chan struct{}
	closed  bool
}

// series is a datastream as lines name it.
type series struct {
	property string
	group    int64
}

// client is one open stream. frames is closed when it has to end.
type client struct {
	property string
	window   *geo.Window
	scope    *access.Scope
	view     string // what the client is sent: equal for those that are sent the same
	frames   chan []byte
}

func newLive(s *Server) *live {
	return &live{server: s, clients: map[*client]struct{}{}, wanted: map[string]int{}, changed: map[series]struct{}{},
		wake: make(chan struct{}, 1), closing: make(chan struct{})}
}

// join opens a stream; nil when there are too many or the hub is stopping.
func (l *live) join(scope *access.Scope, property string, window *geo.Window) *client {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.clients) >= maxClients {
		return nil
	}
	c := &client{property: property, window: window, scope: scope, view: viewOf(scope, property, window), frames: make(chan []byte, frameRoom)}
	l.clients[c] = struct{}{}
	l.wanted[property]++
	return c
}

// leave ends a stream; it may have been ended already.
func (l *live) leave(c *client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(c)
}

func (l *live) drop(c *client) {
	if _, open := l.clients[c]; !open {
		return
	}
	delete(l.clients, c)
	close(c.frames)
	if l.wanted[c.property]--; l.wanted[c.property] == 0 {
		delete(l.wanted, c.property)
	}
}

func (l *live) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.clients)
}

// tell marks what lines change. It waits for nobody.
func (l *live) tell(lines []telemetry.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.wanted) == 0 {
		return
	}
	for i := range lines {
		for j := range lines[i].Fields {
			if property := lines[i].Fields[j].Property; l.wanted[property] > 0 {
				l.changed[series{property, lines[i].Group}] = struct{}{}
			}
		}
	}
	if len(l.changed) > 0 {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// run makes frames until close.
func (l *live) run() {
	for {
		select {
		case <-l.closing:
			return
		case <-l.wake:
		}
		l.send(l.frames(l.take()))
		select {
		case <-l.closing:
			return
		case <-time.After(framePause):
		}
	}
}

func (l *live) take() map[series]struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.changed
	l.changed = map[series]struct{}{}
	return taken
}

// change is a changed feature, written once for all clients.
type change struct {
	feature
	text []byte
}

// frames writes the changed features, by property.
func (l *live) frames(changed map[series]struct{}) map[string][]change {
	s, now := l.server, l.server.o.Now().UnixNano()
	frames := map[string][]change{}
	for at := range changed {
		property, known := s.o.Registry.Property(at.property)
		value, told := s.o.Latest.At(at.property, at.group)
		if !known || !told {
			continue
		}
		if f, ok := s.feature(&access.Scope{All: true}, &property, value, now); ok {
			frames[at.property] = append(frames[at.property], change{f, f.append(nil)})
		}
	}
	return frames
}

// send hands every client its part and cuts off those that have no room left.
func (l *live) send(frames map[string][]change) {
	written := map[string][]byte{} // once for all that see the same
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.clients {
		text, done := written[c.view]
		if !done {
			text = c.frame(frames[c.property])
			written[c.view] = text
		}
		if text == nil {
			continue
		}
		select {
		case c.frames <- text:
		default:
			l.drop(c)
			l.cut.Add(1)
		}
	}
}

// viewOf names what a client sees.
func viewOf(scope *access.Scope, property string, window *geo.Window) string {
	view := fmt.Sprintf("%s %t %v %v %t %t", property, scope.All, scope.Own, scope.Grants, scope.Public, scope.Internal)
	if window != nil {
		view += fmt.Sprint(*window)
	}
	return view
}

// sees says whether a change is shown to the client.
func (c *client) sees(f *change) bool {
	return within(c.window, f.station.Position) &&
		c.scope.Reads(f.station.OrganisationID, f.station.ID, c.property, f.published)
}

// frame joins the changes that the client sees to a FeatureCollection; nil
// when there are none.
func (c *client) frame(changes []change) []byte {
	var text []byte
	for i := range changes {
		if !c.sees(&changes[i]) {
			continue
		}
		if text == nil {
			text = append(text, collectionHead...)
		} else {
			text = append(text, ',')
		}
		text = append(text, changes[i].text...)
	}
	if text == nil {
		return nil
	}
	return append(text, collectionTail...)
}

// close ends all streams.
func (l *live) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	close(l.closing)
	for c := range l.clients {
		l.drop(c)
	}
}
