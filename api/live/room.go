package live

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cityhub/access"
	"cityhub/api/citymap"
	"cityhub/geo"
)

const (
	heartbeat   = 15 * time.Second
	mostShared  = 256 << 10 // bytes of a frame that is kept for many; a larger one each client is written by itself
	mostLagging = 8         // different lags for which a room keeps what is to be told
)

// Wish is what a stream is asked for, and in which scope.
type Wish struct {
	Properties []string // codes of known ones, ascending, each once
	Kinds      []string // of events, ascending, each once
	Window     *geo.Window
	Keep       *citymap.Keeper // nil: all
	Thing      int64           // 0: any
	Scope      *access.Scope
}

// key names what is seen: it is equal for those that see the same.
func (w *Wish) key() string {
	return citymap.ViewOf(w.Scope, strings.Join(w.Properties, ","), w.Window) + fmt.Sprintf(" %q %#v %d", w.Kinds, w.Keep.Filter(), w.Thing)
}

// room is where clients are that see the same.
type room struct {
	Wish
	feed    *Feed
	layers  []*layer
	ids     string // of what is told here, up to the point
	members int    // guarded by Feed.mu

	keep   atomic.Pointer[citymap.Keeper] // changes with the zones' borders
	spoken time.Time                      // of the newest frame; known to the loop alone

	mu      sync.Mutex
	since   uint64 // older pictures cannot be mended
	frame   frame
	waiting []*Client // members who have the newest frame, and whose writers rest
	lags    map[point][]byte
	lagged  point // to which lags lead
}

// frame leads from one point to another. Without a text it is too large to be
// shared, or the picture is to be painted anew.
type frame struct {
	from, to point
	text     []byte
}

// newRoom makes a room; Feed.mu is held. now is a recent point: whoever comes
// in is told all up to a later one at first.
func (feed *Feed) newRoom(w Wish, now point) *room {
	h := fnv.New64a()
	_, _ = h.Write([]byte(w.key())) // a hash takes everything
	r := &room{Wish: w, feed: feed, layers: feed.layersOf(w.Properties), ids: feed.epoch + "." + strconv.FormatUint(h.Sum64(), 36) + ".",
		frame: frame{to: now}, spoken: time.Now()}
	r.keep.Store(w.Keep)
	return r
}

// rezone follows borders that have changed; everybody is told anew then.
func (r *room) rezone(n uint64) (changed bool) {
	keep, changed := r.feed.o.City.Renew(r.keep.Load())
	if !changed {
		return false
	}
	r.keep.Store(keep)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since = n
	return true
}

// sees says whether something is shown here.
func (r *room) sees(keep *citymap.Keeper, property string, s *sight) bool {
	return (r.Thing == 0 || r.Thing == s.thing) && within(r.Window, s.position) &&
		keep.Keeps(s.organisation, "", s.position) &&
		(r.Scope.All || r.Scope.Reads(s.organisation, s.thing, property, s.published))
}

// shows says whether a cell is shown here: it is seen, and no newer one of its
// station is; of those of one instant, as in /latest, the lowest group's.
func (r *room) shows(keep *citymap.Keeper, ly *layer, at int32) bool {
	c := &ly.cells[at]
	if !r.seesCell(keep, ly, c) {
		return false
	}
	for i := c.twin; i != at; i = ly.cells[i].twin {
		twin := &ly.cells[i]
		newer := twin.Value.Time > c.Value.Time || twin.Value.Time == c.Value.Time && twin.Value.Group < c.Value.Group
		if newer && r.seesCell(keep, ly, twin) {
			return false
		}
	}
	return true
}

func (r *room) seesCell(keep *citymap.Keeper, ly *layer, c *cell) bool {
	if c.Stream == 0 {
		return false
	}
	s := sightOf(&c.Feature)
	return r.sees(keep, ly.property, &s)
}

// next makes the frame that follows, of what the layers have taken in. While
// all members are behind it is not written: they will be told at once what
// they lack.
func (r *room) next(events []toldEvent, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := frame{from: r.frame.to, to: r.feed.at}
	mended := r.since <= f.from.cells
	if len(r.waiting) > 0 && mended {
		d := delta{room: r, keep: r.keep.Load(), now: now, text: r.feed.page[:0]}
		text := d.frame(events, &f)
		r.feed.page = text[:0]
		switch {
		case len(text) > mostShared:
		case len(text) > 0:
			f.text = bytes.Clone(text)
		case time.Since(r.spoken) < heartbeat:
			return
		default:
			f.text = r.appendTime(nil, now, f.to)
		}
	} else if mended && !r.feed.moves(r, events) {
		return
	}
	r.frame = f
	r.spoken = time.Now()
	waiting := r.waiting[:0]
	for _, c := range r.waiting {
		if c.offer(f) {
			waiting = append(waiting, c)
		} else {
			c.rouse()
		}
	}
	clear(r.waiting[len(waiting):])
	r.waiting = waiting
}

// moves says whether a frame may bring anything to a room.
func (feed *Feed) moves(r *room, events []toldEvent) bool {
	if len(r.Kinds) > 0 && len(events) > 0 {
		return true
	}
	for _, ly := range r.layers {
		if ly.built.Load() && len(ly.touched) > 0 { // a client may be building it just now
			return true
		}
	}
	return false
}

// look gives the newest frame. Where the client knows that already it is
// known; the client is offered each newer one then, until it is roused: by a
// channel of its own, for a thousand that wait on one and the same stand in
// each other's way.
func (r *room) look(c *Client) (f frame, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !c.at.covers(r.frame.to) {
		return r.frame, false
	}
	r.waiting = append(r.waiting, c)
	return r.frame, true
}

// mends says whether what was seen at a point can be mended by a delta;
// Feed.making is held.
func (r *room) mends(from point) bool {
	r.mu.Lock()
	since := r.since
	r.mu.Unlock()
	for _, ly := range r.layers {
		since = max(since, ly.since)
	}
	return from.cells >= since && r.feed.at.covers(from)
}

// id writes how far somebody has been told.
func (r *room) appendID(b []byte, at point) []byte {
	b = append(b, r.ids...)
	b = strconv.AppendUint(b, at.cells, 10)
	b = append(b, '.')
	return strconv.AppendUint(b, at.events, 10)
}

// point reads an id; false for one that is not of this room and run.
func (r *room) point(id string) (p point, ok bool) {
	rest, ours := strings.CutPrefix(id, r.ids)
	cells, events, both := strings.Cut(rest, ".")
	if !ours || !both {
		return point{}, false
	}
	var bad1, bad2 error
	p.cells, bad1 = strconv.ParseUint(cells, 10, 64)
	p.events, bad2 = strconv.ParseUint(events, 10, 64)
	return p, bad1 == nil && bad2 == nil
}

func (r *room) appendTime(b []byte, now time.Time, at point) []byte {
	b = appendInstant(append(b, "event: time\ndata: {"...), now)
	b = r.appendID(append(b, "}\nid: "...), at)
	return append(b, "\n\n"...)
}

func within(window *geo.Window, position *geo.Position) bool {
	return window == nil || position != nil && window.Contains(*position)
}
