package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The file "cursor" has two slots of 4 KiB that are written in turn, so that
// one is whole whatever happens to the other. A slot, little-endian:
//
//	0 magic · 8 turn · 16 cursor · 24 records and 32 readings up to it
//	40 records and 48 readings at the durable end · 56 highest segment
//	64 sum of all before
//
// The durable end is what tells a damaged last segment from a torn tail.
const (
	cursorName  = "cursor"
	cursorMagic = "CITYCUR1"
	cursorSize  = 72
	slotSize    = 4096
)

// persistEvery bounds what is delivered twice after a crash.
const persistEvery = time.Second

// stateFile keeps the cursor. Losing it costs a second delivery, no reading.
type stateFile struct {
	file    vfs.File
	turn    uint64 // of the newest slot; 0: none was ever written
	written time.Time
}

// state is what a slot holds.
type state struct {
	cursor mark
	end    tally
	number uint64
	stale  bool // the other slot is lost and may have been the newer one
}

// Advance says that everything up to and including the record of this
// position is delivered. Whole segments are freed. An error tells that the
// disk refused to note or free it; delivery goes on, and the next Advance
// tries again.
func (s *Spool) Advance(p Position) error {
	s.advMu.Lock()
	defer s.advMu.Unlock()
	if err := s.advanceable(p); err != nil {
		return err
	}
	m, err := s.markOf(p)
	if err != nil {
		return fmt.Errorf("advancing the spool: %w", err)
	}
	s.mu.Lock()
	if p > s.cursor.at {
		s.cursor = mark{p, later(s.cursor.tally, m.tally)}
		s.damage.pass(s.cursor.tally)
	}
	s.mu.Unlock()
	if s.o.Now().Sub(s.state.written).Abs() >= persistEvery {
		err = s.persist()
	}
	if err := errors.Join(err, s.free()); err != nil {
		return fmt.Errorf("advancing the spool: %w", err)
	}
	return nil
}

func (s *Spool) advanceable(p Position) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if p <= s.cursor.at {
		return nil
	}
	if n := len(s.segments); n == 0 || p > position(s.segments[n-1].number, s.segments[n-1].size) {
		return fmt.Errorf("position %d is behind the end of the spool: advance only to what Next gave", p)
	}
	return nil
}

// free removes the segments that the cursor has left. The cursor is on the
// disk before that, or else a restart would take them for lost.
func (s *Spool) free() error {
	s.mu.Lock()
	n := 0
	for n < len(s.segments) && s.deliveredLocked(n) {
		n++
	}
	gone := s.segments[:n:n]
	s.mu.Unlock()
	if n == 0 {
		return nil
	}
	if err := s.persist(); err != nil && s.state.turn > 0 {
		return err
	}
	var err error
	for n = 0; n < len(gone) && err == nil; n++ {
		err = s.discard(&gone[n])
	}
	if err != nil {
		n-- // the next Advance tries again
	}
	s.mu.Lock()
	s.segments = slices.Clone(s.segments[n:])
	s.mu.Unlock()
	return errors.Join(err, syncDir(s.o.FS, s.o.Dir))
}

func (s *Spool) deliveredLocked(i int) bool {
	g := &s.segments[i]
	if s.active && i == len(s.segments)-1 {
		return false
	}
	return g.number < s.cursor.at.segment() ||
		g.number == s.cursor.at.segment() && s.cursor.tally.records >= g.limit.records
}

func (s *Spool) discard(g *segment) error {
	s.mu.Lock()
	keep := s.damage.keep[g.number]
	s.mu.Unlock()
	name := s.path(g.name())
	if keep {
		return s.o.FS.Rename(name, s.path(g.name()[:len(g.name())-len(segmentSuffix)]+keptSuffix))
	}
	if err := s.o.FS.Remove(name); err != nil {
		if _, statErr := s.o.FS.Stat(name); statErr == nil {
			return err
		}
	}
	return nil
}

// persist writes the state into the older slot.
func (s *Spool) persist() error {
	s.mu.Lock()
	st := state{cursor: s.cursor, end: s.end, number: s.number}
	s.mu.Unlock()
	f := &s.state
	if err := f.open(s); err != nil {
		return fmt.Errorf("keeping the spool's cursor: %w", err)
	}
	if err := f.write(st); err != nil {
		_ = f.close() // open it again before the next try
		return fmt.Errorf("keeping the spool's cursor: %w", err)
	}
	f.written = s.o.Now()
	return nil
}

func (f *stateFile) open(s *Spool) (err error) {
	if f.file != nil {
		return nil
	}
	f.file, err = s.o.FS.OpenReadWrite(s.path(cursorName), vfs.WriteCategoryUnspecified)
	if err == nil && f.turn == 0 {
		err = syncDir(s.o.FS, s.o.Dir)
	}
	if err != nil {
		_ = f.close()
	}
	return err
}

func (f *stateFile) write(st state) error {
	turn, slots := f.turn+1, 1
	if f.turn == 0 {
		slots = 2 // from the first write on, a slot without its partner is a damaged pair
	}
	for range slots {
		slot := st.appendTo(nil, turn)
		if _, err := f.file.WriteAt(slot, int64(turn%2)*slotSize); err != nil {
			return err
		}
		turn++
	}
	if err := f.file.SyncData(); err != nil {
		return err
	}
	f.turn = turn - 1
	return nil
}

func (f *stateFile) close() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}

func (st *state) appendTo(buf []byte, turn uint64) []byte {
	buf = append(buf, cursorMagic...)
	for _, v := range []uint64{
		turn, uint64(st.cursor.at), uint64(st.cursor.tally.records), uint64(st.cursor.tally.readings),
		uint64(st.end.records), uint64(st.end.readings), st.number,
	} {
		buf = binary.LittleEndian.AppendUint64(buf, v)
	}
	return binary.LittleEndian.AppendUint64(buf, uint64(checksum(0, buf)))
}

func parseState(b []byte) (st state, turn uint64, ok bool) {
	le := binary.LittleEndian
	if len(b) < cursorSize || string(b[:8]) != cursorMagic || le.Uint64(b[64:]) != uint64(checksum(0, b[:64])) {
		return state{}, 0, false
	}
	st.cursor = mark{Position(le.Uint64(b[16:])), tally{int64(le.Uint64(b[24:])), int64(le.Uint64(b[32:]))}}
	st.end = tally{int64(le.Uint64(b[40:])), int64(le.Uint64(b[48:]))}
	st.number = le.Uint64(b[56:])
	return st, le.Uint64(b[8:]), true
}

// load reads the newest whole slot; ok is false when there is none.
func (f *stateFile) load(fs vfs.FS, path string) (st state, ok bool) {
	file, err := fs.Open(path)
	if err != nil {
		return state{}, false
	}
	defer file.Close()
	buf := make([]byte, 2*slotSize)
	n := source{file: file, hard: true}.readHard(buf, 0)
	a, turnA, okA := parseState(buf[:min(n, slotSize)])
	b, turnB, okB := parseState(buf[min(n, slotSize):n])
	if okB && (!okA || turnB > turnA) {
		a, turnA, turnB, okA = b, turnB, turnA, true
	}
	f.turn = turnA
	a.stale = turnB+1 != turnA
	return a, okA
}
