// Package spool is the durable, bounded queue between acknowledging and
// archiving. It keeps opaque records, each with a count of readings, in
// append-only segment files; it knows no reading, no archive and no broker.
//
// What Append has accepted survives a kill, a power cut and a failing disk
// until Advance says that it is delivered. Damage costs the damaged span and
// nothing else: the span is copied to a file beside, and counted.
package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cityhub/telemetry"
)

// Errors that callers tell apart.
var (
	ErrFull     = errors.New("the spool is full: let the archive catch up, raise the spool's size, or free disk space")
	ErrTooLarge = fmt.Errorf("%w for the spool", telemetry.ErrTooLarge)
	ErrClosed   = errors.New("the spool is closed")
)

// Options say where the spool lives and how large it may grow.
type Options struct {
	FS           vfs.FS           // vfs.Default when nil
	Dir          string           // created when missing; one process at a time may hold it
	MaxBytes     int64            // of all segment files; 0: no bound but the disk
	ReserveBytes int64            // of the disk, never used up
	SegmentBytes int64            // of one segment; 64 MiB when 0, less where MaxBytes is small
	Now          func() time.Time // time.Now when nil
}

// Position is a place between two records. Positions grow along the spool and
// stay valid over restarts; 0 is before everything.
type Position uint64

// Record is one group commit as it was appended.
type Record struct {
	Position Position // behind the record: what Advance takes once it is delivered
	Data     []byte   // the caller's own
	Readings int
	Appended time.Time
}

// Stats describe what is not delivered, and what damage has cost.
type Stats struct {
	Records, Readings int64     // not delivered; after damage exact once the reader has passed it
	Bytes             int64     // of all segment files
	OldestAppended    time.Time // of the first record not delivered; zero when there is none
	SetAside          int64     // damaged spans since the directory was made
	SetAsideBytes     int64     // of the files beside that hold them
	SetAsideReadings  int64     // accepted readings that were lost with them
}

// Spool is safe for concurrent use; one appender and one reader are the rule.
type Spool struct {
	o      Options
	lock   io.Closer
	append appender
	reader reader
	state  stateFile
	advMu  sync.Mutex // one Advance or freeing at a time; taken before mu

	mu         sync.Mutex
	segments   []segment     // ascending by number; the last may be active
	active     bool          // whether the last segment is being written
	number     uint64        // the highest segment number ever used
	end        tally         // behind the last durable record
	cursor     mark          // behind the last delivered record
	changed    chan struct{} // closed at the next append
	closed     bool
	recent     [64]mark // the last given, for Advance
	recentNext int
	damage     damage
	oldest     oldest
}

// mark is a position together with what was counted up to it.
type mark struct {
	at    Position
	tally tally
}

// Open opens the spool or makes it. Damage never makes it fail; what does is
// a directory that cannot be made, listed or locked.
func Open(o Options) (*Spool, error) {
	s := &Spool{o: o.withDefaults(), changed: make(chan struct{})}
	if err := makeDir(s.o.FS, s.o.Dir); err != nil {
		return nil, fmt.Errorf("making the spool's directory %s: %w", o.Dir, err)
	}
	lock, err := s.o.FS.Lock(s.path("LOCK"))
	if err != nil {
		return nil, fmt.Errorf("locking the spool %s (is another hub running on it?): %w", o.Dir, err)
	}
	s.lock = lock
	s.append.gate, s.reader.gate = make(gate, 1), make(gate, 1)
	if err := s.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the spool %s: %w", o.Dir, err), lock.Close())
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = math.MaxInt64
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 64 << 20
	}
	// Space is given back by whole segments, so a small spool needs small ones.
	o.SegmentBytes = min(o.SegmentBytes, max(o.MaxBytes/8, 4<<10), 1<<(offsetBits-1))
	return o
}

func (s *Spool) path(name string) string { return s.o.FS.PathJoin(s.o.Dir, name) }

// Start gives the position where the undelivered begins.
func (s *Spool) Start() Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor.at
}

// Stats tells how much waits. Its cost does not grow with the backlog.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	pending := s.end.minus(s.cursor.tally).minus(s.damage.ahead(s.cursor.tally))
	st := Stats{
		Records: pending.records, Readings: pending.readings, Bytes: s.bytesLocked(),
		SetAside: s.damage.spans, SetAsideBytes: s.damage.bytes, SetAsideReadings: s.damage.readings,
	}
	s.mu.Unlock()
	if st.Records > 0 {
		st.OldestAppended = s.oldestAppended()
	}
	return st
}

func (s *Spool) bytesLocked() (sum int64) {
	for i := range s.segments {
		sum += s.segments[i].size
	}
	return sum
}

// Close ends waiting calls, keeps the cursor and releases the directory.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.changed)
	s.mu.Unlock()

	s.append.gate <- struct{}{}
	defer s.append.gate.leave()
	s.reader.gate <- struct{}{}
	defer s.reader.gate.leave()
	s.advMu.Lock()
	defer s.advMu.Unlock()
	return errors.Join(s.persist(), s.append.close(), s.reader.close(), s.state.close(), s.lock.Close())
}

// gate is a mutex whose wait can be given up.
type gate chan struct{}

func (g gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g <- struct{}{}:
		return nil
	default:
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }
