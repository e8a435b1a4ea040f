package geofence

import (
	"context"
	"time"

	"cityhub/access"
	"cityhub/geo"
)

// Event says that a thing entered or left the zone of a fence.
type Event struct {
	ID        int64 // given by the Store, ascending
	Fence     int64
	Zone      int64
	Thing     int64
	Entered   bool         // otherwise it left
	Time      time.Time    // of the first position on the other side
	Confirmed time.Time    // of the position that made sure
	Position  geo.Position // at Time
}

// Kept is what one look at positions has changed.
type Kept struct {
	States    []State         // those with Inside or Pending are kept, the others forgotten
	Sightings map[int64]int64 // thing → up to when its positions were looked at
	Events    []*Event        // get their ids
}

// Filter selects events; zero members select all.
type Filter struct {
	Fence, Zone, Thing int64
	From, To           time.Time // both included
	After              int64     // id
	Limit              int       // at least 1
	Scope              *access.Scope
}

// Store keeps what is known of things at fences, and what happened.
type Store interface {
	// Load gives what Keep kept, without the events.
	Load(ctx context.Context) (states []State, sightings map[int64]int64, err error)
	// Keep keeps all of it or, with an error, nothing.
	Keep(ctx context.Context, k Kept) error
	// Events lists by ascending id.
	Events(ctx context.Context, f Filter) ([]Event, error)
}

// Listener is told of events once they are kept, in order. It must not wait.
type Listener interface {
	Crossed(events []*Event)
}
