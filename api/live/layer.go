package live

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"cityhub/access"
	"cityhub/api/citymap"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// departures is how many of them a layer remembers. A client that is further
// behind gets a fresh snapshot.
const departures = 1 << 14

// layer is one property as open streams are told of it: a cell for every
// datastream with a value. All rooms share it. What is seen of it depends on
// the room's filter and scope alone, so that no room has to remember what its
// members were shown.
type layer struct {
	property string

	// Guarded by Feed.mu.
	marks, moved map[int64]struct{} // groups with a newer value; things that moved
	rooms        int
	left         time.Time // when the last room did

	building sync.Mutex
	built    atomic.Bool

	// Guarded by Feed.making.
	since  uint64 // older pictures cannot be mended
	cells  []cell
	place  map[int64]int32 // group → index
	thing  map[int64]int32 // thing → index of one of its cells
	parted []departure     // by seq, ascending

	// Only the loop that makes frames, and before it the builder, know these.
	marked, stirred map[int64]struct{} // taken marks
	revision        uint64             // of the registry, when all was last looked at
	looked          time.Time
	took            time.Duration
	turns           int64     // when the next state may turn
	touched         []touched // in the frame under way
	texts           []byte    // of touched
	fresh           int       // index in parted of the first of the frame under way
}

// cell is a datastream's newest value; its stream is 0 while nothing is shown.
type cell struct {
	citymap.Feature
	changed uint64 // the frame in which it, or another cell of its station, did
	twin    int32  // the next cell of the same station, in a circle
}

// touched is a cell of the frame under way; once it is written for one room it
// stands in texts for the others.
type touched struct {
	cell     int32
	from, to int
}

// departure is what a cell was seen as before it changed so that some do not
// see it any more.
type departure struct {
	seq  uint64
	cell int32
	sight
}

// sight is what decides who sees something.
type sight struct {
	stream, organisation, thing int64
	published                   access.Publication
	position                    *geo.Position
}

func sightOf(f *citymap.Feature) sight {
	return sight{f.Stream, f.Station.OrganisationID, f.Station.ID, f.Published, f.Station.Position}
}

// same says whether two are written the same.
func same(f, o *citymap.Feature) bool {
	if f.Stream != o.Stream || f.Unit != o.Unit || f.State != o.State || f.Published != o.Published || f.Value != o.Value {
		return false
	}
	a, b := f.Station, o.Station
	return a == b || a != nil && b != nil && a.Code == b.Code && a.Name == b.Name && a.OrganisationID == b.OrganisationID &&
		samePlace(a.Position, b.Position)
}

func samePlace(a, b *geo.Position) bool { return a == b || a != nil && b != nil && *a == *b }

// same says whether who sees one sees the other.
func (s *sight) same(o *sight) bool {
	return s.stream == o.stream && s.organisation == o.organisation && s.thing == o.thing && s.published == o.published &&
		samePlace(s.position, o.position)
}

func newLayer(property string) *layer {
	return &layer{property: property, turns: math.MaxInt64, marks: map[int64]struct{}{}, moved: map[int64]struct{}{},
		marked: map[int64]struct{}{}, stirred: map[int64]struct{}{}, place: map[int64]int32{}, thing: map[int64]int32{}}
}

// build fills the layer, once.
func (ly *layer) build(feed *Feed) {
	ly.building.Lock()
	defer ly.building.Unlock()
	if ly.built.Load() {
		return
	}
	ly.since = feed.point().cells
	ly.look(&feed.o, ly.since, feed.o.Now().UnixNano())
	ly.touched, ly.parted = nil, nil
	ly.built.Store(true)
}

// takeMarks begins a frame; Feed.mu is held.
func (ly *layer) takeMarks() {
	ly.marks, ly.marked = ly.marked, ly.marks
	ly.moved, ly.stirred = ly.stirred, ly.moved
}

// refresh takes in what has changed and says whether anything has. tend looks
// for what changes without a reading, too.
func (ly *layer) refresh(o *Options, n uint64, now time.Time, tend bool) (changed bool) {
	ly.touched, ly.texts = ly.touched[:0], ly.texts[:0]
	defer clear(ly.marked)
	defer clear(ly.stirred)
	ly.forget()
	ly.fresh = len(ly.parted)
	property, known := o.Registry.Property(ly.property)
	if !known {
		return false
	}
	for thing := range ly.stirred {
		ly.follow(thing)
	}
	for group := range ly.marked {
		if v, told := o.Latest.At(ly.property, group); told {
			ly.enter(o, &property, v, n, now.UnixNano())
		}
	}
	if tend {
		ly.turn(o, &property, n, now.UnixNano())
		if revision := o.Registry.Revision(); revision != ly.revision && time.Since(ly.looked) >= 4*ly.took {
			ly.look(o, n, now.UnixNano())
		}
	}
	return len(ly.touched) > 0
}

// follow marks all cells of a thing that moved.
func (ly *layer) follow(thing int64) {
	first, known := ly.thing[thing]
	if !known {
		return
	}
	for at := first; ; {
		ly.marked[ly.cells[at].Value.Group] = struct{}{}
		if at = ly.cells[at].twin; at == first {
			return
		}
	}
}

// look takes in all values: what the registry says of some may have changed.
func (ly *layer) look(o *Options, n uint64, now int64) {
	began := time.Now()
	ly.revision = o.Registry.Revision()
	property, known := o.Registry.Property(ly.property)
	if !known {
		return
	}
	for _, v := range o.Latest.Of(ly.property) {
		ly.enter(o, &property, v, n, now)
	}
	ly.looked = time.Now()
	ly.took = ly.looked.Sub(began)
}

// turn takes in values that have grown old.
func (ly *layer) turn(o *Options, property *devices.ObservedProperty, n uint64, now int64) {
	if now < ly.turns {
		return
	}
	ly.turns = now + int64(citymap.MinStale)
	for i := range ly.cells {
		c := &ly.cells[i]
		if c.Stream == 0 || c.State != citymap.States[0] {
			continue
		}
		if at := c.Value.Time + c.Fresh; at >= now {
			ly.turns = min(ly.turns, at+1)
			continue
		}
		ly.enter(o, property, c.Value, n, now)
	}
}

// enter takes one value in.
func (ly *layer) enter(o *Options, property *devices.ObservedProperty, v telemetry.LatestValue, n uint64, now int64) {
	f, shown := o.City.Feature(allOfIt, property, v, now)
	if !shown {
		f = citymap.Feature{Value: v}
	}
	at, known := ly.place[v.Group]
	if !known {
		if shown {
			ly.add(f, n)
		}
		return
	}
	c := &ly.cells[at]
	if c.Stream == 0 && !shown || same(&c.Feature, &f) {
		return
	}
	if c.Stream != 0 {
		before := sightOf(&c.Feature)
		after := sight{}
		if shown {
			after = sightOf(&f)
		}
		if !before.same(&after) {
			ly.parted = append(ly.parted, departure{n, at, before})
		}
	}
	c.Feature = f
	ly.wait(&f)
	ly.touch(at, n)
}

var allOfIt = &access.Scope{All: true}

// add makes a cell.
func (ly *layer) add(f citymap.Feature, n uint64) {
	at := int32(len(ly.cells))
	ly.place[f.Value.Group] = at
	c := cell{Feature: f, twin: at}
	if first, known := ly.thing[f.Station.ID]; known {
		c.twin, ly.cells[first].twin = ly.cells[first].twin, at
	} else {
		ly.thing[f.Station.ID] = at
	}
	ly.cells = append(ly.cells, c)
	ly.wait(&f)
	ly.touch(at, n)
}

// wait notes when a value will have grown old.
func (ly *layer) wait(f *citymap.Feature) {
	if f.Stream != 0 && f.State == citymap.States[0] {
		ly.turns = min(ly.turns, f.Value.Time+f.Fresh+1)
	}
}

// touch notes that a cell changed, and with it which of its station's cells is
// the newest.
func (ly *layer) touch(at int32, n uint64) {
	for i := at; ; {
		if ly.cells[i].changed != n {
			ly.touched = append(ly.touched, touched{cell: i})
		}
		ly.cells[i].changed = n
		if i = ly.cells[i].twin; i == at {
			return
		}
	}
}

// forget lets go of the older half of too many departures.
func (ly *layer) forget() {
	if len(ly.parted) < departures {
		return
	}
	half := len(ly.parted) / 2
	ly.since = max(ly.since, ly.parted[half-1].seq)
	ly.parted = append(ly.parted[:0], ly.parted[half:]...)
}
