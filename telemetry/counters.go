package telemetry

import (
	"sync"
	"sync/atomic"
)

// Counters add up: everything received is accepted, quarantined or rejected,
// and everything accepted is stored, queued, quarantined late, a duplicate or
// dropped. The unit is one instant of one device; a message that cannot be
// decoded counts as one. What a start finds in the spool counts as received
// (route "recovered"), so that the equations hold for every run by itself.
type Counters struct {
	Accepted, Stored, Duplicates, UnknownKeys, SequenceGaps atomic.Int64
	QuarantineDropped                                       atomic.Int64 // messages, not instants

	mu              sync.Mutex
	received        map[string]int64
	rejected        map[Reason]int64
	quarantined     map[Reason]int64
	quarantinedLate map[Reason]int64
	dropped         map[string]int64
}

// Totals is a copy of the counters at one moment.
type Totals struct {
	Received        map[string]int64 // by route
	Rejected        map[Reason]int64 // told to the sender
	Quarantined     map[Reason]int64 // refused on arrival and kept
	QuarantinedLate map[Reason]int64 // accepted, then refused by the archive
	Dropped         map[string]int64 // by reason
	Accepted        int64
	Stored          int64
	Duplicates      int64
	UnknownKeys     int64
	SequenceGaps    int64

	QuarantineDropped int64 // messages that a full quarantine gave up
}

// NewCounters starts from zero.
func NewCounters() *Counters {
	return &Counters{received: map[string]int64{}, rejected: map[Reason]int64{}, quarantined: map[Reason]int64{},
		quarantinedLate: map[Reason]int64{}, dropped: map[string]int64{}}
}

func add[K comparable](c *Counters, counts map[K]int64, key K, n int64) {
	c.mu.Lock()
	counts[key] += n
	c.mu.Unlock()
}

// Totals copies the counters. A reading on its way between two counters may
// be in neither.
func (c *Counters) Totals() Totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Totals{
		Received: clone(c.received), Rejected: clone(c.rejected), Quarantined: clone(c.quarantined),
		QuarantinedLate: clone(c.quarantinedLate), Dropped: clone(c.dropped),
		Accepted: c.Accepted.Load(), Stored: c.Stored.Load(), Duplicates: c.Duplicates.Load(),
		UnknownKeys: c.UnknownKeys.Load(), SequenceGaps: c.SequenceGaps.Load(), QuarantineDropped: c.QuarantineDropped.Load(),
	}
}

func clone[K comparable](from map[K]int64) map[K]int64 {
	to := make(map[K]int64, len(from))
	for k, v := range from {
		to[k] = v
	}
	return to
}

// Sum adds up a breakdown.
func Sum[K comparable](counts map[K]int64) int64 {
	var n int64
	for _, v := range counts {
		n += v
	}
	return n
}
