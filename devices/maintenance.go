package devices

import (
	"cmp"
	"math"
	"slices"
)

// stay is a time under maintenance: nanoseconds since 1970, half-open.
type stay struct{ from, to int64 }

// UnderMaintenance says whether a visit was, or is, open at an instant.
func (s *Station) UnderMaintenance(instant int64) bool {
	for i := len(s.stays) - 1; i >= 0; i-- {
		if s.stays[i].from <= instant {
			return instant < s.stays[i].to
		}
	}
	return false
}

// Visited gives since when a visit is open at the station, in nanoseconds
// since 1970; false when none is.
func (s *Station) Visited() (since int64, open bool) {
	if n := len(s.stays); n > 0 && s.stays[n-1].to == math.MaxInt64 {
		return s.stays[n-1].from, true
	}
	return 0, false
}

// enterVisit takes a visit's time to its station, of which readers may hold
// the old state.
func (x *index) enterVisit(v Visit) {
	x.keepVisit(v)
	if old := x.stationOf(v.ThingID); old != nil {
		changed := *old
		changed.stays = x.staysAt(v.ThingID)
		x.stand(v.ThingID, &changed)
	}
}

func (x *index) keepVisit(v Visit) {
	at := x.visits[v.ThingID]
	if at == nil {
		at = map[int64]stay{}
		x.visits[v.ThingID] = at
	}
	at[v.ID] = stay{v.Opened.UnixNano(), endOf(v.Closed)}
}

// staysAt joins the visits of a thing to times that do not overlap, ascending.
func (x *index) staysAt(thing int64) []stay {
	var all []stay
	for _, s := range x.visits[thing] {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b stay) int { return cmp.Compare(a.from, b.from) })
	joined := all[:0]
	for _, s := range all {
		if n := len(joined); n > 0 && s.from <= joined[n-1].to {
			joined[n-1].to = max(joined[n-1].to, s.to)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}
