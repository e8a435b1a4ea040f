package live

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cityhub/api/citymap"
	"cityhub/devices"
	"cityhub/telemetry"
)

// Limits bounds the streams; a zero member takes its default.
type Limits struct {
	Clients  int           // open streams; 2,000 when 0
	Each     int           // of one user, key or address; 100 when 0
	Patience time.Duration // how long a client may take nothing; 10 s when 0
	Tend     time.Duration // how often rights, ages and the registry are looked at; 1 s when 0
}

func (o Limits) orDefault() Limits {
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
		o.Tend = time.Second
	}
	return o
}

const (
	quickPause = 50 * time.Millisecond  // from frame to frame: half of what a watcher may wait …
	framePause = 100 * time.Millisecond // … and with many clients, who cost more
	quickUpTo  = 200                    // clients
	layerKept  = 2 * time.Minute        // a property that nobody follows any more
)

// Options says what a feed tells of; all are required save Limits.
type Options struct {
	City     *citymap.Map
	Registry *devices.Registry
	Latest   *telemetry.Latest
	Now      func() time.Time
	Limits   Limits
}

// Feed tells open streams what changes. The way of a reading only marks what
// has changed. One loop makes frames of the newest values, at most every 50 or
// 100 ms, and rests at least as long as it has worked. Clients that
// see the same share a room, for which a frame is written once; each is sent
// its frames by itself, so nobody waits for anybody.
type Feed struct {
	o      Options
	epoch  string // of this run of the hub, for the ids
	cut    atomic.Int64
	events eventLog

	making sync.RWMutex // held while a frame is made: what streams read does not change otherwise
	at     point        // of the newest frame; guarded by making
	page   []byte       // on which frames are written; known to the loop alone

	mu      sync.Mutex
	layers  map[string]*layer // by property
	rooms   map[string]*room  // by what their members see
	clients map[*Client]struct{}
	each    map[any]int
	closed  bool

	wake    chan struct{}
	closing chan struct{}
	sending sync.WaitGroup // a client each
}

// New makes a feed. Run makes its frames; Tell, Move and Announce say what
// changes.
func New(o Options) *Feed {
	o.Limits = o.Limits.orDefault()
	return &Feed{o: o, epoch: strings.ToLower(rand.Text()[:8]),
		layers: map[string]*layer{}, rooms: map[string]*room{}, clients: map[*Client]struct{}{}, each: map[any]int{},
		wake: make(chan struct{}, 1), closing: make(chan struct{})}
}

// Count is the number of open streams.
func (feed *Feed) Count() int {
	feed.mu.Lock()
	defer feed.mu.Unlock()
	return len(feed.clients)
}

// CutOff is how many streams were ended for being too slow.
func (feed *Feed) CutOff() int64 { return feed.cut.Load() }

// Closing is closed when Close begins.
func (feed *Feed) Closing() <-chan struct{} { return feed.closing }

// Tell marks what lines change. It waits for nobody.
func (feed *Feed) Tell(lines []telemetry.Line) {
	feed.mu.Lock()
	defer feed.mu.Unlock()
	if len(feed.layers) == 0 {
		return
	}
	marked := false
	for i := range lines {
		for j := range lines[i].Fields {
			if ly := feed.layers[lines[i].Fields[j].Property]; ly != nil {
				ly.marks[lines[i].Group] = struct{}{}
				marked = true
			}
		}
	}
	if marked {
		feed.stir()
	}
}

// Move marks a thing that has moved.
func (feed *Feed) Move(thing int64) {
	feed.mu.Lock()
	defer feed.mu.Unlock()
	for _, ly := range feed.layers {
		ly.moved[thing] = struct{}{}
	}
	if len(feed.layers) > 0 {
		feed.stir()
	}
}

// stir has a frame made soon.
func (feed *Feed) stir() {
	select {
	case feed.wake <- struct{}{}:
	default:
	}
}

// Run makes frames until close.
func (feed *Feed) Run() {
	second := time.NewTicker(feed.o.Limits.Tend)
	defer second.Stop()
	for {
		var began time.Time
		select {
		case <-feed.closing:
			return
		case <-feed.wake:
			began = time.Now()
			feed.frame(false)
		case <-second.C:
			began = time.Now()
			feed.frame(true)
		}
		select {
		case <-feed.closing:
			return
		case <-time.After(feed.pause(time.Since(began))):
		}
	}
}

func (feed *Feed) pause(took time.Duration) time.Duration {
	if feed.Count() > quickUpTo {
		return max(framePause-took, took)
	}
	return max(quickPause-took, took)
}

// frame takes in what has changed and tells every room its part. Once a
// second it looks after what changes without a reading, too.
func (feed *Feed) frame(tend bool) {
	if tend {
		feed.tend()
	}
	now := feed.o.Now()
	layers, rooms := feed.take()
	events := feed.events.take()
	feed.making.Lock()
	defer feed.making.Unlock()
	next, changed := feed.at, false
	next.cells++
	for _, ly := range layers {
		changed = ly.refresh(&feed.o, next.cells, now, tend) || changed
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
	feed.at = next
	for _, r := range rooms {
		r.next(events, now)
	}
}

// take gives what there is to look at, in no order.
func (feed *Feed) take() ([]*layer, []*room) {
	feed.mu.Lock()
	defer feed.mu.Unlock()
	layers := make([]*layer, 0, len(feed.layers))
	for _, ly := range feed.layers {
		if ly.built.Load() {
			ly.takeMarks()
			layers = append(layers, ly)
		}
	}
	rooms := make([]*room, 0, len(feed.rooms))
	for _, r := range feed.rooms {
		rooms = append(rooms, r)
	}
	return layers, rooms
}

// tend ends the streams of those who lost their right, and lets go of what
// nobody follows.
func (feed *Feed) tend() {
	feed.mu.Lock()
	defer feed.mu.Unlock()
	now := time.Now()
	for c := range feed.clients {
		switch {
		case c.scope.Principal != nil && c.scope.Principal.Revoked():
			c.end(endRevoked)
		case !c.served && now.Sub(c.since) > 30*time.Second:
			feed.drop(c) // its connection broke before the stream began
		}
	}
	for property, ly := range feed.layers {
		if ly.rooms == 0 && now.Sub(ly.left) > layerKept {
			delete(feed.layers, property)
		}
	}
}

// layersOf gives the layers of properties, new ones to be built by the caller.
func (feed *Feed) layersOf(properties []string) []*layer {
	layers := make([]*layer, len(properties))
	for i, property := range properties {
		if feed.layers[property] == nil {
			feed.layers[property] = newLayer(property)
		}
		layers[i] = feed.layers[property]
		layers[i].rooms++
	}
	return layers
}

// Close ends all streams and waits until they are.
func (feed *Feed) Close() {
	feed.mu.Lock()
	if !feed.closed {
		feed.closed = true
		close(feed.closing)
		for c := range feed.clients {
			c.end(endShutdown)
		}
	}
	feed.mu.Unlock()
	feed.sending.Wait()
}

// point is how far somebody has been told: up to which frame of values, and up
// to which event.
type point struct{ cells, events uint64 }

// point is the newest frame's.
func (feed *Feed) point() point {
	feed.making.RLock()
	defer feed.making.RUnlock()
	return feed.at
}

// covers says whether p is nowhere behind o.
func (p point) covers(o point) bool { return p.cells >= o.cells && p.events >= o.events }

// Announce tells what has happened to those streams that asked for events of
// its kind and may see it; what is of no kind is left out. It waits for nobody.
// Of more than 1,024 events that a stream has not got yet it gets the newest,
// and is told that some are missing. Its error names events that have no JSON
// form, which are left out, too.
func (feed *Feed) Announce(events ...telemetry.Event) error {
	known := slices.DeleteFunc(slices.Clone(events), func(e telemetry.Event) bool { return !Kind(e.Kind) })
	err := feed.events.add(known)
	if len(known) > 0 {
		feed.stir()
	}
	return err
}
