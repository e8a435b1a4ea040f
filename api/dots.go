package api

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// dots are the newest values as the map needs them: by property, sorted by
// their place, so that a window costs what lies in it. A property is taken in
// when it is first asked for, and let go when nobody asks any more.
type dots struct {
	server *Server

	mu     sync.Mutex
	layers map[string]*dotLayer
}

// dotsKept is how long a property stays that nobody asks for.
const dotsKept = 10 * time.Minute

func newDots(s *Server) *dots { return &dots{server: s, layers: map[string]*dotLayer{}} }

// dotLayer is one property. Readers hold mu while they look at it.
type dotLayer struct {
	property *devices.ObservedProperty
	asked    time.Time // guarded by dots.mu

	marks   sync.Mutex
	changed map[int64]struct{} // groups with a newer value
	moved   map[int64]struct{} // things at another place

	mu       sync.RWMutex
	spots    []geo.Spot // of dots, ascending
	dots     []dot
	place    map[int64]int32 // group → index
	registry uint64          // revision of what was built
	built    time.Time
	took     time.Duration
	lacks    bool   // a group has a value that was not built in
	version  uint64 // changes with what is to be seen
	drawn    drawnVersion
}

// dot is one datastream at its place.
type dot struct {
	lon, lat     float64
	value        float64 // NaN for text
	time         int64
	fresh        int64 // the age at which it is no more ok, in ns
	group        int64
	thing        int64
	organisation int64
	published    uint8 // index in publications
	severity     telemetry.Severity
	timed        bool // its model's interval is known
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
				l.changed[lines[i].Group] = struct{}{}
				l.marks.Unlock()
			}
		}
	}
}

// move marks a thing that has moved.
func (d *dots) move(thing int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.layers {
		l.marks.Lock()
		l.moved[thing] = struct{}{}
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
		l = &dotLayer{property: property, changed: map[int64]struct{}{}, moved: map[int64]struct{}{}, lacks: true}
		d.layers[property.Code] = l
	}
	l.asked = now
	d.mu.Unlock()
	l.refresh(d.server)
	return l
}

// refresh takes in what has changed. Building anew what is large costs a
// second, so it is not done more often than every fifth part of the time:
// until then stations that are new, moved or published otherwise stay as they
// were, a few seconds at a million stations and none in a usual city.
func (l *dotLayer) refresh(s *Server) {
	l.marks.Lock()
	changed := l.changed
	l.changed = map[int64]struct{}{}
	moved := len(l.moved) > 0
	clear(l.moved)
	l.marks.Unlock()
	revision := s.o.Registry.Revision()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lacks = l.lacks || moved
	for group := range changed {
		at, known := l.place[group]
		if !known {
			l.lacks = true
			continue
		}
		if v, ok := s.o.Latest.At(l.property.Code, group); ok {
			l.dots[at].set(v)
		}
	}
	if len(changed) > 0 {
		l.version++
	}
	if (l.lacks || l.registry != revision) && time.Since(l.built) >= 4*l.took {
		l.build(s, revision)
	}
}

func (d *dot) set(v telemetry.LatestValue) {
	d.time, d.value, d.severity = v.Time, v.Value.Num, v.Severity
	if v.Value.Kind == devices.Text {
		d.value = math.NaN()
	}
}

// build takes in all stations of the property that have a place.
func (l *dotLayer) build(s *Server, revision uint64) {
	began := time.Now()
	values := s.o.Latest.Of(l.property.Code)
	l.dots = make([]dot, 0, len(values))
	for _, v := range values {
		if d, ok := s.dot(v); ok {
			l.dots = append(l.dots, d)
		}
	}
	spots := make([]geo.Spot, len(l.dots))
	order := make([]int32, len(l.dots))
	for i := range l.dots {
		spots[i], order[i] = geo.SpotOf(l.dots[i].position()), int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		if c := cmp.Compare(spots[a], spots[b]); c != 0 {
			return c
		}
		return cmp.Compare(l.dots[a].thing, l.dots[b].thing)
	})
	sorted := make([]dot, len(order))
	l.spots, l.place = make([]geo.Spot, len(order)), make(map[int64]int32, len(order))
	for i, from := range order {
		sorted[i], l.spots[i] = l.dots[from], spots[from]
		l.place[sorted[i].group] = int32(i)
	}
	l.dots, l.lacks, l.registry = sorted, false, revision
	l.version++
	l.built = time.Now()
	l.took = l.built.Sub(began)
}

// dot is a value at its place; false when it has none, or nobody may see it.
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
	p := s.present(target.Station).Position
	if p == nil {
		return dot{}, false
	}
	d := dot{lon: p.Lon, lat: p.Lat, group: v.Group, thing: target.Station.ID, organisation: target.Station.OrganisationID,
		fresh: freshFor(interval), timed: interval != 0,
		published: uint8(max(0, slices.Index(publications[:], target.Series.Publication(v.Slot))))}
	d.set(v)
	return d, true
}

func (d *dot) position() geo.Position { return geo.Position{Lon: d.lon, Lat: d.lat} }

// state is the place in states.
func (d *dot) state(now int64) uint8 { return stateAt(d.severity, now-d.time, d.fresh, d.timed) }
