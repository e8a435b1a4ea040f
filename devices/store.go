package devices

import (
	"context"
	"errors"

	"cityhub/access"
)

// Page asks for the entities after an id, in ascending order of id.
type Page struct {
	After int64
	Limit int            // at least 1
	Match map[string]any // equality by column name, e.g. {"thing_id": 7}; a []string: with any of these texts
	Scope *access.Scope  // who asks sees no more than this; nil: everything
}

// Table keeps one noun. Put inserts when the entity's ID is 0 and sets it,
// otherwise it updates. Get, Delete and the updating Put answer ErrNotFound
// for an unknown id; Put answers a FieldError of kind ErrConflict for a
// second holder of a unique code, and ErrInvalid for a reference to nothing;
// Delete answers ErrConflict while others refer to the entity.
type Table[T any] interface {
	List(ctx context.Context, page Page) ([]T, error)
	Get(ctx context.Context, id int64) (T, error)
	Put(ctx context.Context, entity *T) error
	Delete(ctx context.Context, id int64) error
}

// Tables are all nouns of the registry within one transaction or outside any.
type Tables struct {
	Organisations       Table[Organisation]
	Things              Table[Thing]
	Locations           Table[Location]
	HistoricalLocations Table[HistoricalLocation]
	Moves               Table[HistoricalLocation] // of the things that have several; only read
	ObservedProperties  Table[ObservedProperty]
	Sensors             Table[Sensor]
	Groups              Table[Group]
	Datastreams         Table[Datastream]
	Devices             Table[Device]
	Deployments         Table[Deployment]
	DeviceEvents        Table[DeviceEvent]
	Visits              Table[Visit]
	VisitNotes          Table[VisitNote]
	VisitPhotos         Table[VisitPhoto]
	Zones               Table[Zone]
	ZoneVersions        Table[ZoneVersion]
	Fences              Table[Fence]
	Log                 Recorder
}

// Recorder notes a change in the audit log, in the change's own transaction.
type Recorder interface {
	Record(ctx context.Context, entry *access.AuditEntry) error
}

// ErrLate says that a new entity was refused after it was put; which one is
// not known.
var ErrLate = errors.New("new entities cannot be kept together")

// Store keeps the registry's nouns.
type Store interface {
	Tables() Tables
	// Atomically runs do in one transaction: all of it is kept or, when do
	// answers an error, nothing.
	Atomically(ctx context.Context, do func(Tables) error) error
	// Together is Atomically for many new entities: each has its id at once
	// and is there for whoever asks, and they are kept in few statements. What
	// Put would refuse may be refused later, up to the end, with ErrLate.
	Together(ctx context.Context, do func(Tables) error) error
}
