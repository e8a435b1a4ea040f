package telemetry

import "context"

// IDBlock is a run of observation ids that only readings of [From, To) may
// use; so an id leads to a span of time, and a look-up never scans the archive.
type IDBlock struct {
	First, Count int64
	From, To     int64 // nanoseconds since 1970, half-open
}

// IDBlocks leases runs of ids, unique among all hubs on the same store.
type IDBlocks interface {
	Lease(ctx context.Context, count, from, to int64) (IDBlock, error)
	// Find gives the block that an id is of, or devices.ErrNotFound.
	Find(ctx context.Context, id int64) (IDBlock, error)
}

// DirtyWindow is an hour of a group whose roll-ups no longer say what the raw
// bucket holds.
type DirtyWindow struct {
	Group int64
	Hour  int64 // its start, nanoseconds since 1970
}

// RollUpJournal remembers, over restarts, what has still to be rolled up.
type RollUpJournal interface {
	MarkDirty(ctx context.Context, windows []DirtyWindow) error
	Dirty(ctx context.Context, limit int) ([]DirtyWindow, error)
	Clean(ctx context.Context, windows []DirtyWindow) error
	// Watermark is the end of the last hour rolled up for every group, 0
	// before the first; a non-zero argument sets it.
	Watermark(ctx context.Context, set int64) (int64, error)
}
