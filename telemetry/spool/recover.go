package spool

import (
	"cmp"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// recover builds the spool from its files. It reads one header of each
// segment, and the whole of the last one only: where a segment ends, the
// header of the next one says.
func (s *Spool) recover() error {
	names, err := s.o.FS.List(s.o.Dir)
	if err != nil {
		return err
	}
	s.damage.load(s.o.FS, s.o.Dir, names)
	st, known := s.state.load(s.o.FS, s.path(cursorName))
	s.segments = s.loadSegments(names)
	s.number = st.number
	for i := range s.segments {
		g := &s.segments[i]
		s.number = max(s.number, g.number)
		if g.start == 0 {
			g.base = s.baseOf(i, st, known)
		}
		if i > 0 {
			s.segments[i-1].limit = later(s.segments[i-1].base, g.base)
		}
	}
	s.end = st.end
	s.recoverLast()
	s.recoverCursor(st, known)
	if s.state.turn == 0 {
		// Best effort, while there may be space: once the cursor's file is there,
		// delivering needs no more of it, and makes room on a full disk.
		_ = s.persist()
	}
	return s.settle()
}

// settle makes durable what a killed process may have left in the system's
// memory only, since readers are shown it from now on.
func (s *Spool) settle() error {
	if n := len(s.segments); n > 0 {
		// A disk that refuses costs no acknowledged record: those are synced.
		_ = s.reading(&s.segments[n-1], func(r source) error { return r.file.SyncData() })
	}
	return syncDir(s.o.FS, s.o.Dir)
}

// loadSegments opens each segment file for its header, ascending by number.
func (s *Spool) loadSegments(names []string) (segments []segment) {
	for _, name := range names {
		g, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		_ = s.reading(&g, func(r source) error {
			if info, err := r.file.Stat(); err == nil {
				g.size = info.Size()
			}
			var header [segmentHeaderSize]byte
			n, err := r.readAt(header[:], 0)
			g.parseHeader(header[:n])
			return err
		})
		segments = append(segments, g)
	}
	slices.SortFunc(segments, func(a, b segment) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(b.start, a.start))
	})
	// One number is used once; of copies made by hand the readable one counts.
	return slices.CompactFunc(segments, func(a, b segment) bool { return a.number == b.number })
}

// reading calls use with the segment's file; what the disk cannot read is
// damage here, after it has been tried again.
func (s *Spool) reading(g *segment, use func(source) error) error {
	var f vfs.File
	var err error
	for range 3 {
		if f, err = s.o.FS.Open(s.path(g.name())); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	defer f.Close()
	for range 3 {
		if err = use(source{file: f}); err == nil {
			return nil
		}
	}
	return use(source{file: f, hard: true})
}

// baseOf finds where a segment with an unreadable header begins to count:
// where the one before it ends, unless its own frames know better.
func (s *Spool) baseOf(i int, st state, known bool) (base tally) {
	open := s.segments[i]
	open.limit.records = math.MaxInt64
	first, found := tally{}, false
	_ = s.reading(&open, func(r source) error {
		f, ok, err := r.find(&open, 0, tally{})
		first, found = f.before, ok
		return err
	})
	switch {
	case i > 0:
		base, _ = s.scan(i - 1)
	case known && !st.stale:
		base = st.cursor.tally
	case found:
		base = first
	default:
		base = st.end
	}
	if found && first.records < base.records {
		return first
	}
	return base
}

// scan gives the count behind the last readable frame of a segment, and that
// frame's end.
func (s *Spool) scan(i int) (end tally, off int64) {
	g := s.segments[i]
	g.limit.records = math.MaxInt64
	_ = s.reading(&g, func(r source) (err error) {
		end, off, err = r.walk(&g, g.start, g.size, g.base)
		return err
	})
	return end, off
}

// recoverLast finds the durable end. A tail that nothing proves to have been
// durable is the torn write of a crash and is passed over in silence.
func (s *Spool) recoverLast() {
	last := len(s.segments) - 1
	if last < 0 {
		return
	}
	g := &s.segments[last]
	end, off := s.scan(last)
	s.end = later(later(g.base, end), s.end)
	g.limit = s.end
	if end.records < s.end.records {
		return // the reader sets aside what is missing
	}
	if g.start == 0 && end == g.base && off == 0 {
		// Made by a crash: neither its header nor a frame has come to the disk.
		if s.o.FS.Remove(s.path(g.name())) == nil {
			s.segments = s.segments[:last]
		}
		return
	}
	g.size = off
}

// recoverCursor finds where the undelivered begins.
func (s *Spool) recoverCursor(st state, known bool) {
	first := -1
	if known {
		s.cursor = st.cursor
		s.number = max(s.number, st.cursor.at.segment())
		i := index(s.segments, st.cursor.at.segment())
		missing := i == len(s.segments) || s.segments[i].number != st.cursor.at.segment()
		if st.stale && missing {
			first = i
		}
	} else {
		first = 0
	}
	switch {
	case first >= 0 && first < len(s.segments):
		g := &s.segments[first]
		s.cursor = mark{position(g.number, g.start), g.base}
	case first >= 0:
		s.cursor.tally = s.end
	case len(s.segments) == 0 && s.cursor.tally.records < s.end.records:
		at := s.cursor.at
		s.setAside(gapBetween(at.segment(), at.offset(), at.offset(), s.cursor.tally, s.end), source{})
		s.cursor.tally = s.end
	}
	s.damage.pass(s.cursor.tally)
}
