package devices

// A reading is resolved some thousand times a second among half a million
// datastreams that no processor's cache holds: what counts is how often memory
// is touched. So a binding leads to its series and station by pointers that
// never change; what they point to does.

// site holds a thing's present state; nil while it is not known.
type site struct {
	station *Station
	groups  []int64
}

// seat holds a group's present series.
type seat struct {
	series *Series
	site   *site
	mixed  bool // the series'
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
		s = &seat{site: x.site(next.ThingID)}
		s.site.groups = append(s.site.groups, next.ID)
		x.series[next.ID] = s
	}
	s.series, s.mixed = next, next.mixed
	x.touched.note(next.ID)
}

// stand gives a thing another state.
func (x *index) stand(thing int64, next *Station) {
	s := x.site(thing)
	s.station = next
	x.touched.note(s.groups...)
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
