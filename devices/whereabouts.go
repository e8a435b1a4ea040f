package devices

import (
	"math"
	"slices"
	"time"

	"cityhub/access"
	"cityhub/geo"
)

// Stand says that a thing stood at a position from an instant (nanoseconds
// since 1970) on, until its next stand.
type Stand struct {
	From     int64
	Position geo.Position
}

// move is a stand by its location.
type move struct{ from, location int64 }

// loadMove takes in one of the places of a thing that has several. The first
// counts from ever: readings may be older than the thing's registration.
func (x *index) loadMove(h HistoricalLocation) {
	moves := append(x.moves[h.ThingID], move{h.Time.UnixNano(), h.LocationID})
	slices.SortStableFunc(moves, func(a, b move) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	moves[0].from = math.MinInt64
	x.moves[h.ThingID] = moves
}

// enterMove notes that a thing went from one location to another.
func (x *index) enterMove(thing, from, to int64, at time.Time) {
	moves := x.moves[thing]
	if len(moves) == 0 {
		moves = []move{{math.MinInt64, from}}
	}
	x.moves[thing] = append(moves[:len(moves):len(moves)], move{at.UnixNano(), to})
}

// Measured is a datastream that is not retired, with where its thing stood.
type Measured struct {
	Group       int64
	Slot        int
	Datastream  int64
	Station     *Station
	Publication access.Publication
	Stands      []Stand // ascending, the first from ever; nil where the thing has stood at Station.Position alone
	Tracked     []int64 // of a mobile thing, all its groups: each may tell where it was
}

// Measuring gives every datastream of a property, in no order.
func (r *Registry) Measuring(property string) []Measured {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []Measured
	tracked := map[int64][]int64{} // by mobile thing
	for group, seat := range r.index.series {
		s, station := seat.series, seat.station
		if s == nil || station == nil {
			continue
		}
		if station.Mobile {
			tracked[station.ID] = append(tracked[station.ID], group)
		}
		slot := s.slotOf(property)
		if slot < 0 || slot >= len(s.Datastreams) || s.Datastreams[slot] == 0 {
			continue
		}
		found = append(found, Measured{Group: group, Slot: slot, Datastream: s.Datastreams[slot], Station: station,
			Publication: s.Publication(slot), Stands: r.index.stands(station.ID)})
	}
	for i := range found {
		found[i].Tracked = tracked[found[i].Station.ID]
	}
	return found
}

func (x *index) stands(thing int64) []Stand {
	var stands []Stand
	for _, m := range x.moves[thing] {
		if p, known := x.locations[m.location]; known {
			stands = append(stands, Stand{m.from, p})
		}
	}
	return stands
}
