package api

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cityhub/telemetry"
)

// LiveLimits bounds the live streams; a zero member takes its default.
type LiveLimits struct {
	Clients  int           // open streams; 2,000 when 0
	Each     int           // of one user, key or address; 100 when 0
	Patience time.Duration // how long a client may take nothing; 10 s when 0
	Tend     time.Duration // how often rights, ages and the registry are looked at; 1 s when 0
}

func (o LiveLimits) orDefault() LiveLimits {
	if o.Clients == 0 {
		o.Clients = 2_000
	}
	if o.Each == 0 {
		o.Each = 100
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.Tend == 0 {
		o.Tend = recheck
	}
	return o
}

const (
	quickPause = 50 * time.Millisecond  // from frame to frame: half of what a watcher may wait …
	framePause = 100 * time.Millisecond // … and with many clients, who cost more
	quickUpTo  = 200                    // clients
	layerKept  = 2 * time.Minute        // a property that nobody follows any more
)

// live tells open streams what changes. The way of a reading only marks what
// has changed. One loop makes frames of the newest values, at most every 50 or
// 100 ms, and rests at least as long as it has worked. Clients that
// see the same share a room, for which a frame is written once; each is sent
// its frames by itself, so nobody waits for anybody.
type live struct {
	server *Server
	limits LiveLimits
	epoch  string // of this run of the hub, for the ids
	cut    atomic.Int64
	events eventLog

	making sync.RWMutex // held while a frame is made: what streams read does not change otherwise
	at     point        // of the newest frame; guarded by making
	page   []byte       // on which frames are written; known to the loop alone

	mu      sync.Mutex
	layers  map[string]*layer // by property
	rooms   map[string]*room  // by what their members see
	clients map[*client]struct{}
	each    map[who]int
	closed  bool

	wake    chan struct{}
	closing chan struct{}
	sending sync.WaitGroup // a client each
}

func newLive(s *Server) *live {
	return &live{server: s, limits: s.o.Live.orDefault(), epoch: strings.ToLower(rand.Text()[:8]),
		layers: map[string]*layer{}, rooms: map[string]*room{}, clients: map[*client]struct{}{}, each: map[who]int{},
		wake: make(chan struct{}, 1), closing: make(chan struct{})}
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
	if len(l.layers) == 0 {
		return
	}
	marked := false
	for i := range lines {
		for j := range lines[i].Fields {
			if ly := l.layers[lines[i].Fields[j].Property]; ly != nil {
				ly.marks[lines[i].Group] = struct{}{}
				marked = true
			}
		}
	}
	if marked {
		l.stir()
	}
}

// move marks a thing that has moved.
func (l *live) move(thing int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ly := range l.layers {
		ly.moved[thing] = struct{}{}
	}
	if len(l.layers) > 0 {
		l.stir()
	}
}

// stir has a frame made soon.
func (l *live) stir() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run makes frames until close.
func (l *live) run() {
	second := time.NewTicker(l.limits.Tend)
	defer second.Stop()
	for {
		began := time.Now()
		select {
		case <-l.closing:
			return
		case <-l.wake:
			began = time.Now()
			l.frame(false)
		case <-second.C:
			began = time.Now()
			l.frame(true)
		}
		select {
		case <-l.closing:
			return
		case <-time.After(l.pause(time.Since(began))):
		}
	}
}

func (l *live) pause(took time.Duration) time.Duration {
	if l.count() > quickUpTo {
		return max(framePause-took, took)
	}
	return max(quickPause-took, took)
}

// frame takes in what has changed and tells every room its part. Once a
// second it looks after what changes without a reading, too.
func (l *live) frame(tend bool) {
	if tend {
		l.tend()
	}
	now := l.server.o.Now()
	layers, rooms := l.take()
	events := l.events.take()
	l.making.Lock()
	defer l.making.Unlock()
	next, changed := l.at, false
	next.cells++
	for _, ly := range layers {
		changed = ly.refresh(l.server, next.cells, now, tend) || changed
	}
	for _, r := range rooms {
		changed = tend && r.rezone(next.cells) || changed
	}
	if !changed {
		next.cells--
	}
	if len(events) > 0 {
		next.events = events[len(events)-1].number
	}
	l.at = next
	for _, r := range rooms {
		r.next(events, now)
	}
}

// take gives what there is to look at, in no order.
func (l *live) take() ([]*layer, []*room) {
	l.mu.Lock()
	defer l.mu.Unlock()
	layers := make([]*layer, 0, len(l.layers))
	for _, ly := range l.layers {
		if ly.built.Load() {
			ly.takeMarks()
			layers = append(layers, ly)
		}
	}
	rooms := make([]*room, 0, len(l.rooms))
	for _, r := range l.rooms {
		rooms = append(rooms, r)
	}
	return layers, rooms
}

// tend ends the streams of those who lost their right, and lets go of what
// nobody follows.
func (l *live) tend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for c := range l.clients {
		switch {
		case c.scope.Principal != nil && c.scope.Principal.Revoked():
			c.end(endRevoked)
		case !c.served && now.Sub(c.since) > 30*time.Second:
			l.drop(c) // its connection broke before the stream began
		}
	}
	for property, ly := range l.layers {
		if ly.rooms == 0 && now.Sub(ly.left) > layerKept {
			delete(l.layers, property)
		}
	}
}

// layersOf gives the layers of properties, new ones to be built by the caller.
func (l *live) layersOf(properties []string) []*layer {
	layers := make([]*layer, len(properties))
	for i, property := range properties {
		if l.layers[property] == nil {
			l.layers[property] = newLayer(property)
		}
		layers[i] = l.layers[property]
		layers[i].rooms++
	}
	return layers
}

// close ends all streams and waits until they are.
func (l *live) close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.closing)
		for c := range l.clients {
			c.end(endShutdown)
		}
	}
	l.mu.Unlock()
	l.sending.Wait()
}

// point is how far somebody has been told: up to which frame of values, and up
// to which event.
type point struct{ cells, events uint64 }

// point is the newest frame's.
func (l *live) point() point {
	l.making.RLock()
	defer l.making.RUnlock()
	return l.at
}

// covers says whether p is nowhere behind o.
func (p point) covers(o point) bool { return p.cells >= o.cells && p.events >= o.events }

// Announce tells what has happened to those streams that asked for events of
// its kind and may see it. It waits for nobody. Of more than 1,024 events that
// a stream has not got yet it gets the newest, and is told that some are
// missing.
func (s *Server) Announce(events ...telemetry.Event) {
	known := slices.DeleteFunc(slices.Clone(events), func(e telemetry.Event) bool { return !eventKind.MatchString(e.Kind) })
	if err := s.live.events.add(known); err != nil {
		s.o.Log.Error("an event cannot be told", "error", err)
	}
	if len(known) > 0 {
		s.live.stir()
	}
}
