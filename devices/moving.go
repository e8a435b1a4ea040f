package devices

import "cityhub/geo"

// Motion says where a mobile thing is from now on, as its readings tell.
type Motion struct {
	Thing    int64
	Position geo.Position
}

// MoveThings takes new positions into the index, which alone has them: the store
// keeps no row for each reading, the archive has the track. Things that are not
// mobile stay where they are. It does not change the revision.
func (r *Registry) MoveThings(moves []Motion) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range moves {
		site := r.index.stations[moves[i].Thing]
		if site == nil || site.station == nil || !site.station.Mobile {
			continue
		}
		next := *site.station
		next.Position, next.moved = &moves[i].Position, true
		site.station = &next
	}
}
