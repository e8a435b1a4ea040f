package spool

import (
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// patience is how often Next answers the same read error before it takes the
// blocks that the disk cannot read for damaged.
const patience = 8

// reader is the place of the last Next, so that the next one goes on from
// there without looking anything up.
type reader struct {
	gate     gate
	given    Position // behind the record that was given last
	at       mark     // where to go on; later than given behind damage
	started  bool
	failures int
	file     vfs.File // of the segment number
	number   uint64
}

// Next gives the first durable record behind a position, and waits until
// there is one, the context ends or the spool is closed. What Advance has
// taken is not given again. An error of the disk can pass: call it again.
func (s *Spool) Next(ctx context.Context, after Position) (Record, error) {
	r := &s.reader
	if err := r.gate.enter(ctx); err != nil {
		return Record{}, err
	}
	defer r.gate.leave()
	if err := s.seek(after); err != nil {
		return Record{}, err
	}
	for {
		changed, closed := s.watch()
		if closed {
			return Record{}, ErrClosed
		}
		rec, ok, err := s.step()
		if err != nil {
			r.failures++
			return Record{}, fmt.Errorf("reading the spool: %w", err)
		}
		r.failures = 0
		if ok {
			r.given = rec.Position
			return rec, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Record{}, ctx.Err()
		}
	}
}

func (s *Spool) watch() (changed <-chan struct{}, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed, s.closed
}

// seek puts the reader behind a position.
func (s *Spool) seek(after Position) error {
	r := &s.reader
	if r.started && after == r.given {
		return nil
	}
	at, err := s.markOf(after)
	if err != nil {
		return fmt.Errorf("reading the spool: %w", err)
	}
	r.at, r.given, r.started = at, after, true
	return nil
}

// step gives the next record, or is not ok at the durable end.
func (s *Spool) step() (Record, bool, error) {
	r := &s.reader
	for {
		g, last, ok := s.segmentAt(r.at.at)
		if !ok {
			return Record{}, false, nil
		}
		src, err := r.open(s, &g)
		if err != nil {
			return Record{}, false, err
		}
		if g.number != r.at.at.segment() || r.at.at.offset() < g.start {
			s.cross(&g, src)
		}
		off := r.at.at.offset()
		f, ok, err := src.find(&g, off, r.at.tally)
		if err != nil {
			return Record{}, false, err
		}
		if ok {
			return s.give(&g, f, src), true, nil
		}
		if lost := gapBetween(g.number, off, max(off, g.size), r.at.tally, g.limit); lost.lost.records > 0 {
			s.setAside(lost, src)
			r.at = mark{position(g.number, lost.to), g.limit}
		}
		if last {
			return Record{}, false, nil
		}
		r.at.at = position(g.number+1, 0)
	}
}

// cross brings the reader to a segment's first frame. Counts that are missing
// in between are those of a file that is gone.
func (s *Spool) cross(g *segment, src source) {
	r := &s.reader
	from := r.at.at
	if lost := gapBetween(from.segment(), from.offset(), from.offset(), r.at.tally, g.base); !lost.empty() {
		s.setAside(lost, src)
	}
	r.at = mark{position(g.number, g.start), g.base}
}

// give makes the record of a frame and goes behind it.
func (s *Spool) give(g *segment, f found, src source) Record {
	r := &s.reader
	if lost := gapBetween(g.number, r.at.at.offset(), f.at, r.at.tally, f.before); !lost.empty() {
		s.setAside(lost, src)
	}
	r.at = mark{position(g.number, f.end()), later(r.at.tally, f.after())}
	s.mu.Lock()
	s.recent[s.recentNext%len(s.recent)] = r.at
	s.recentNext++
	s.mu.Unlock()
	return Record{Position: r.at.at, Data: f.record, Readings: f.readings, Appended: time.Unix(0, f.appended).UTC()}
}

// segmentAt gives the segment of a position, or else the one behind it.
func (s *Spool) segmentAt(p Position) (g segment, last, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := index(s.segments, p.segment())
	if i == len(s.segments) {
		return segment{}, false, false
	}
	return s.segments[i], i == len(s.segments)-1, true
}

func (r *reader) open(s *Spool, g *segment) (source, error) {
	hard := r.failures >= patience
	if r.file != nil && r.number == g.number {
		return source{file: r.file, hard: hard}, nil
	}
	f, err := s.o.FS.Open(s.path(g.name()))
	if err != nil {
		return source{}, err
	}
	_ = r.close()
	r.file, r.number = f, g.number
	return source{file: f, hard: hard}, nil
}

func (r *reader) close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// markOf finds what was counted up to a position.
func (s *Spool) markOf(p Position) (mark, error) {
	s.mu.Lock()
	if p <= s.cursor.at {
		defer s.mu.Unlock()
		return s.cursor, nil
	}
	for _, m := range s.recent {
		if m.at == p {
			s.mu.Unlock()
			return m, nil
		}
	}
	i := index(s.segments, p.segment())
	if i == len(s.segments) {
		defer s.mu.Unlock()
		return mark{p, s.end}, nil
	}
	g := s.segments[i]
	s.mu.Unlock()
	switch {
	case g.number != p.segment(), p.offset() <= g.start:
		return mark{p, g.base}, nil
	case p.offset() >= g.size:
		return mark{p, g.limit}, nil
	}
	t, err := s.countTo(&g, p.offset())
	return mark{p, t}, err
}

// countTo reads what was counted in front of an offset: the frame there says
// it, and where that one is damaged the frames before it do.
func (s *Spool) countTo(g *segment, off int64) (tally, error) {
	f, err := s.o.FS.Open(s.path(g.name()))
	if err != nil {
		return tally{}, err
	}
	defer f.Close()
	var header [frameHeaderSize]byte
	n, err := source{file: f}.readAt(header[:], off)
	if err != nil {
		return tally{}, err
	}
	if h, ok := parseFrame(header[:n], g.seed()); ok {
		return h.before, nil
	}
	t, _, err := source{file: f}.walk(g, g.start, off, g.base)
	return t, err
}

// oldest remembers when the first undelivered record was appended.
type oldest struct {
	of Position
	at time.Time
}

// oldestAppended reads the time of the first undelivered record; where that
// one cannot be read, it is the time its segment was made.
func (s *Spool) oldestAppended() time.Time {
	s.mu.Lock()
	cursor, known := s.cursor, s.oldest
	s.mu.Unlock()
	g, last, ok := s.segmentAt(cursor.at)
	if ok && !last && g.number == cursor.at.segment() && cursor.tally.records >= g.limit.records {
		g, _, ok = s.segmentAt(position(g.number+1, 0))
	}
	if !ok || known.of == cursor.at && !known.at.IsZero() {
		return known.at
	}
	off := g.start
	if g.number == cursor.at.segment() {
		off = max(off, cursor.at.offset())
	}
	at := time.Unix(0, s.appendedAt(&g, off)).UTC()
	s.mu.Lock()
	s.oldest = oldest{cursor.at, at}
	s.mu.Unlock()
	return at
}

func (s *Spool) appendedAt(g *segment, off int64) int64 {
	f, err := s.o.FS.Open(s.path(g.name()))
	if err != nil {
		return g.made
	}
	defer f.Close()
	var header [frameHeaderSize]byte
	n, err := source{file: f}.readAt(header[:], off)
	if h, ok := parseFrame(header[:n], g.seed()); ok && err == nil {
		return h.appended
	}
	return g.made
}
