package influx

import (
	"context"
	"errors"

	"cityhub/telemetry"
)

// bySpans reads one group, of which r.group holds as many values as fit, by
// spans of time short enough to be held.
func (r *reader) bySpans(ctx context.Context, name string) error {
	one := &reader{archive: r.archive, question: r.question, want: r.want}
	one.groups = []string{name}
	given := 0
	one.each = func(l *telemetry.Line) error {
		given++
		return r.tell(l)
	}
	end := r.group.cut(r.from, r.to)
	span := spanOf(r.from, end)
	for from := r.from; from < r.to; {
		one.from, one.to = from, end
		left := 0
		if r.limit > 0 {
			left = r.limit - given
		}
		err := one.once(ctx, left)
		if errors.Is(err, errTooMany) && end > from+1 {
			end = one.group.cut(from, end)
			span = spanOf(from, end)
			continue
		}
		if err != nil || r.limit > 0 && given >= r.limit {
			return err
		}
		switch {
		case one.group.name == "": // a gap, perhaps of years
			span = min(span, longest/32) * 32
		case one.group.cells < r.archive.cells/4:
			span = min(span, longest/2) * 2
		}
		from = end
		if end = from + span; end <= from || end > r.to {
			end = r.to
		}
	}
	return nil
}

// longest is the longest span that can be told in nanoseconds, near enough.
const longest = int64(1) << 62

func spanOf(from, to int64) int64 {
	if span := to - from; span > 0 && span < longest {
		return span
	}
	return longest // the difference is too great for its type
}

// cut gives an instant before to such that [from, cut) holds about an eighth
// of what the group holds of its densest series; and always one within.
func (g *group) cut(from, to int64) int64 {
	var densest *series
	for _, s := range g.all() {
		if densest == nil || len(s.times) > len(densest.times) {
			densest = s
		}
	}
	if densest != nil {
		if at := densest.times[len(densest.times)/8]; at > from && at < to {
			return at
		}
	}
	return max(from+1, from/2+to/2)
}

// limited reads the first lines of one group that have any of the properties.
// The hub's own fields go with every line, so the limit cannot be put to them:
// first it is asked where the last of those lines is.
func (r *reader) limited(ctx context.Context, name string) error {
	last, found := r.from, 0
	where := &reader{archive: r.archive, question: r.question}
	where.groups, where.fields, where.want = []string{name}, r.properties, r.want
	where.each = func(l *telemetry.Line) error {
		last = l.Time
		found++
		return nil
	}
	if err := where.stream(ctx); err != nil || found == 0 {
		return err
	}
	lines := &reader{archive: r.archive, question: r.question, want: r.want, each: r.tell}
	lines.groups, lines.to, lines.limit = []string{name}, last+1, 0
	return lines.stream(ctx)
}
