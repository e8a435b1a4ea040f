package influx

import (
	"context"
	"errors"
	"slices"
	"sort"

	"cityhub/telemetry"
)

// groupsPerQuestion bounds the text of a question and what InfluxDB works on
// at a time.
const groupsPerQuestion = 500

// errTooMany says that a group has more values than are held at a time.
var errTooMany = errors.New("too many values for one go")

// own are the fields that every read wants beside the properties.
var own = [...]string{fieldID, fieldQuality, fieldReceived, fieldLon, fieldLat, fieldAlt}

// position is the field by which lines with a position are found.
var position = [...]string{fieldLon}

// Read gives the lines selected. It holds one group at a time, of a bounded
// number of values: a group of more is read by spans of time.
func (a *Archive) Read(ctx context.Context, q telemetry.Query, each func(*telemetry.Line) error) error {
	if err := a.ensure(ctx); err != nil {
		return err
	}
	r := reader{archive: a, each: each}
	switch {
	case q.Places:
		r.want, r.properties, r.fields = placed, position[:], own[:]
	case q.Properties == nil:
		r.want = orPlace
	}
	r.bucket, r.from, r.to = a.buckets[q.Bucket], max(q.From, minTime), min(q.To, maxTime+1)
	r.groups, r.limit = groupNames(q.Groups), q.Limit
	if r.from >= r.to || q.Groups != nil && len(q.Groups) == 0 || q.Properties != nil && len(q.Properties) == 0 {
		return nil
	}
	for _, property := range q.Properties {
		r.properties = append(r.properties, fieldOf(property))
		r.fields = append(r.fields, fieldOf(property), qualityOf+fieldOf(property))
	}
	if q.Properties != nil {
		r.fields = append(r.fields, own[:]...)
	}
	return r.outcome(ctx, r.run(ctx))
}

// reader runs one read.
type reader struct {
	archive    *Archive
	question   // its limit is that of lines per group
	properties []string
	want       content
	each       func(*telemetry.Line) error
	group      group
	callee     error
}

func (r *reader) outcome(ctx context.Context, err error) error {
	switch {
	case r.callee != nil:
		return r.callee
	case errors.Is(err, errAnswer):
		return &telemetry.ArchiveError{Err: err}
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

func (r *reader) tell(l *telemetry.Line) error {
	r.callee = r.each(l)
	return r.callee
}

func (r *reader) run(ctx context.Context) error {
	// A limit with chosen properties goes group by group, see limited.
	single := r.limit > 0 && r.properties != nil
	if r.groups == nil && !single {
		return r.stream(ctx)
	}
	groups := r.groups
	if groups == nil {
		var err error
		if groups, err = r.archive.groupsIn(ctx, r.bucket, r.from, r.to); err != nil {
			return err
		}
	}
	if single {
		for _, name := range groups {
			if err := r.limited(ctx, name); err != nil {
				return err
			}
		}
		return nil
	}
	return r.chunks(ctx, groups)
}

// stream reads the groups of the question; whichever is too big for one go it
// reads by spans of time.
func (r *reader) stream(ctx context.Context) error {
	for {
		err := r.once(ctx, r.limit)
		if !errors.Is(err, errTooMany) {
			return err
		}
		big := r.group.name
		if err := r.bySpans(ctx, big); err != nil {
			return err
		}
		if r.groups == nil {
			groups, err := r.archive.groupsIn(ctx, r.bucket, r.from, r.to)
			if err != nil {
				return err
			}
			return r.chunks(ctx, after(groups, big))
		}
		if r.groups = after(r.groups, big); len(r.groups) == 0 {
			return nil
		}
	}
}

// chunks reads a long list of groups.
func (r *reader) chunks(ctx context.Context, groups []string) error {
	for part := range slices.Chunk(groups, groupsPerQuestion) {
		r.groups = part
		if err := r.stream(ctx); err != nil {
			return err
		}
	}
	return nil
}

// after gives the names behind one in a sorted list.
func after(names []string, name string) []string {
	return names[sort.Search(len(names), func(i int) bool { return names[i] > name }):]
}

// once asks the question as it stands. On errTooMany every group before
// r.group has been told, and of r.group nothing.
func (r *reader) once(ctx context.Context, limit int) error {
	q := r.question
	q.limit = limit
	r.group.name = ""
	err := r.archive.ask(ctx, r.bucket, q.flux(), func(c *cell) error {
		if r.group.name != string(c.group) {
			if err := r.finish(limit); err != nil {
				return err
			}
			if err := r.group.begin(string(c.group)); err != nil {
				return err
			}
		}
		if r.group.cells == r.archive.cells {
			return errTooMany
		}
		return r.group.add(c)
	})
	if err != nil {
		return err
	}
	return r.finish(limit)
}

// finish tells the lines of the group that is complete.
func (r *reader) finish(limit int) error {
	if r.group.name == "" {
		return nil
	}
	_, err := r.group.lines(limit, r.want, r.tell)
	return err
}
