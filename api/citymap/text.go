package citymap

import (
	"math"
	"slices"
	"time"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// dotText is what a leaf's dots are written as, so that a feature is written
// when it has changed and not each time that somebody asks.
type dotText struct {
	text    []byte // the features, each after a comma
	texted  uint32 // the version of the leaf that the text shows; 0: none
	until   int64  // the instant from which on a state is another
	singles bool   // no station has two of the dots
	extent  geo.Extent
}

const (
	textsKept = 10 * time.Minute // how long texts stay that nobody asks for
	textStep  = 256              // leaves that are written before others have their turn
)

// write brings a leaf's text up to date. writing is held.
func (n *dotNode) write(m *Map, property *devices.ObservedProperty, now int64) {
	if n.texted == n.version && now < n.until {
		return
	}
	everything := &access.Scope{All: true}
	old := n.text
	n.text, n.until, n.singles, n.extent = make([]byte, 0, max(len(old)+len(old)/32, 64)), math.MaxInt64, true, geo.Extent{}
	for i := range n.dots {
		d := &n.dots[i]
		state, until := d.state(now)
		n.until = min(n.until, until)
		n.singles = n.singles && (i == 0 || n.dots[i-1].thing != d.thing)
		from := len(n.text)
		if d.written && d.shown == state {
			n.text = append(n.text, old[d.from:d.to]...)
		} else if v, told := m.o.Latest.At(property.Code, d.group); told {
			if f, ok := m.Feature(everything, property, v, now); ok {
				n.text = f.Append(append(n.text, ','))
			}
		}
		if d.placed {
			n.extent.Add(d.position())
		}
		d.from, d.to, d.written, d.shown = uint32(from), uint32(len(n.text)), true, state
	}
	n.texted = n.version
}

// Look says what of a property is looked at, by whom, and when.
type Look struct {
	Scope  *access.Scope
	Keep   *Keeper
	Window *geo.Window // nil: everywhere, and what has no place, too
	Now    int64       // in nanoseconds since 1970

	Unwanted telemetry.Quality // Newest leaves values with one of these flags out
}

// Key names what a look shows of a property in any window: it is equal for
// those that see the same.
func (q *Look) Key(property string) string { return ViewOf(q.Scope, property, nil) + q.Keep.key() }

// Newest is the newest value of every station that a look shows as a GeoJSON
// FeatureCollection, at most so many; limit 0 is all. Stations without a place
// are shown where there is no window. Its parts were written before where they
// have not changed; who asks for the same again, and nothing has, gets the same.
func (m *Map) Newest(property *devices.ObservedProperty, q *Look, limit int) *Parts {
	l, window, key := m.layer(property), q.Keep.Narrow(q.Window), keyOf(q, property.Code, limit)
	version := l.seen()
	if kept := l.kept.get(key, version, q.Now); kept != nil {
		return kept
	}
	w := featureWalk{dotWalk: dotWalk{look: &look{scope: q.Scope, keep: q.Keep, window: everywhere, now: q.Now}, property: property.Code}, unwanted: q.Unwanted, city: m, of: property, layer: l, limit: limit, until: math.MaxInt64}
	if window != nil {
		w.window = *window
	}
	w.aim()
	for w.step(window == nil) {
		continue
	}
	all := &Parts{}
	all.add([]byte(collectionHead))
	for i, features := range w.written {
		if i == 0 {
			features = features[1:] // its comma
		}
		all.add(features)
	}
	all.add(append(w.extent.AppendMember([]byte("]")), '}'))
	if l.seen() == version { // or some of it may be of after a change
		l.kept.put(key, version, w.until, all)
	}
	return all
}

// seen names what is to be seen now.
func (l *dotLayer) seen() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.version
}

// featureWalk writes the features of a look, each after a comma.
type featureWalk struct {
	dotWalk
	city     *Map
	of       *devices.ObservedProperty
	layer    *dotLayer
	limit    int
	unwanted telemetry.Quality
	written  [][]byte
	count    int
	until    int64 // the first instant at which a state of what was written is another
	extent   geo.Extent
	todo     []featureTurn
}

type featureTurn struct {
	node  int32
	whole bool
}

const collectionHead = `{"type":"FeatureCollection","features":[`

// beginCollection begins a FeatureCollection, up to its first feature; each of
// them is written after a comma.
func beginCollection(b []byte) []byte { return append(b, collectionHead[:len(collectionHead)-1]...) }

// endCollection ends one of which the features begin at a place.
func endCollection(b []byte, begin int, extent *geo.Extent) []byte {
	if len(b) == begin {
		b = append(b, ',')
	}
	b[begin] = '[' // there is no comma before the first
	return append(extent.AppendMember(append(b, ']')), '}')
}

// step writes some, and says whether there are more. Between steps others have
// their turn.
func (w *featureWalk) step(placeless bool) (more bool) {
	l := w.layer
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.writing.Lock()
	defer l.writing.Unlock()
	l.texts = w.city.o.Now()
	if w.tree != l.tree { // another tree: from the beginning
		w.tree, w.written, w.count, w.extent, w.todo = l.tree, nil, 0, geo.Extent{}, w.todo[:0]
		if placeless {
			w.todo = append(w.todo, featureTurn{nowhere, true})
		}
		w.todo = append(w.todo, featureTurn{onMap, false})
	}
	for done := 0; done < textStep && len(w.todo) > 0; {
		last := len(w.todo) - 1
		turn := w.todo[last]
		w.todo = w.todo[:last]
		n := &w.tree.nodes[turn.node]
		meets, whole := true, turn.whole
		if !whole {
			meets, whole = w.meets(n)
		}
		switch {
		case !meets:
		case n.inner:
			for _, c := range slices.Backward(n.child[:]) {
				if c != 0 {
					w.todo = append(w.todo, featureTurn{c, whole})
				}
			}
		default:
			w.leaf(n, whole)
			done++
		}
	}
	return len(w.todo) > 0 && (w.limit == 0 || w.count < w.limit)
}

// leaf writes what is to be seen of one.
func (w *featureWalk) leaf(n *dotNode, whole bool) {
	n.write(w.city, w.of, w.now)
	w.until = min(w.until, n.until)
	features := n.text
	if whole && w.scope.All && w.keep == nil && w.limit == 0 && w.unwanted == 0 && n.singles {
		w.extent.Join(&n.extent)
	} else {
		features = w.some(n, whole)
	}
	if len(features) > 0 {
		w.written = append(w.written, features)
	}
}

func (w *featureWalk) some(n *dotNode, whole bool) (features []byte) {
	w.stations(n.dots, whole, func(d *dot, _ uint8, _ int64, kept bool) {
		if !kept || d.from == d.to || d.quality&w.unwanted != 0 || w.limit > 0 && w.count >= w.limit {
			return
		}
		features = append(features, n.text[d.from:d.to]...)
		w.count++
		if d.placed {
			w.extent.Add(d.position())
		}
	})
	return features
}

// forget gives the memory of texts back that nobody asks for.
func (l *dotLayer) forget(now time.Time) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.tree == nil || l.texts.IsZero() || now.Sub(l.texts) < textsKept {
		return
	}
	l.texts = time.Time{}
	l.kept.forget()
	for i := range l.tree.nodes {
		n := &l.tree.nodes[i]
		n.dotText = dotText{}
		for j := range n.dots {
			n.dots[j].written = false
		}
	}
}
