package devices

import "slices"

// A group belongs to the model of the first device that stood in its place. A
// device of another model that takes the place over writes to the same
// datastreams: its channels get the slots that the group's datastreams of the
// same properties have. Such a group is mixed; all others take the short way.

// measure is what a datastream measures.
type measure struct{ property, unit string }

// measure gives the one copy that all datastreams share.
func (x *index) measure(property, unit string) *measure {
	key := measure{property, unit}
	if m := x.measures[key]; m != nil {
		return m
	}
	m := &key
	x.measures[key] = m
	return m
}

// share lets a new series hold the same measures as the last one of its model,
// if they are equal. From then on they are copied when they change.
func (x *index) share(s *Series) {
	if s == nil {
		return
	}
	if usual := x.usual[s.SensorID]; slices.Equal(usual, s.measures) {
		s.measures = usual
	} else {
		x.usual[s.SensorID] = s.measures
	}
}

// Unit is the unit of the datastream at a slot; "" where there is none.
func (s *Series) Unit(slot int) string {
	if slot < 0 || slot >= len(s.measures) || s.measures[slot] == nil {
		return ""
	}
	return s.measures[slot].unit
}

// slotOf finds the slot of a property; -1 when the group has none.
func (s *Series) slotOf(property string) int {
	return slices.IndexFunc(s.measures, func(m *measure) bool { return m != nil && m.property == property })
}

// SlotOf gives the place of a property within a group's messages; false where
// nothing of the group measures it.
func (r *Registry) SlotOf(group int64, property string) (int, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := r.index.seriesOf(group)
	if s == nil {
		return 0, false
	}
	slot := s.slotOf(property)
	return slot, slot >= 0
}

// fit is a model in a mixed group.
type fit struct{ sensor, group int64 }

// modelIn is a model as its devices fill a group.
func (x *index) modelIn(sensor int64, s *Series) *Model {
	if s.mixed {
		return x.fits[fit{sensor, s.ID}]
	}
	return x.models[sensor]
}

// host notes that a device of a model fills a group from an instant on.
func (x *index) host(sensor, group, from int64) {
	old := x.seriesOf(group)
	if old == nil || !old.mixed && old.SensorID == sensor {
		return
	}
	next := *old
	next.mixed = true
	if next.filler == 0 || from >= next.since {
		next.filler, next.since = sensor, from
	}
	x.seat(&next)
	for _, s := range []int64{old.SensorID, sensor} {
		if !slices.Contains(x.guests[group], s) {
			x.guests[group] = append(x.guests[group], s)
		}
	}
	x.refit(group)
}

// refit maps the models of a mixed group to its slots anew.
func (x *index) refit(group int64) {
	for _, sensor := range x.guests[group] {
		if m := x.models[sensor]; m != nil {
			x.fits[fit{sensor, group}] = m.fitted(x.seriesOf(group))
		}
	}
}

// fitted is the model with the group's slots. A channel of which the group has
// no datastream is left out.
func (m *Model) fitted(s *Series) *Model {
	f := &Model{Sensor: m.Sensor}
	f.Sensor.Channels = nil
	for i, c := range m.Sensor.Channels {
		if c.Slot = s.slotOf(c.Property); c.Slot >= 0 {
			f.Sensor.Channels = append(f.Sensor.Channels, c)
			f.Kinds = append(f.Kinds, m.Kinds[i])
		}
	}
	return f
}

// hosts says whether devices of a model fill, or filled, a group of another.
func (r *Registry) hosts(group, sensor int64) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Contains(r.index.guests[group], sensor)
}

// hostsOf are the groups of other models that devices of a model fill or filled.
func (r *Registry) hostsOf(sensor int64) (groups []int64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for group, sensors := range r.index.guests {
		if slices.Contains(sensors, sensor) && r.index.seriesOf(group).SensorID != sensor {
			groups = append(groups, group)
		}
	}
	slices.Sort(groups)
	return groups
}
