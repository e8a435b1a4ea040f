package telemetry

import (
	"sync"

	"cityhub/geo"
)

// Place is where a mobile thing was at an instant.
type Place struct {
	geo.Position
	Time int64 // nanoseconds since 1970
}

// places are the newest of mobile things.
type places struct {
	mu sync.RWMutex
	of map[int64]Place // by thing
}

// Move notes where a mobile thing was at an instant, in nanoseconds since
// 1970; false when a newer place is known already. It costs next to nothing
// and waits for nobody.
func (l *Latest) Move(thing int64, to geo.Position, at int64) bool {
	l.places.mu.Lock()
	defer l.places.mu.Unlock()
	if old, known := l.places.of[thing]; known && old.Time > at {
		return false
	}
	l.places.of[thing] = Place{to, at}
	return true
}

// Place is the newest place of a mobile thing; false when none was told.
func (l *Latest) Place(thing int64) (Place, bool) {
	l.places.mu.RLock()
	defer l.places.mu.RUnlock()
	p, known := l.places.of[thing]
	return p, known
}
