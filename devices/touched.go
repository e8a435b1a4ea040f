package devices

import "slices"

// touched lists the groups of which something has changed, in order, for those
// who keep a picture of them. It goes back so far only.
type touched struct {
	first  uint64 // the number of the first in groups
	groups []int64
}

// touchedKept is how many are listed at least.
const touchedKept = 1 << 18

func (t *touched) note(groups ...int64) {
	if len(t.groups) >= 2*touchedKept {
		t.drop(touchedKept)
	}
	t.groups = append(t.groups, groups...)
}

// all says that anything may have changed.
func (t *touched) all() {
	t.drop(len(t.groups))
	t.first++ // so that nobody is at the end of the list
}

func (t *touched) drop(n int) {
	t.first += uint64(n)
	t.groups = slices.Clone(t.groups[n:])
}

func (t *touched) mark() uint64 { return t.first + uint64(len(t.groups)) }

// Mark numbers the present state of all series and stations, for Since.
func (r *Registry) Mark() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.index.touched.mark()
}

// Since lists the groups whose series, station or model has changed since a
// mark, some more than once, and gives the mark of now; all says that any may
// have, and none is listed.
func (r *Registry) Since(mark uint64) (groups []int64, now uint64, all bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t := &r.index.touched
	if mark < t.first || mark > t.mark() {
		return nil, t.mark(), true
	}
	return slices.Clone(t.groups[mark-t.first:]), t.mark(), false
}

// GroupsOf lists the groups at a thing.
func (r *Registry) GroupsOf(thing int64) []int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := r.index.stations[thing]
	if s == nil {
		return nil
	}
	groups := make([]int64, len(s.seats))
	for i, seat := range s.seats {
		groups[i] = seat.series.ID
	}
	return groups
}
