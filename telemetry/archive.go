package telemetry

import (
	"context"
	"fmt"
	"time"
)

// Bucket is one of the three resolutions that the archive keeps, each with a
// retention of its own.
type Bucket int

// The buckets.
const (
	Raw Bucket = iota
	Hourly
	Daily
)

func (b Bucket) String() string { return [...]string{"raw", "hourly", "daily"}[b] }

// Query selects lines of one bucket. Results come group by group, ascending
// by time within a group.
type Query struct {
	Bucket     Bucket
	Groups     []int64  // nil: every group
	Properties []string // nil: every property; a line without any of them is left out
	Places     bool     // only lines with a position, without their fields; Properties is nil
	From, To   int64    // half-open, nanoseconds since 1970
	Limit      int      // lines per group; 0: all
}

// Archive keeps lines for long. Its errors are *ArchiveError. A line written
// again at the same (bucket, group, time) overwrites the fields it names and
// leaves the others as they are. Implementations are safe for concurrent use.
type Archive interface {
	// Write keeps all lines, or answers an error and may have kept some:
	// writing them again is harmless.
	Write(ctx context.Context, bucket Bucket, lines []Line) error
	// Read calls each with every line selected, and stops at its error. The
	// line and its fields belong to the callee only until it returns.
	Read(ctx context.Context, query Query, each func(*Line) error) error
	// Latest calls each with, for every group of the raw bucket since a time,
	// lines that hold the newest value of every field (several lines where
	// fields have different newest times).
	Latest(ctx context.Context, since int64, each func(*Line) error) error
	// Delete removes the lines of a group in [from, to).
	Delete(ctx context.Context, bucket Bucket, group, from, to int64) error
}

// ArchiveError says whether the same call can succeed later.
type ArchiveError struct {
	Retryable bool          // the network, a 429 or a 5xx; false: these lines never
	After     time.Duration // the archive's own wish, 0 when it has none
	Err       error
}

func (e *ArchiveError) Error() string {
	if e.Retryable {
		return fmt.Sprintf("archive: %v (will try again)", e.Err)
	}
	return fmt.Sprintf("archive refuses: %v", e.Err)
}

// Unwrap gives the cause.
func (e *ArchiveError) Unwrap() error { return e.Err }
