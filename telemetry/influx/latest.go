package influx

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"cityhub/telemetry"
)

// lookupSpan is the span of time in which lines are looked up together.
const lookupSpan = int64(10 * time.Minute)

// Latest asks for the last value of every series. Where a field's last value
// is older than its line's own fields (id, quality, position), those are
// looked up in a second step.
func (a *Archive) Latest(ctx context.Context, since int64, each func(*telemetry.Line) error) error {
	if err := a.ensure(ctx); err != nil {
		return err
	}
	q := question{bucket: a.buckets[telemetry.Raw], from: max(since, minTime), to: maxTime + 1, tail: bareLast}
	if q.from >= q.to {
		return nil
	}
	l := latest{reader: reader{archive: a, question: q, each: each}}
	err := a.ask(ctx, q.bucket, q.flux(), func(c *cell) error {
		if l.group.name != string(c.group) {
			if err := l.finish(); err != nil {
				return err
			}
			if err := l.group.begin(string(c.group)); err != nil {
				return err
			}
		}
		return l.group.add(c)
	})
	if err == nil {
		err = l.finish()
	}
	if err == nil {
		err = l.lookUp(ctx)
	}
	return l.outcome(ctx, err)
}

type latest struct {
	reader
	pending []telemetry.Line // of which the hub's own fields are to be found
}

// finish tells the lines of the group that is complete.
func (l *latest) finish() error {
	if l.group.name == "" {
		return nil
	}
	newest := minTime
	for _, s := range l.group.all() {
		if strings.HasPrefix(s.field, ownPrefix) && !strings.HasPrefix(s.field, qualityOf) && s.field != fieldTime {
			newest = max(newest, s.times[0])
		}
	}
	_, err := l.group.lines(0, withFields, func(line *telemetry.Line) error {
		if line.Time >= newest {
			return l.tell(line)
		}
		kept := *line
		kept.Fields, kept.Position = slices.Clone(line.Fields), nil
		l.pending = append(l.pending, kept)
		return nil
	})
	return err
}

// lookUp finds the hub's own fields of the pending lines, many at a time, and
// tells them.
func (l *latest) lookUp(ctx context.Context) error {
	slices.SortFunc(l.pending, func(x, y telemetry.Line) int { return cmp.Compare(x.Time, y.Time) })
	for len(l.pending) > 0 {
		first, count := l.pending[0].Time, 0
		for count < len(l.pending) && count < groupsPerQuestion && l.pending[count].Time-first < lookupSpan {
			count++
		}
		if err := l.lookUpSome(ctx, l.pending[:count]); err != nil {
			return err
		}
		l.pending = l.pending[count:]
	}
	return nil
}

func (l *latest) lookUpSome(ctx context.Context, lines []telemetry.Line) error {
	wanted := make(map[place]*telemetry.Line, len(lines))
	ids := make([]int64, 0, len(lines))
	for i := range lines {
		wanted[place{lines[i].Group, lines[i].Time, 0}] = &lines[i]
		ids = append(ids, lines[i].Group)
	}
	r := &reader{archive: l.archive, question: l.question}
	r.tail, r.groups, r.fields = "", groupNames(ids), own[:]
	r.from, r.to = lines[0].Time, lines[len(lines)-1].Time+1
	r.want = anything
	r.each = func(found *telemetry.Line) error {
		line := wanted[place{found.Group, found.Time, 0}]
		if line == nil {
			return nil
		}
		line.ID, line.Quality, line.Received = found.ID, found.Quality, found.Received
		if found.Position != nil {
			position := *found.Position
			line.Position = &position
		}
		return nil
	}
	if err := r.stream(ctx); err != nil {
		return err
	}
	for i := range lines {
		if err := l.tell(&lines[i]); err != nil {
			return err
		}
	}
	return nil
}
