package live

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"cityhub/api/citymap"
)

// delta writes what a room is told.
type delta struct {
	room *room
	keep *citymap.Keeper
	now  time.Time
	text []byte
	gone []int64

	name       string // of the event
	begun, any bool   // its head is written; and a feature
}

// frame writes what the frame under way brings to the room, if anything; what
// is longer than mostShared may be cut short.
func (d *delta) frame(events []toldEvent, f *frame) []byte {
	r := d.room
	for i := range events {
		d.event(&events[i], point{f.from.cells, events[i].number})
	}
	d.name = "delta"
	for _, ly := range r.layers {
		for i := range ly.touched {
			if d.touched(ly, &ly.touched[i]); len(d.text) > mostShared {
				return d.text
			}
		}
		d.parted(ly, ly.parted[min(ly.fresh, len(ly.parted)):])
	}
	if d.begun || len(d.gone) > 0 {
		d.tail(f.to)
	}
	return d.text
}

// touched writes a cell of the frame under way, whose text is made once for
// all rooms.
func (d *delta) touched(ly *layer, t *touched) {
	if !d.room.shows(d.keep, ly, t.cell) {
		d.replaced(ly, t.cell)
		return
	}
	if t.to == 0 {
		t.from = len(ly.texts)
		ly.texts = ly.cells[t.cell].Append(ly.texts)
		t.to = len(ly.texts)
	}
	d.comma()
	d.text = append(d.text, ly.texts[t.from:t.to]...)
}

// replaced notes a cell that may have been shown until a newer one of its
// station came.
func (d *delta) replaced(ly *layer, at int32) {
	if c := &ly.cells[at]; c.twin != at && d.room.seesCell(d.keep, ly, c) {
		d.gone = append(d.gone, c.Stream)
	}
}

// parted notes what was seen and is no more.
func (d *delta) parted(ly *layer, all []departure) {
	for i := range all {
		p := &all[i]
		if d.room.sees(d.keep, ly.property, &p.sight) && !(ly.cells[p.cell].Stream == p.stream && d.room.shows(d.keep, ly, p.cell)) {
			d.gone = append(d.gone, p.stream)
		}
	}
}

func (d *delta) event(e *toldEvent, at point) {
	if !d.room.hears(d.keep, e) {
		return
	}
	d.text = appendEvent(d.text, e, d.room.appendID(nil, at))
}

// hears says whether the room is told of an event.
func (r *room) hears(keep *citymap.Keeper, e *toldEvent) bool {
	if _, wanted := slices.BinarySearch(r.Kinds, e.Kind); !wanted {
		return false
	}
	if e.Property != "" && len(r.Properties) > 0 && !slices.Contains(r.Properties, e.Property) {
		return false
	}
	s := sight{organisation: e.Organisation, thing: e.Thing, published: e.Published, position: e.Position}
	return r.sees(keep, e.Property, &s)
}

func (d *delta) head() {
	d.begun = true
	d.text = append(append(d.text, "event: "...), d.name...)
	d.text = append(d.text, "\ndata: {\"type\":\"FeatureCollection\","...)
	d.text = append(appendInstant(d.text, d.now), `,"features":[`...)
}

// comma comes before every feature.
func (d *delta) comma() {
	switch {
	case !d.begun:
		d.head()
	case d.any:
		d.text = append(d.text, ',')
	}
	d.any = true
}

func (d *delta) tail(at point) {
	if !d.begun {
		d.head()
	}
	d.text = append(d.text, `],"gone":[`...)
	slices.Sort(d.gone)
	for i, id := range slices.Compact(d.gone) {
		if i > 0 {
			d.text = append(d.text, ',')
		}
		d.text = strconv.AppendInt(d.text, id, 10)
	}
	d.text = append(d.text, "]}\nid: "...)
	d.text = append(d.room.appendID(d.text, at), "\n\n"...)
}

var (
	errLarge     = errors.New("too large to be shared")
	errForgotten = errors.New("what has changed since is not known any more")
)

// pieceSize is about how much of a large answer a client has in memory.
const pieceSize = 32 << 10

// painting is how a client is told what it lacks.
type painting int

const (
	wholly  painting = iota // everything, by a snapshot
	atOnce                  // what has changed, or that nothing has
	quietly                 // what has changed
)

// paint writes all that the room shows, or, since from, what has changed. It
// hands it over in pieces, between which the next frame may be made: what it
// brings is told once more by the delta after. It answers the point that it
// leads to; errForgotten when only a snapshot leads anywhere.
func (r *room) paint(from point, how painting, emit func([]byte) error) (to point, err error) {
	whole, quiet := how == wholly, how == quietly
	d := &delta{room: r, now: r.feed.o.Now()}
	r.feed.making.RLock()
	defer r.feed.making.RUnlock()
	if !whole && !r.mends(from) {
		return from, errForgotten
	}
	to, d.keep = r.feed.at, r.keep.Load()
	pause := func() error {
		r.feed.making.RUnlock()
		defer r.feed.making.RLock()
		err := emit(d.text)
		d.text = d.text[:0]
		return err
	}
	d.missed(from, to)
	d.name = "delta"
	if whole {
		d.name = "snapshot"
	}
	for _, ly := range r.layers {
		for at := 0; at < len(ly.cells); at++ {
			d.cell(ly, int32(at), from, whole)
			if len(d.text) >= pieceSize {
				if err := pause(); err != nil {
					return to, err
				}
			}
		}
		if !whole {
			d.parted(ly, ly.partedSince(from.cells))
		}
	}
	if !whole && !r.mends(from) { // forgotten meanwhile: the next is a snapshot
		to.cells = from.cells
	}
	if d.begun || len(d.gone) > 0 || !quiet {
		d.tail(to)
	}
	return to, pause()
}

// cell writes one of all cells.
func (d *delta) cell(ly *layer, at int32, from point, whole bool) {
	c := &ly.cells[at]
	switch {
	case !whole && c.changed <= from.cells:
	case d.room.shows(d.keep, ly, at):
		d.comma()
		d.text = c.Append(d.text)
	case !whole:
		d.replaced(ly, at)
	}
}

// missed writes the events since a point.
func (d *delta) missed(from, to point) {
	if len(d.room.Kinds) == 0 {
		return
	}
	events, lost := d.room.feed.events.since(from.events, to.events)
	if lost {
		d.text = append(appendInstant(append(d.text, "event: missed\ndata: {"...), d.now), "}\n\n"...)
	}
	for i := range events {
		d.event(&events[i], point{from.cells, events[i].number})
	}
}

// partedSince gives the departures after a frame.
func (ly *layer) partedSince(seq uint64) []departure {
	at, _ := slices.BinarySearchFunc(ly.parted, seq+1, func(p departure, seq uint64) int {
		switch {
		case p.seq < seq:
			return -1
		case p.seq > seq:
			return 1
		}
		return 0
	})
	return ly.parted[at:]
}

// lag gives the delta from a point to the newest frame, which those who lag as
// far share; errLarge when each has to be written its own.
func (r *room) lag(from point, how painting) (text []byte, to point, err error) {
	r.mu.Lock()
	if r.lagged.covers(r.frame.to) {
		if text := r.lags[from]; len(text) > 0 || text != nil && how == quietly {
			defer r.mu.Unlock()
			return text, r.lagged, nil
		}
	}
	r.mu.Unlock()
	text = []byte{}
	to, err = r.paint(from, how, func(piece []byte) error {
		if len(text)+len(piece) > mostShared {
			return errLarge
		}
		text = append(text, piece...)
		return nil
	})
	if err != nil {
		return nil, to, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lagged != to || len(r.lags) >= mostLagging {
		r.lags, r.lagged = map[point][]byte{}, to
	}
	r.lags[from] = text
	return text, to, nil
}
