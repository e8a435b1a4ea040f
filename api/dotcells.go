package api

import (
	"cityhub/access"
	"cityhub/geo"
)

// look says what of a layer is looked at, by whom.
type look struct {
	scope  *access.Scope
	keep   *keeper
	window geo.Window
	within *geo.Cell // where not nil, this cell of the map instead of the window
	level  int       // of the map's cells
	now    int64
}

// everywhere is the window without a bbox.
var everywhere = geo.Window{MinLon: -180, MinLat: -90, MaxLon: 180, MaxLat: 90}

// cells calls each with the summary of every cell of the map that has
// stations to be seen, and with the dot of one of them. The layer is held.
func (l *dotLayer) cells(q *look, each func(s *geo.Summary, one *dot)) {
	sum := func(_ geo.Cell, from, to int, whole bool) { l.cell(q, from, to, whole, each) }
	if q.within != nil {
		geo.EachWithin(l.spots, *q.within, q.level, sum)
		return
	}
	geo.EachCell(l.spots, q.level, q.window, sum)
}

// cell sums up the dots of one cell.
func (l *dotLayer) cell(q *look, from, to int, whole bool, each func(s *geo.Summary, one *dot)) {
	var sum geo.Summary
	var one *dot
	for i := from; i < to; {
		next := i + 1
		for next < to && l.dots[next].thing == l.dots[i].thing {
			next++
		}
		if d := l.newest(q, i, next, whole); d != nil {
			sum.Add(d.position(), d.value, d.state(q.now))
			one = d
		}
		i = next
	}
	if one != nil {
		each(&sum, one)
	}
}

// newest gives the newest of a station's dots that may be seen and is kept;
// nil when none is.
func (l *dotLayer) newest(q *look, from, to int, whole bool) *dot {
	var found *dot
	for i := from; i < to; i++ {
		d := &l.dots[i]
		if (found == nil || d.time > found.time) &&
			(q.scope.All || q.scope.Reads(d.organisation, d.thing, l.property.Code, publications[d.published])) {
			found = d
		}
	}
	if found == nil || !whole && !q.window.Contains(found.position()) {
		return nil
	}
	if q.keep != nil {
		at := found.position()
		if !q.keep.keeps(found.organisation, states[found.state(q.now)], &at) {
			return nil
		}
	}
	return found
}
