package spool

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// gap is a span of a segment in which no frame can be read.
type gap struct {
	segment  uint64
	from, to int64 // offsets; equal where the bytes themselves are gone
	before   tally // in front of the gap
	lost     tally // what had been accepted there
}

// gapBetween is the gap between two counts. A copy of an older frame makes
// their difference negative: then nothing is lost.
func gapBetween(number uint64, from, to int64, before, after tally) gap {
	return gap{number, from, to, before, later(before, after).minus(before)}
}

// empty tells that neither bytes nor records are missing.
func (g *gap) empty() bool { return g.to == g.from && g.lost.records == 0 }

func (g *gap) name() string {
	return fmt.Sprintf("damaged-%010d-%d-%d-%d-%d.bin", g.segment, g.from, g.to, g.lost.records, g.lost.readings)
}

func parseGapName(name string) (g gap, ok bool) {
	_, err := fmt.Sscanf(name, "damaged-%d-%d-%d-%d-%d.bin",
		&g.segment, &g.from, &g.to, &g.lost.records, &g.lost.readings)
	return g, err == nil && g.name() == name
}

type place struct {
	segment uint64
	from    int64
}

// damage is what is known of damaged spans. The files beside carry it over
// restarts in their names.
type damage struct {
	spans, bytes, readings int64
	counted                map[place]bool
	gaps                   []gap           // not yet passed by the cursor
	keep                   map[uint64]bool // segments of which a copy could not be made
}

const keptSuffix = segmentSuffix + ".damaged"

// load counts the files beside.
func (d *damage) load(fs vfs.FS, dir string, names []string) {
	d.counted, d.keep = map[place]bool{}, map[uint64]bool{}
	for _, name := range names {
		g, ok := parseGapName(name)
		if !ok && !strings.HasSuffix(name, keptSuffix) {
			continue
		}
		d.spans++
		d.readings += g.lost.readings
		if info, err := fs.Stat(fs.PathJoin(dir, name)); err == nil {
			d.bytes += info.Size()
		}
		if ok {
			d.counted[place{g.segment, g.from}] = true
		}
	}
}

// ahead sums what is lost behind the cursor, and so will never be delivered.
func (d *damage) ahead(cursor tally) (lost tally) {
	for i := range d.gaps {
		if d.gaps[i].before.records >= cursor.records {
			lost = lost.plus(d.gaps[i].lost)
		}
	}
	return lost
}

// pass forgets the gaps that the cursor has passed.
func (d *damage) pass(cursor tally) {
	d.gaps = slices.DeleteFunc(d.gaps, func(g gap) bool { return g.before.records < cursor.records })
}

// setAside counts a gap once and copies its bytes to a file beside. Where the
// copy cannot be made, the whole segment is kept when its time has come.
func (s *Spool) setAside(g gap, r source) {
	s.mu.Lock()
	if !slices.ContainsFunc(s.damage.gaps, func(h gap) bool { return h.segment == g.segment && h.from == g.from }) {
		s.damage.gaps = append(s.damage.gaps, g)
	}
	at := place{g.segment, g.from}
	if s.damage.counted[at] {
		s.mu.Unlock()
		return
	}
	s.damage.counted[at] = true
	s.damage.spans++
	s.damage.readings += g.lost.readings
	s.damage.bytes += g.to - g.from
	s.mu.Unlock()
	if err := s.copyAside(g, source{file: r.file, hard: true}); err != nil {
		s.mu.Lock()
		s.damage.keep[g.segment] = true
		s.mu.Unlock()
	}
}

func (s *Spool) copyAside(g gap, r source) error {
	if err := s.reserve(g.to - g.from); err != nil {
		return err
	}
	f, err := s.o.FS.Create(s.path(g.name()), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = copySpan(f, r, g.from, g.to)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = s.o.FS.Remove(s.path(g.name()))
		return err
	}
	return syncDir(s.o.FS, s.o.Dir)
}

func copySpan(w io.Writer, r source, from, to int64) error {
	buf := make([]byte, min(searchWindow, to-from))
	for from < to {
		n, err := r.readAt(buf[:min(int64(len(buf)), to-from)], from)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		from += int64(n)
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}
