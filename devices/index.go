package devices

import (
	"cmp"
	"math"
	"slices"
	"time"

	"cityhub/access"
	"cityhub/geo"
)

// Model is a sensor as the way of a reading needs it. It is never changed
// once handed out; an edit makes a new one.
type Model struct {
	Sensor Sensor
	Kinds  []Kind // of Sensor.Channels, same order
}

// Channel finds the channel that a payload's key means; nil when none does.
func (m *Model) Channel(key string) (*Channel, Kind) {
	for i := range m.Sensor.Channels {
		if m.Sensor.Channels[i].Key == key {
			return &m.Sensor.Channels[i], m.Kinds[i]
		}
	}
	return nil, ""
}

// Station is a thing with its present place. Never changed once handed out.
type Station struct {
	ID             int64
	Code, Name     string
	OrganisationID int64
	Position       *geo.Position // nil: unknown
	Mobile         bool
	location       int64
	stays          []stay // times under maintenance
}

// Series is a group with its datastreams. Never changed once handed out.
type Series struct {
	Group
	Datastreams []int64 // ids by slot; 0: none, or retired
	open        uint64  // a bit for each slot that is public
	internal    uint64  // a bit for each slot that is for every organisation

	measures []*measure // by slot; nil: the slot is free
	mixed    bool       // devices of other models than the group's have filled it
	filler   int64      // where mixed, the model that filled it last
	since    int64      // where mixed, from when on it does; nanoseconds
}

// Publication tells who may see the readings of a slot.
func (s *Series) Publication(slot int) access.Publication {
	switch bit := uint64(1) << (slot & 63); {
	case s.open&bit != 0:
		return access.Open
	case s.internal&bit != 0:
		return access.Internal
	}
	return access.Private
}

// unit is a device with the places at which it stood. What resolving looks at
// comes first, in one line of the processor's cache.
type unit struct {
	id       int64
	sensor   int64
	code     string
	last     binding // of bindings; the zero one where there is none
	devEUI   string
	owner    int64     // organisation, 0: none
	bindings []binding // by from, ascending; never overlapping
}

type binding struct {
	from, to   int64 // nanoseconds since 1970, half-open; to is MaxInt64 while open
	seat       *seat // of the group
	group      int64
	deployment int64
}

// index is the registry in memory, as resolving needs it.
type index struct {
	properties map[string]ObservedProperty
	models     map[int64]*Model
	stations   map[int64]*site // by thing
	series     map[int64]*seat // by group
	units      names           // by code, and by DevEUI where there is one
	unitByID   map[int64]*unit
	left       []string // codes that the change under way took from their devices
	locations  map[int64]geo.Position
	visits     map[int64]map[int64]stay // by thing and visit
	measures   map[measure]*measure     // one copy of each
	usual      map[int64][]*measure     // by sensor: those of a group, which the next ones share
	guests     map[int64][]int64        // by mixed group: the models that fill or filled it
	fits       map[fit]*Model           // how those fit in
	fences     map[int64]Fence
	moves      map[int64][]move // by thing, those that have moved; ascending by time
	zoning
	touched touched
}

func newIndex() *index {
	return &index{
		properties: map[string]ObservedProperty{},
		models:     map[int64]*Model{},
		stations:   map[int64]*site{},
		series:     map[int64]*seat{},
		units:      newNames(),
		unitByID:   map[int64]*unit{},
		locations:  map[int64]geo.Position{},
		visits:     map[int64]map[int64]stay{},
		measures:   map[measure]*measure{},
		usual:      map[int64][]*measure{},
		guests:     map[int64][]int64{},
		fits:       map[fit]*Model{},
		fences:     map[int64]Fence{},
		moves:      map[int64][]move{},
		zoning:     newZoning(),
	}
}

func (x *index) enterProperty(p ObservedProperty) {
	x.touched.all()
	x.properties[p.Code] = p
	for id, m := range x.models { // a changed kind reaches the models that use it
		x.models[id] = x.model(m.Sensor)
	}
	for group := range x.guests {
		x.refit(group)
	}
}

func (x *index) leaveProperty(p ObservedProperty) { delete(x.properties, p.Code) }

func (x *index) model(s Sensor) *Model {
	m := &Model{Sensor: s, Kinds: make([]Kind, len(s.Channels))}
	for i, c := range s.Channels {
		m.Kinds[i] = x.properties[c.Property].Kind
	}
	return m
}

func (x *index) enterSensor(s Sensor) {
	if x.models[s.ID] != nil {
		x.touched.all()
	}
	x.models[s.ID] = x.model(s)
	for group, sensors := range x.guests {
		if slices.Contains(sensors, s.ID) {
			x.refit(group)
		}
	}
}

func (x *index) leaveSensor(s Sensor) { delete(x.models, s.ID) }

func (x *index) enterLocation(l Location) {
	x.locations[l.ID] = l.Position
}

func (x *index) enterThing(t Thing) {
	s := &Station{ID: t.ID, Code: t.Code, Name: t.Name, OrganisationID: t.OrganisationID, Mobile: t.Mobile, location: t.LocationID}
	if p, ok := x.locations[t.LocationID]; ok && t.LocationID != 0 {
		s.Position = &p
	}
	s.stays = x.staysAt(t.ID)
	x.stand(t.ID, s)
}

func (x *index) leaveThing(t Thing) { // no group can be at it
	delete(x.stations, t.ID)
	delete(x.moves, t.ID)
}

func (x *index) enterGroup(g Group) {
	if x.seriesOf(g.ID) == nil {
		x.seat(&Series{Group: g})
	}
}

// enterPlace takes in a new group with all its datastreams.
func (x *index) enterPlace(g Group, streams []Datastream) {
	x.enterGroup(g)
	for i := range streams {
		x.loadDatastream(streams[i])
	}
	x.share(x.seriesOf(g.ID))
}

func (x *index) enterDatastream(d Datastream) {
	x.setStream(d, x.measure(d.Property, d.Unit))
}

func (x *index) leaveDatastream(d Datastream) {
	x.setStream(Datastream{Group: d.Group, Slot: d.Slot, Retired: true}, nil)
}

// setStream copies the series: readers may hold the old one.
func (x *index) setStream(d Datastream, m *measure) {
	old := x.seriesOf(d.Group)
	if old == nil || d.Slot < 0 {
		return
	}
	next := *old
	next.Datastreams = slices.Clone(old.Datastreams)
	next.measures = slices.Clone(old.measures)
	next.set(&d, m)
	x.seat(&next)
	x.refit(d.Group)
}

// set puts a datastream into a series that nobody else holds yet.
func (s *Series) set(d *Datastream, m *measure) {
	for len(s.Datastreams) <= d.Slot {
		s.Datastreams = append(s.Datastreams, 0)
	}
	for len(s.measures) <= d.Slot {
		s.measures = append(s.measures, nil)
	}
	s.Datastreams[d.Slot], s.measures[d.Slot] = d.ID, m
	bit := uint64(1) << (d.Slot & 63)
	s.open, s.internal = s.open&^bit, s.internal&^bit
	switch {
	case d.Retired:
		s.Datastreams[d.Slot] = 0
	case d.Publication == access.Open:
		s.open |= bit
	case d.Publication == access.Internal:
		s.internal |= bit
	}
}

func (x *index) enterDevice(d Device) {
	old := x.unitByID[d.ID]
	if old != nil && old.code == d.Code && old.devEUI == d.DevEUI {
		old.sensor, old.owner = d.SensorID, d.OrganisationID
		return
	}
	u := &unit{id: d.ID, code: d.Code, devEUI: d.DevEUI, sensor: d.SensorID, owner: d.OrganisationID}
	if old != nil {
		u.bindings, u.last = old.bindings, old.last
		x.forget(old)
		if old.code != d.Code {
			x.left = append(x.left, old.code)
		}
	}
	x.unitByID[d.ID] = u
	x.units.put(d.Code, u)
	x.units.put(d.DevEUI, u)
}

func (x *index) leaveDevice(d Device) {
	if u := x.unitByID[d.ID]; u != nil {
		x.forget(u)
		x.left = append(x.left, u.code)
	}
}

func (x *index) forget(u *unit) {
	delete(x.unitByID, u.id)
	x.units.drop(u.code)
	x.units.drop(u.devEUI)
}

func (x *index) enterDeployment(d Deployment) {
	u := x.unitByID[d.DeviceID]
	if u == nil {
		return
	}
	x.leaveDeployment(d)
	seat := x.series[d.GroupID]
	if seat == nil {
		return // nothing resolves to what has no datastreams
	}
	u.bindings = append(u.bindings, binding{d.From.UnixNano(), endOf(d.To), seat, d.GroupID, d.ID})
	slices.SortFunc(u.bindings, func(a, b binding) int { return cmp.Compare(a.from, b.from) })
	u.last = u.bindings[len(u.bindings)-1]
	x.host(u.sensor, d.GroupID, d.From.UnixNano())
}

func (x *index) leaveDeployment(d Deployment) {
	u := x.unitByID[d.DeviceID]
	if u == nil {
		return
	}
	kept := u.bindings[:0:0]
	for _, b := range u.bindings {
		if b.deployment != d.ID {
			kept = append(kept, b)
		}
	}
	u.bindings, u.last = kept, binding{}
	if n := len(kept); n > 0 {
		u.last = kept[n-1]
	}
}

func endOf(to time.Time) int64 {
	if to.IsZero() {
		return math.MaxInt64
	}
	return to.UnixNano()
}

// at finds the binding that holds at an instant.
func (u *unit) at(instant int64) (b *binding, holds bool) {
	if u.last.from <= instant {
		return &u.last, instant < u.last.to
	}
	for i := len(u.bindings) - 1; i >= 0; i-- {
		if b := &u.bindings[i]; b.from <= instant {
			return b, instant < b.to
		}
	}
	return nil, false
}
