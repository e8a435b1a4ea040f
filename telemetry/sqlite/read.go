package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"

	"cityhub/telemetry"
)

// Read gives the lines selected. A question with a limit, or for one group,
// goes through the files one after the other; any other reads all files it
// needs side by side, so that a group's lines come together.
func (a *Archive) Read(ctx context.Context, q telemetry.Query, each func(*telemetry.Line) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	groups := slices.Clone(q.Groups)
	slices.Sort(groups)
	groups = slices.Compact(groups)
	if q.From >= q.To || (q.Groups != nil && len(groups) == 0) {
		return nil
	}
	files, err := a.acquireAll(q.Bucket, q.From, q.To)
	if err != nil {
		return failure(ctx, err)
	}
	defer a.releaseAll(files)
	r := reader{query: q, each: each}
	switch {
	case q.Limit > 0 && q.Groups == nil:
		if groups, err = groupsOf(ctx, files); err != nil {
			return failure(ctx, err)
		}
		fallthrough
	case q.Limit > 0 || len(groups) == 1:
		err = r.inTurn(ctx, files, groups)
	default:
		err = r.sideBySide(ctx, files, groups)
	}
	return r.outcome(ctx, err)
}

func (a *Archive) acquireAll(bucket telemetry.Bucket, from, to int64) ([]*file, error) {
	var files []*file
	for _, p := range a.files.overlapping(bucket, from, to) {
		f, err := a.files.acquire(p, false)
		if errors.Is(err, os.ErrNotExist) {
			continue // it has expired in between
		}
		if err != nil {
			a.releaseAll(files)
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func (a *Archive) releaseAll(files []*file) {
	for _, f := range files {
		a.files.release(f)
	}
}

// reader runs one question.
type reader struct {
	query  telemetry.Query
	each   func(*telemetry.Line) error
	line   telemetry.Line
	dec    decoder
	callee error // what each answered
}

// outcome tells the callee's error, which stays as it is, from the archive's.
func (r *reader) outcome(ctx context.Context, err error) error {
	switch {
	case r.callee != nil:
		return r.callee
	case err != nil:
		return failure(ctx, err)
	}
	return nil
}

func (r *reader) inTurn(ctx context.Context, files []*file, groups []int64) error {
	for _, group := range groups {
		given := 0
		for _, f := range files {
			if r.query.Limit > 0 && given >= r.query.Limit {
				break
			}
			n, err := r.group(ctx, f, group, r.query.Limit-given)
			if err != nil {
				return err
			}
			given += n
		}
	}
	return nil
}

// group gives up to limit lines of one group from one file; limit ≤ 0: all.
func (r *reader) group(ctx context.Context, f *file, group int64, limit int) (given int, err error) {
	c, err := f.lines(ctx, []int64{group}, r.query.From, r.query.To)
	if err != nil {
		return 0, err
	}
	defer c.close()
	for c.next() {
		told, err := r.tell(c)
		if err != nil {
			return given, err
		}
		if told {
			given++
		}
		if limit > 0 && given == limit {
			break
		}
	}
	return given, c.err
}

// sideBySide merges the files, each sorted by group and time: the lowest group
// comes first, from the earliest file first.
func (r *reader) sideBySide(ctx context.Context, files []*file, groups []int64) error {
	cursors, err := openCursors(files, func(f *file) (*cursor, error) {
		return f.lines(ctx, groups, r.query.From, r.query.To)
	})
	defer closeCursors(cursors)
	if err != nil {
		return err
	}
	for {
		c, err := lowest(cursors)
		if c == nil {
			return err
		}
		group := c.group
		for !c.done && c.group == group {
			if _, err := r.tell(c); err != nil {
				return err
			}
			c.next()
		}
		if c.err != nil {
			return c.err
		}
	}
}

// tell hands out the cursor's line as far as it was asked for.
func (r *reader) tell(c *cursor) (bool, error) {
	r.line.Group, r.line.Time = c.group, c.time
	if err := r.dec.decode(c.data, &r.line); err != nil {
		return false, c.file.explain("read", err)
	}
	if r.query.Places {
		if r.line.Position == nil {
			return false, nil
		}
		r.line.Fields = r.line.Fields[:0]
	} else if r.query.Properties != nil {
		r.line.Fields = slices.DeleteFunc(r.line.Fields, func(f telemetry.Field) bool {
			return !slices.Contains(r.query.Properties, f.Property)
		})
		if len(r.line.Fields) == 0 {
			return false, nil
		}
	}
	r.callee = r.each(&r.line)
	return true, r.callee
}

// Latest merges the newest values that each file keeps, the newest file first.
func (a *Archive) Latest(ctx context.Context, since int64, each func(*telemetry.Line) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	files, err := a.acquireAll(telemetry.Raw, since, 1<<63-1)
	if err != nil {
		return failure(ctx, err)
	}
	defer a.releaseAll(files)
	slices.Reverse(files)
	r := reader{each: each}
	return r.outcome(ctx, r.latest(ctx, files, since))
}

func (r *reader) latest(ctx context.Context, files []*file, since int64) error {
	cursors, err := openCursors(files, func(f *file) (*cursor, error) { return f.latest(ctx) })
	defer closeCursors(cursors)
	if err != nil {
		return err
	}
	for {
		first, err := lowest(cursors)
		if first == nil {
			return err
		}
		group := first.group
		var merged newest
		for _, c := range cursors {
			if c.done || c.group != group {
				continue
			}
			part, err := r.dec.newest(group, c.data)
			if err != nil {
				return c.file.explain("read", err)
			}
			for i := range part {
				if part[i].Time >= since {
					merged.add(&part[i])
				}
			}
			if c.next(); c.err != nil {
				return c.err
			}
		}
		for i := range merged {
			if r.callee = r.each(&merged[i]); r.callee != nil {
				return r.callee
			}
		}
	}
}

// groupsOf lists the groups that the files hold, ascending.
func groupsOf(ctx context.Context, files []*file) ([]int64, error) {
	var groups []int64
	for _, f := range files {
		rows, err := f.reader.QueryContext(ctx, "SELECT g FROM latest")
		if err != nil {
			return nil, f.explain("read", err)
		}
		for rows.Next() {
			var group int64
			if err := rows.Scan(&group); err != nil {
				return nil, errors.Join(f.explain("read", err), rows.Close()) //nolint:sqlclosecheck // its error counts
			}
			groups = append(groups, group)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, f.explain("read", err)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups), nil
}

func listOf(groups []int64) (string, error) {
	list, err := json.Marshal(groups)
	return string(list), err
}
