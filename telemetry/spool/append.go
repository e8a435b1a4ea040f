package spool

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// preallocateStep is how much of a segment is reserved on the disk at once:
// it spares the file system finding blocks at every commit.
const preallocateStep = 4 << 20

// leastUseful is the bound below which a spool is always full, rather than any
// record too large for it.
const leastUseful = 16 << 10

// keepBuffer is the most that is held between two appends.
const keepBuffer = 1 << 20

// appender is the writing side of the active segment.
type appender struct {
	gate         gate
	file         vfs.File // nil: the next append makes a segment
	seg          segment
	fresh        bool  // the segment's header is still to be written
	preallocated int64 // bytes
	frame        []byte
	scratch      []byte
}

// Append keeps a record that counts as so many readings: it is on the disk
// when Append answers nil. ErrFull says that nothing was written because of
// the bounds or the disk, ErrTooLarge that no record of this size ever will
// be. After any error the record is not acknowledged by the spool and never
// becomes so; append it again, or less of it. A context that ends while the
// disk is at work does not interrupt it.
func (s *Spool) Append(ctx context.Context, record []byte, readings int) error {
	if len(record) > maxPayload {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(record), maxPayload)
	}
	if readings < 0 || int64(readings) > 1<<31 {
		return fmt.Errorf("a record of %d readings: give 0 to 2^31", readings)
	}
	if err := s.append.gate.enter(ctx); err != nil {
		return err
	}
	defer s.append.gate.leave()
	if s.isClosed() {
		return ErrClosed
	}
	payload := s.append.compress(record)
	if alone := int64(segmentHeaderSize + frameHeaderSize + len(payload)); alone > s.o.MaxBytes && s.o.MaxBytes >= leastUseful {
		return fmt.Errorf("%w: %d bytes, and the spool may have %d", ErrTooLarge, alone, s.o.MaxBytes)
	}
	if err := s.prepare(frameHeaderSize + int64(len(payload))); err != nil {
		return err
	}
	f := frame{stored: len(payload), raw: len(record), readings: readings, appended: s.o.Now().UnixNano()}
	if err := s.write(f, payload); err != nil {
		s.abandon()
		return asFull(fmt.Errorf("writing to the spool: %w", err))
	}
	return nil
}

// asFull makes a full disk recognisable, however it was noticed.
func asFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

func (s *Spool) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (a *appender) compress(record []byte) []byte {
	stored := compress(a.scratch, record)
	if len(stored) < len(record) && cap(stored) <= keepBuffer {
		a.scratch = stored[:0]
	}
	return stored
}

// prepare sees to it that there is room and an active segment.
func (s *Spool) prepare(need int64) error {
	a := &s.append
	if a.file != nil && a.seg.size > segmentHeaderSize && a.seg.size+need > s.o.SegmentBytes {
		s.seal()
	}
	if err := s.room(need + segmentHeaderSize); err != nil {
		if !s.sealDelivered() {
			return err
		}
		if err := s.room(need + segmentHeaderSize); err != nil {
			return err
		}
	}
	if a.file == nil {
		return s.create()
	}
	return nil
}

// room answers ErrFull when so many bytes more would pass a bound.
func (s *Spool) room(need int64) error {
	s.mu.Lock()
	used := s.bytesLocked()
	s.mu.Unlock()
	if used+need > s.o.MaxBytes {
		return fmt.Errorf("%w (%d of %d bytes are in use)", ErrFull, used, s.o.MaxBytes)
	}
	return s.reserve(need)
}

// reserve answers ErrFull when so many bytes more would use up what the disk
// has to keep free.
func (s *Spool) reserve(need int64) error {
	if s.o.ReserveBytes <= 0 {
		return nil
	}
	// A file system that cannot tell leaves the reserve to its own ENOSPC.
	disk, err := s.o.FS.GetDiskUsage(s.o.Dir)
	if err == nil && int64(disk.AvailBytes)-need < s.o.ReserveBytes {
		return fmt.Errorf("%w (the disk has %d bytes, %d are reserved)", ErrFull, disk.AvailBytes, s.o.ReserveBytes)
	}
	return nil
}

// create makes the next segment. The file is in its directory for good before
// anything in it can be acknowledged.
func (s *Spool) create() error {
	var salt [4]byte
	_, _ = rand.Read(salt[:]) // never fails
	s.mu.Lock()
	s.number++
	g := segment{
		number: s.number, salt: binary.LittleEndian.Uint32(salt[:]), start: segmentHeaderSize,
		made: s.o.Now().UnixNano(), base: s.end, limit: s.end,
	}
	s.mu.Unlock()
	f, err := s.o.FS.Create(s.path(g.name()), vfs.WriteCategoryUnspecified)
	if err != nil {
		return asFull(fmt.Errorf("making a segment of the spool: %w", err))
	}
	if err := syncDir(s.o.FS, s.o.Dir); err != nil {
		_ = f.Close()
		_ = s.o.FS.Remove(s.path(g.name()))
		return asFull(fmt.Errorf("making a segment of the spool: %w", err))
	}
	a := &s.append
	a.file, a.seg, a.fresh, a.preallocated = f, g, true, 0
	return nil
}

// write puts the frame behind the active segment and waits for the disk.
func (s *Spool) write(f frame, payload []byte) error {
	a := &s.append
	f.before = a.seg.limit
	buf := a.frame[:0]
	if f.place = a.seg.size; a.fresh {
		buf = a.seg.appendHeader(buf)
		f.place = segmentHeaderSize
	}
	buf = appendFrame(buf, a.seg.seed(), f, payload)
	if cap(buf) <= keepBuffer {
		a.frame = buf
	}
	size := a.seg.size + int64(len(buf)) // the file may scribble over buf
	s.preallocate(size)
	if _, err := a.file.Write(buf); err != nil {
		return err
	}
	if err := a.file.SyncData(); err != nil {
		return err
	}
	a.seg.size, a.seg.limit = size, f.after()
	s.publish()
	return nil
}

// preallocate asks for blocks ahead of need; it is only a help, and none
// where it would take of the reserve.
func (s *Spool) preallocate(size int64) {
	a := &s.append
	if size <= a.preallocated || s.o.SegmentBytes < preallocateStep {
		return
	}
	step := min(preallocateStep, s.o.SegmentBytes-a.preallocated)
	disk, err := s.o.FS.GetDiskUsage(s.o.Dir)
	if step <= 0 || err != nil || int64(disk.AvailBytes) < s.o.ReserveBytes+16*preallocateStep {
		return
	}
	if a.file.Preallocate(a.preallocated, step) == nil {
		a.preallocated += step
	}
}

// publish shows the durable end to readers.
func (s *Spool) publish() {
	a := &s.append
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.fresh {
		s.segments = append(s.segments, a.seg)
		s.active, a.fresh = true, false
	} else {
		s.segments[len(s.segments)-1] = a.seg
	}
	s.end = a.seg.limit
	if !s.closed {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// seal ends the active segment; everything in it is durable already.
func (s *Spool) seal() {
	_ = s.append.file.Close() // read-only from here: nothing can be lost by closing
	s.append.file = nil
	s.mu.Lock()
	s.active = false
	s.mu.Unlock()
}

// abandon ends the active segment after a failed write or sync. What follows
// its durable end is never shown: the next segment's header counts from there,
// also after a restart. A failed sync is never tried again, for the system may
// have dropped the pages and would call the second one a success.
func (s *Spool) abandon() {
	fresh, g := s.append.fresh, s.append.seg
	s.seal()
	if fresh {
		// Best effort: a file that stays holds nothing that was acknowledged.
		_ = s.o.FS.Remove(s.path(g.name()))
	}
}

// sealDelivered gives back the active segment when all of it is delivered.
func (s *Spool) sealDelivered() bool {
	s.mu.Lock()
	delivered := s.active && s.cursor.tally.records >= s.end.records
	s.mu.Unlock()
	if !delivered {
		return false
	}
	s.seal()
	s.advMu.Lock()
	defer s.advMu.Unlock()
	return s.free() == nil
}

func (a *appender) close() error {
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}
