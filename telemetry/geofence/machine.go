// Package geofence tells when mobile things enter and leave zones. It looks at
// positions beside the way of a reading, which never waits for it, and keeps
// what it knows and what happened through the Store that stands here. It knows
// nothing of SQL, of HTTP and of what an event is good for.
package geofence

import "cityhub/geo"

// side is where a position lies to a fence.
type side uint8

const (
	outside side = iota // further from the zone than the fence's distance
	margin              // not in the zone, but nearer: it counts for neither side
	inside
)

// State is what is known of a thing at a fence: one that is outside, and not
// about to enter, needs none.
type State struct {
	Fence, Thing int64
	Since        int64 // devices.Fence.Since under which it came about; of another it does not count
	Inside       bool
	Pending      int64        // since when all positions lay on the other side; 0: the last did not
	At           geo.Position // the first of those
}

// step takes the next position and says whether the thing has crossed: when
// over hold nanoseconds every position lay on the other side. The crossing is
// dated by the first of them, which is answered.
func (s *State) step(where side, p geo.Position, at, hold int64) (crossed bool, when int64, from geo.Position) {
	if where == margin || (where == inside) == s.Inside {
		s.Pending = 0
		return false, 0, p
	}
	if s.Pending == 0 {
		s.Pending, s.At = at, p
	}
	if at-s.Pending < hold {
		return false, 0, p
	}
	when, from = s.Pending, s.At
	s.Inside, s.Pending = !s.Inside, 0
	return true, when, from
}
