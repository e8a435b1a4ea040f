package api

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

// dots are the newest values as the map needs them: by property, by their
// place, so that a window costs what lies in it. A property is taken in when it
// is first asked for, and let go when nobody asks any more.
type dots struct {
	server *Server

	mu     sync.Mutex
	layers map[string]*dotLayer
}

const (
	dotsKept  = time.Hour              // how long a property stays that nobody asks for
	dotsPause = 100 * time.Millisecond // how long changes may wait for somebody who asks
)

func newDots(s *Server) *dots { return &dots{server: s, layers: map[string]*dotLayer{}} }

// dotLayer is one property. Readers hold mu while they look at it.
type dotLayer struct {
	property string
	asked    time.Time // guarded by dots.mu

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
	severity     telemetry.Severity
	published    uint8 // index in publications
	timed        bool  // its model's interval is known
	placed       bool  // it has a place
	written      bool  // its text holds, while it has the state …
	shown        uint8 // … of then
}

var publications = [...]access.Publication{access.Private, access.Internal, access.Open}

// tell marks what lines change. It waits for nobody but other markers.
func (d *dots) tell(lines []telemetry.Line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.layers) == 0 {
		return
	}
	for i := range lines {
		for j := range lines[i].Fields {
			if l := d.layers[lines[i].Fields[j].Property]; l != nil {
				l.marks.Lock()
				l.changed = append(l.changed, lines[i].Group)
				l.marks.Unlock()
			}
		}
	}
}

// move marks a thing that has moved.
func (d *dots) move(thing int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.layers) == 0 {
		return
	}
	groups := d.server.o.Registry.GroupsOf(thing)
	for _, l := range d.layers {
		l.marks.Lock()
		l.anew = append(l.anew, groups...)
		l.marks.Unlock()
	}
}

// layer gives a property as it is now, to be read while its mu is held.
func (d *dots) layer(property *devices.ObservedProperty) *dotLayer {
	now := d.server.o.Now()
	d.mu.Lock()
	for code, l := range d.layers {
		if now.Sub(l.asked) > dotsKept {
			delete(d.layers, code)
		}
	}
	l := d.layers[property.Code]
	if l == nil {
		l = &dotLayer{property: property.Code}
		d.layers[property.Code] = l
	}
	l.asked = now
	d.mu.Unlock()
	l.refresh(d.server)
	return l
}

// run takes changes in until the context ends, so that who asks finds few.
func (d *dots) run(ctx context.Context) {
	tick := time.NewTicker(dotsPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		d.mu.Lock()
		layers := make([]*dotLayer, 0, len(d.layers))
		for _, l := range d.layers {
			layers = append(layers, l)
		}
		d.mu.Unlock()
		for _, l := range layers {
			l.refresh(d.server)
			l.forget(d.server.o.Now())
		}
	}
}

// refresh takes in what has changed. Who finds nothing to do may have to wait
// for somebody who does it: the marks are taken by who holds mu alone.
func (l *dotLayer) refresh(s *Server) {
	if l.idle(s) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.marks.Lock()
	changed, anew := l.changed, l.anew
	l.changed, l.anew = nil, nil
	l.marks.Unlock()
	groups, mark, all := s.o.Registry.Since(l.registry)
	l.registry = mark
	if all || l.tree == nil {
		l.build(s)
		return
	}
	for _, group := range changed {
		l.change(s, group)
	}
	for _, group := range slices.Concat(anew, groups) {
		l.renew(s, group)
	}
	if len(changed)+len(anew)+len(groups) > 0 {
		l.version++
	}
}

// idle says whether there is nothing to take in.
func (l *dotLayer) idle(s *Server) bool {
	l.marks.Lock()
	marked := len(l.changed)+len(l.anew) > 0
	l.marks.Unlock()
	l.mu.RLock()
	defer l.mu.RUnlock()
	return !marked && l.tree != nil && s.o.Registry.Mark() == l.registry
}

// change takes in a group's newest value.
func (l *dotLayer) change(s *Server, group int64) {
	at, i, known := l.tree.find(group)
	if !known {
		l.renew(s, group)
		return
	}
	if v, ok := s.o.Latest.At(l.property, group); ok {
		l.tree.nodes[at].dots[i].set(v)
		l.tree.touch(at)
	}
}

// renew takes in all that is known of a group.
func (l *dotLayer) renew(s *Server, group int64) {
	v, told := s.o.Latest.At(l.property, group)
	if !told {
		return // and never was
	}
	d, shown := s.dot(v)
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
	d.time, d.value, d.severity, d.written = v.Time, v.Value.Num, v.Severity, false
	if v.Value.Kind == devices.Text {
		d.value = math.NaN()
	}
}

// build takes in all stations of the property.
func (l *dotLayer) build(s *Server) {
	values := s.o.Latest.Of(l.property)
	all := make([]dot, 0, len(values))
	for _, v := range values {
		if d, ok := s.dot(v); ok {
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
func (s *Server) dot(v telemetry.LatestValue) (dot, bool) {
	target, err := s.o.Registry.Series(v.Group)
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
	d.place(s.present(target.Station).Position)
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
