package telemetry

import (
	"context"
	"time"

	"cityhub/devices"
	"cityhub/geo"
)

// Part is a span of time, half-open in nanoseconds since 1970, that is best
// read from one bucket.
type Part struct {
	Bucket   Bucket
	From, To int64
}

// Cover cuts [from, to) into parts: whole days from the daily roll-ups where
// the coarsest bucket allows it, what is left from the hourly ones as far as
// they reach, and the rest from raw readings. The bounds must be those of
// hours, unless raw is the coarsest. Parts ascend in time.
func (h *History) Cover(ctx context.Context, coarsest Bucket, from, to int64) ([]Part, error) {
	if coarsest == Raw {
		return parts(Part{Raw, from, to}), nil
	}
	mark, err := h.Journal.Watermark(ctx, 0)
	if err != nil {
		return nil, err
	}
	rolled := min(max(mark, from), to)
	first, last := rolled, rolled
	if coarsest == Daily {
		if first, _ = dayOf(from, h.Zone); first < from {
			_, first = dayOf(from, h.Zone)
		}
		last, _ = dayOf(rolled, h.Zone)
	}
	if first >= last {
		first, last = rolled, rolled
	}
	return parts(Part{Hourly, from, first}, Part{Daily, first, last}, Part{Hourly, last, rolled}, Part{Raw, rolled, to}), nil
}

// parts leaves out those that are empty.
func parts(all ...Part) []Part {
	kept := all[:0]
	for _, p := range all {
		if p.From < p.To {
			kept = append(kept, p)
		}
	}
	return kept
}

// Told is what one line of a bucket says of a property: a reading, or a
// roll-up of those within an hour or day. Its Count is not 0.
type Told struct {
	Group    int64
	Time     int64         // of the reading, or the window's begin
	Position *geo.Position // where the reading was made, as far as that is to be believed; mobile things' readings only
	Summary
}

// Places calls each with every position that groups told in [from, to) and
// that is to be believed: group by group, ascending by time within a group.
func (h *History) Places(ctx context.Context, groups []int64, from, to int64, each func(group int64, p Place) error) error {
	query := Query{Bucket: Raw, Places: true, Groups: groups, From: from, To: to}
	return h.Archive.Read(ctx, query, func(l *Line) error {
		position, known := l.Place()
		if !known {
			return nil
		}
		return each(l.Group, Place{Position: position, Time: l.Time})
	})
}

// Need says which members of a Summary are wanted beside Count: an archive
// answers the sooner, the fewer fields are asked for.
type Need uint8

// The needs.
const (
	NeedSum    Need = 1 << iota
	NeedBounds      // Min, Max
	NeedEnds        // First, Last
	NeedAll    = NeedSum | NeedBounds | NeedEnds
)

// Tell calls each with what every line of a part says of a property: group by
// group, ascending by time within a group. Groups nil are all. Roll-ups tell
// no more than is needed. What is told belongs to the callee only until it
// returns.
func (h *History) Tell(ctx context.Context, part Part, property string, need Need, groups []int64, each func(*Told) error) error {
	query := Query{Bucket: part.Bucket, Groups: groups, Properties: fieldsOf(property, part.Bucket, need), From: part.From, To: part.To}
	var told Told
	return h.Archive.Read(ctx, query, func(l *Line) error {
		told = Told{Group: l.Group, Time: l.Time}
		if _, known := l.Place(); known {
			told.Position = l.Position
		}
		told.take(l, property, part.Bucket)
		if told.Count == 0 {
			return nil
		}
		return each(&told)
	})
}

// fieldsOf names the fields in which a bucket keeps what is needed.
func fieldsOf(property string, bucket Bucket, need Need) []string {
	if bucket == Raw {
		return []string{property}
	}
	fields := []string{property + suffixCount}
	if need&NeedSum != 0 {
		fields = append(fields, property+suffixSum)
	}
	if need&NeedBounds != 0 {
		fields = append(fields, property+suffixMin, property+suffixMax)
	}
	if need&NeedEnds != 0 {
		fields = append(fields, property+suffixFirst, property+suffixLast)
	}
	return fields
}

// take reads a property out of a line.
func (t *Told) take(l *Line, property string, bucket Bucket) {
	for i := range l.Fields {
		f := &l.Fields[i]
		switch {
		case bucket != Raw:
			if len(f.Property) > len(property) && f.Property[:len(property)] == property {
				t.Summary.take(f.Property[len(property):], f.Value)
			}
		case f.Property == property && f.Quality&OutOfRange == 0:
			t.add(f.Value)
		}
	}
}

// DayBegin is the begin of the city's day that an instant lies in.
func (h *History) DayBegin(instant int64) int64 {
	begin, _ := dayOf(instant, h.Zone)
	return begin
}

// DayAfter is the begin of the city's next day.
func (h *History) DayAfter(instant int64) int64 {
	_, end := dayOf(instant, h.Zone)
	return end
}

// Windows gives the windows of a step that [from, to) touches, cut in the
// city's time zone.
func (h *History) Windows(step Step, from, to time.Time) ([]Window, error) {
	start, err := h.floor(step, from)
	if err != nil {
		return nil, err
	}
	var windows []Window
	for start.Before(to) {
		end := h.next(step, start)
		windows = append(windows, Window{From: start, To: end})
		start = end
	}
	return windows, nil
}

// Aggregates summarises a datastream over all whole windows that [from, to)
// touches, cut in the city's time zone: from the daily and hourly buckets as
// far as they reach, and from raw readings behind that.
func (h *History) Aggregates(ctx context.Context, d devices.Datastream, step Step, from, to time.Time) ([]Window, error) {
	start, err := h.floor(step, from)
	if err != nil {
		return nil, err
	}
	end := h.next(step, h.mustFloor(step, to.Add(-1)))
	coarsest := Daily
	if step == PerHour {
		coarsest = Hourly
	}
	cover, err := h.Cover(ctx, coarsest, start.UnixNano(), end.UnixNano())
	if err != nil {
		return nil, err
	}
	a := aggregation{history: h, step: step}
	for _, part := range cover {
		if err := h.Tell(ctx, part, d.Property, NeedAll, []int64{d.Group}, a.take); err != nil {
			return nil, err
		}
	}
	return a.windows, nil
}

// aggregation gathers the windows of one datastream.
type aggregation struct {
	history *History
	step    Step
	windows []Window
}

// take joins what a line says; lines come in order of time.
func (a *aggregation) take(t *Told) error {
	start := a.history.mustFloor(a.step, time.Unix(0, t.Time))
	if n := len(a.windows); n == 0 || !a.windows[n-1].From.Equal(start) {
		a.windows = append(a.windows, Window{From: start, To: a.history.next(a.step, start)})
	}
	a.windows[len(a.windows)-1].Join(&t.Summary)
	return nil
}
