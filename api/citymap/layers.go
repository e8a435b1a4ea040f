package citymap

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// Options says what a map is drawn from; all are required.
type Options struct {
	Registry *devices.Registry
	Latest   *telemetry.Latest
	Now      func() time.Time
	Zone     *time.Location // the city's, in which its days are cut
}

// Map is the city's newest values by property and by their place, so that a
// window costs what lies in it. A property is taken in when it is first asked
// for, and let go when nobody asks any more.
type Map struct {
	o       Options
	drawing sync.Pool // of *tileLayers

	mu      sync.Mutex
	layers  map[string]*dotLayer
	tellers map[string]*teller // by view of everywhere
}

const (
	dotsKept   = time.Hour              // how long a property stays that nobody asks for
	versionAge = time.Second            // how often a tile of stations is drawn anew while values change
	dotsPause  = 100 * time.Millisecond // how long changes may wait for somebody who asks
)

// New makes a map. Run keeps it up to date, Tell and Move say what changes.
func New(o Options) *Map {
	return &Map{o: o, drawing: sync.Pool{New: newTileLayers}, layers: map[string]*dotLayer{}}
}

// dotLayer is one property. Readers hold mu while they look at it.
type dotLayer struct {
	property string
	asked    time.Time // guarded by Map.mu

	marks   sync.Mutex
	changed []int64 // groups with a newer value
	anew    []int64 // groups of which anything may be new

	mu       sync.RWMutex
	tree     *dotTree // nil: nothing was taken in yet
	registry uint64   // up to where the registry's changes are in
	version  uint64   // changes with what is to be seen
	drawn    drawnVersion
	writing  sync.Mutex // held, with mu, by who changes the texts
	texts    time.Time  // when they were last asked for
	views    dotViews
	kept     keptAnswer
}

// dot is one datastream at its place.
type dot struct {
	lon, lat     float64
	alt          float64
	spot         geo.Spot
	value        float64 // NaN for text
	time         int64
	fresh        int64 // the age at which it is no more ok, in ns
	group        int64
	thing        int64
	organisation int64
	from, to     uint32 // its text, in that of its leaf
	quality      telemetry.Quality
	severity     telemetry.Severity
	published    uint8 // index in publications
	timed        bool  // its model's interval is known
	placed       bool  // it has a place
	written      bool  // its text holds, while it has the state …
	shown        uint8 // … of then
}

var publications = [...]access.Publication{access.Private, access.Internal, access.Open}

// Tell marks what lines change. It waits for nobody but other markers.
func (m *Map) Tell(lines []telemetry.Line) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.layers) == 0 {
		return
	}
	for i := range lines {
		for j := range lines[i].Fields {
			if l := m.layers[lines[i].Fields[j].Property]; l != nil {
				l.marks.Lock()
				l.changed = append(l.changed, lines[i].Group)
				l.marks.Unlock()
			}
		}
	}
}

// Move marks a thing that has moved.
func (m *Map) Move(thing int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.layers) == 0 {
		return
	}
	groups := m.o.Registry.GroupsOf(thing)
	for _, l := range m.layers {
		l.marks.Lock()
		l.anew = append(l.anew, groups...)
		l.marks.Unlock()
	}
}

// layer gives a property as it is now, to be read while its mu is held.
func (m *Map) layer(property *devices.ObservedProperty) *dotLayer {
	now := m.o.Now()
	m.mu.Lock()
	for code, l := range m.layers {
		if now.Sub(l.asked) > dotsKept {
			delete(m.layers, code)
		}
	}
	l := m.layers[property.Code]
	if l == nil {
		l = &dotLayer{property: property.Code}
		m.layers[property.Code] = l
	}
	l.asked = now
	m.mu.Unlock()
	l.refresh(m)
	return l
}

// Run takes changes in until the context ends, so that who asks finds few.
func (m *Map) Run(ctx context.Context) {
	tick := time.NewTicker(dotsPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m.mu.Lock()
		layers := make([]*dotLayer, 0, len(m.layers))
		for _, l := range m.layers {
			layers = append(layers, l)
		}
		m.mu.Unlock()
		for _, l := range layers {
			l.refresh(m)
			l.forget(m.o.Now())
		}
	}
}

// refresh takes in what has changed. Who finds nothing to do may have to wait
// for somebody who does it: the marks are taken by who holds mu alone.
func (l *dotLayer) refresh(m *Map) {
	if l.idle(m) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.marks.Lock()
	changed, anew := l.changed, l.anew
	l.changed, l.anew = nil, nil
	l.marks.Unlock()
	groups, mark, all := m.o.Registry.Since(l.registry)
	l.registry = mark
	if all || l.tree == nil {
		l.build(m)
		return
	}
	for _, group := range changed {
		l.change(m, group)
	}
	for _, group := range slices.Concat(anew, groups) {
		l.renew(m, group)
	}
	if len(changed)+len(anew)+len(groups) > 0 {
		l.version++
	}
}

// idle says whether there is nothing to take in.
func (l *dotLayer) idle(m *Map) bool {
	l.marks.Lock()
	marked := len(l.changed)+len(l.anew) > 0
	l.marks.Unlock()
	l.mu.RLock()
	defer l.mu.RUnlock()
	return !marked && l.tree != nil && m.o.Registry.Mark() == l.registry
}

// change takes in a group's newest value.
func (l *dotLayer) change(m *Map, group int64) {
	at, i, known := l.tree.find(group)
	if !known {
		l.renew(m, group)
		return
	}
	if v, ok := m.o.Latest.At(l.property, group); ok {
		l.tree.nodes[at].dots[i].set(v)
		l.tree.touch(at)
	}
}

// renew takes in all that is known of a group.
func (l *dotLayer) renew(m *Map, group int64) {
	v, told := m.o.Latest.At(l.property, group)
	if !told {
		return // and never was
	}
	d, shown := m.dot(v)
	at, i, known := l.tree.find(group)
	if known && shown {
		if old := &l.tree.nodes[at].dots[i]; old.spot == d.spot && old.placed == d.placed {
			d.from, d.to = old.from, old.to
			*old = d
			l.tree.touch(at)
			return
		}
	}
	if known {
		l.tree.remove(group)
	}
	if shown {
		l.tree.put(&d)
	}
}

func (d *dot) set(v telemetry.LatestValue) {
	d.time, d.value, d.quality, d.severity, d.written = v.Time, v.Value.Num, v.Quality, v.Severity, false
	if v.Value.Kind == telemetry.Text {
		d.value = math.NaN()
	}
}

// build takes in all stations of the property.
func (l *dotLayer) build(m *Map) {
	values := m.o.Latest.Of(l.property)
	all := make([]dot, 0, len(values))
	for _, v := range values {
		if d, ok := m.dot(v); ok {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b dot) int { return cmp.Compare(a.spot, b.spot) })
	l.plant(all)
}

// plant makes the tree of sorted dots.
func (l *dotLayer) plant(all []dot) {
	l.tree = newDotTree()
	for i := range all {
		l.tree.put(&all[i])
	}
	l.views.clear()
	l.version++
}

// dot is a value at its place; false when nobody may see it.
func (m *Map) dot(v telemetry.LatestValue) (dot, bool) {
	target, err := m.o.Registry.Series(v.Group)
	if err != nil || target.Station == nil ||
		v.Slot >= len(target.Series.Datastreams) || target.Series.Datastreams[v.Slot] == 0 {
		return dot{}, false
	}
	interval := time.Duration(0)
	if target.Model != nil {
		interval = target.Model.Sensor.ReportInterval
	}
	d := dot{group: v.Group, thing: target.Station.ID, organisation: target.Station.OrganisationID,
		fresh: freshFor(interval), timed: interval != 0,
		published: uint8(max(0, slices.Index(publications[:], target.Publication(v.Slot))))}
	d.place(m.present(target.Station).Position)
	d.set(v)
	return d, true
}

// place puts a dot on the map. What has no place is spread over a map of its
// own by the thing's id.
func (d *dot) place(p *geo.Position) {
	if p == nil {
		const golden = 0x9E3779B97F4A7C15
		d.spot = geo.Spot(uint64(d.thing) * golden >> 2)
		return
	}
	d.lon, d.lat, d.alt, d.spot, d.placed = p.Lon, p.Lat, p.Alt, geo.SpotOf(*p), true
}

func (d *dot) position() geo.Position { return geo.Position{Lon: d.lon, Lat: d.lat, Alt: d.alt} }

// state is the place in states, and the instant from which on it is another.
func (d *dot) state(now int64) (state uint8, until int64) {
	state = stateAt(d.severity, now-d.time, d.fresh, d.timed)
	if state == 0 && d.time < math.MaxInt64-d.fresh {
		return state, d.time + d.fresh + 1
	}
	return state, math.MaxInt64
}

// Version names what can be seen of a property now: it changes at most once in
// versionAge, and at least once in a minute, as values grow old without a change.
func (m *Map) Version(property *devices.ObservedProperty, now time.Time) uint64 {
	l := m.layer(property)
	l.mu.Lock()
	defer l.mu.Unlock()
	minute := uint64(now.Unix() / 60)
	if (l.drawn.version != l.version || l.drawn.minute != minute) && now.Sub(l.drawn.at) >= versionAge {
		l.drawn = drawnVersion{l.version, minute, uint64(now.UnixNano()), now}
	}
	return l.drawn.number
}

// drawnVersion is the version of a layer that tiles show.
type drawnVersion struct {
	version, minute uint64
	number          uint64 // never the same twice
	at              time.Time
}
