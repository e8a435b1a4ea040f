package devices

// A reading is resolved some thousand times a second among half a million
// datastreams that no processor's cache holds: what counts is how often memory
// is touched. So a device's name stands in the map itself, its present
// deployment in the device, and that leads to the series and the station by a
// seat, which never moves; what it holds does.

// site holds a thing's present state; nil while it is not known.
type site struct {
	station *Station
	seats   []*seat // of its groups
}

// seat holds a group's present series, and its thing's present state.
type seat struct {
	series  *Series
	station *Station
	mixed   bool // the series'
}

// site gives a thing's holder.
func (x *index) site(thing int64) *site {
	s := x.stations[thing]
	if s == nil {
		s = &site{}
		x.stations[thing] = s
	}
	return s
}

// seat lets a group's holder hold a series.
func (x *index) seat(next *Series) {
	s := x.series[next.ID]
	if s == nil {
		at := x.site(next.ThingID)
		s = &seat{station: at.station}
		at.seats = append(at.seats, s)
		x.series[next.ID] = s
	}
	s.series, s.mixed = next, next.mixed
	x.touched.note(next.ID)
}

// stand gives a thing another state.
func (x *index) stand(thing int64, next *Station) {
	s := x.site(thing)
	s.station = next
	for _, seat := range s.seats {
		seat.station = next
		x.touched.note(seat.series.ID)
	}
}

// seriesOf gives a group's series; nil for none.
func (x *index) seriesOf(group int64) *Series {
	if s := x.series[group]; s != nil {
		return s.series
	}
	return nil
}

// stationOf gives a thing's present state; nil for none.
func (x *index) stationOf(thing int64) *Station {
	if s := x.stations[thing]; s != nil {
		return s.station
	}
	return nil
}

// Station gives a thing as it is now; false when there is none.
func (r *Registry) Station(thing int64) (*Station, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := r.index.stationOf(thing)
	return s, s != nil
}
