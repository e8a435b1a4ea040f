// Package statistics says what a city's readings tell over zones and spans of
// time: zone statistics, and frames to be played back. It reads roll-ups as
// far as they reach, counts every reading where its thing was then, and knows
// nothing of who asks.
package statistics

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// ErrTooMuch says that an answer would take more lines than are read for one.
var ErrTooMuch = errors.New("more readings and roll-ups lie in this than one answer may read")

const (
	maxLines   = 5_000_000 // read for one answer
	chunkSize  = 500       // sources read with one query
	hourNanos  = int64(3600e9)
	unknownRow = int32(-1)
)

// Span is what is asked about.
type Span struct {
	Property string
	Sources  []devices.Measured // the datastreams that count; all of the property
	From, To int64              // half-open, nanoseconds since 1970
	RollUps  bool               // nothing else is read: readings that are in none, or in none of one place, do not count
}

// piece is what one line says: a reading, or a roll-up of an hour or day, made
// where at says; nil where that is not known.
type piece struct {
	*telemetry.Told
	source int
	at     *geo.Position
}

// reading reads a span chunk by chunk, things whole.
type reading struct {
	history  *telemetry.History
	span     *Span
	coarsest telemetry.Bucket
	need     telemetry.Need
	take     func(p *piece)
	chunk    func() // a chunk is complete; may be nil
	lines    int
	index    map[int64]int // group → source
	torn     []tear
}

// tear is a window of a thing that moved within it: what a roll-up says of it
// is of no one place, so a finer bucket is read.
type tear struct {
	bucket   telemetry.Bucket
	from, to int64
	group    int64
}

func (r *reading) run(ctx context.Context) error {
	sources := r.span.Sources
	arrange(sources)
	cover, err := r.history.Cover(ctx, r.coarsest, r.span.From, r.span.To)
	if err != nil {
		return err
	}
	if r.span.RollUps {
		cover = slices.DeleteFunc(cover, func(p telemetry.Part) bool { return p.Bucket == telemetry.Raw })
		sources = slices.DeleteFunc(sources, func(m devices.Measured) bool { return m.Station.Mobile })
		r.span.Sources = sources
	}
	if r.estimate(cover) > maxLines {
		return ErrTooMuch
	}
	for begin := 0; begin < len(sources); {
		end := min(begin+chunkSize, len(sources))
		for end < len(sources) && sources[end].Station.ID == sources[end-1].Station.ID {
			end++
		}
		if err := r.readChunk(ctx, cover, begin, end); err != nil {
			return err
		}
		begin = end
	}
	return nil
}

// arrange puts the sources of each thing together.
func arrange(sources []devices.Measured) {
	slices.SortFunc(sources, func(a, b devices.Measured) int {
		return cmp.Or(cmp.Compare(a.Station.ID, b.Station.ID), cmp.Compare(a.Group, b.Group))
	})
}

// estimate counts the roll-ups that a full archive would have.
func (r *reading) estimate(cover []telemetry.Part) int64 {
	lines := int64(0)
	for _, part := range cover {
		switch part.Bucket {
		case telemetry.Hourly:
			lines += (part.To - part.From) / hourNanos
		case telemetry.Daily:
			lines += (part.To - part.From) / (24 * hourNanos)
		}
	}
	return lines * int64(len(r.span.Sources))
}

func (r *reading) readChunk(ctx context.Context, cover []telemetry.Part, begin, end int) error {
	r.index = make(map[int64]int, end-begin)
	var standing, roaming []int64
	for i := begin; i < end; i++ {
		s := &r.span.Sources[i]
		r.index[s.Group] = i
		if s.Station.Mobile {
			roaming = append(roaming, s.Group)
		} else {
			standing = append(standing, s.Group)
		}
	}
	r.torn = r.torn[:0]
	for _, part := range cover {
		if err := r.read(ctx, part, standing); err != nil {
			return err
		}
	}
	if err := r.mend(ctx); err != nil {
		return err
	}
	if err := r.roam(ctx, roaming); err != nil {
		return err
	}
	if r.chunk != nil {
		r.chunk()
	}
	return nil
}

// read takes in what things told that stand somewhere, save what is torn.
func (r *reading) read(ctx context.Context, part telemetry.Part, groups []int64) error {
	if len(groups) == 0 {
		return nil
	}
	p := piece{}
	return r.history.Tell(ctx, part, r.span.Property, r.need, groups, func(t *telemetry.Told) error {
		if err := r.count(); err != nil {
			return err
		}
		p.Told, p.source = t, r.index[t.Group]
		s := &r.span.Sources[p.source]
		if p.at = s.Station.Position; len(s.Stands) > 0 {
			end := r.windowEnd(part.Bucket, t.Time)
			at, whole := standing(s.Stands, t.Time, end)
			if !whole && r.span.RollUps && part.Bucket == telemetry.Hourly {
				return nil
			}
			if !whole {
				r.torn = append(r.torn, tear{part.Bucket, t.Time, end, t.Group})
				return nil
			}
			p.at = at
		}
		r.take(&p)
		return nil
	})
}

// count refuses to read on without end.
func (r *reading) count() error {
	if r.lines++; r.lines > maxLines {
		return ErrTooMuch
	}
	return nil
}

// windowEnd is the end of the roll-up that begins at an instant, or of the
// instant itself.
func (r *reading) windowEnd(bucket telemetry.Bucket, from int64) int64 {
	switch bucket {
	case telemetry.Hourly:
		return from + hourNanos
	case telemetry.Daily:
		return r.history.DayAfter(from)
	}
	return from + 1
}

// standing gives where a thing stood over [from, to); false where it moved
// within.
func standing(stands []devices.Stand, from, to int64) (at *geo.Position, whole bool) {
	for i := len(stands) - 1; i >= 0; i-- {
		if stands[i].From <= from {
			return &stands[i].Position, true
		}
		if stands[i].From < to {
			return nil, false
		}
	}
	return &stands[0].Position, true
}

// mend reads what is torn from the next finer bucket, windows that are torn
// for several things together.
func (r *reading) mend(ctx context.Context) error {
	for len(r.torn) > 0 {
		torn := slices.Clone(r.torn)
		r.torn = r.torn[:0]
		slices.SortStableFunc(torn, func(a, b tear) int {
			return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.from, b.from))
		})
		for len(torn) > 0 {
			first, n := torn[0], 0
			var groups []int64
			for n < len(torn) && torn[n].bucket == first.bucket && torn[n].from == first.from {
				groups = append(groups, torn[n].group)
				n++
			}
			if err := r.read(ctx, telemetry.Part{Bucket: first.bucket - 1, From: first.from, To: first.to}, groups); err != nil {
				return err
			}
			torn = torn[n:]
		}
	}
	return nil
}
