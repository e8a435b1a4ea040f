package telemetry

import (
	"context"
	"time"

	"cityhub/access"
)

// Quarantined is something that was received and could not be accepted, kept
// whole so that it can be replayed once the cause is mended.
type Quarantined struct {
	ID       int64 // given by the store
	Received time.Time
	Route    string // the route's name, e.g. "native"
	Topic    string
	Sender   string // the authenticated device or key, "" when unknown
	Device   string // the device it names, "" when unknown
	Payload  []byte
	Size     int // bytes of the payload, given by the store
	Reason   Reason
	Detail   string
}

// QuarantineFilter selects quarantined messages; zero members select all.
type QuarantineFilter struct {
	Reason Reason
	Device string
	After  int64 // id
	Newest bool  // newest first; not with After
	Limit  int
	Head   int           // so many bytes of each payload suffice; 0: whole
	Scope  *access.Scope // only of these organisations' devices; nil: all
}

// Quarantine keeps refused messages, bounded: when it is full, the oldest of
// the devices that have most in it go, and are counted.
type Quarantine interface {
	// Add keeps the messages durably, sets their ids and sizes, and answers how many old
	// ones had to go to stay within bounds.
	Add(ctx context.Context, items []Quarantined) (dropped int, err error)
	List(ctx context.Context, filter QuarantineFilter) ([]Quarantined, error)
	// Count gives the number of messages by reason; scope as in the filter.
	Count(ctx context.Context, scope *access.Scope) (map[Reason]int64, error)
	Remove(ctx context.Context, ids []int64) error
}
