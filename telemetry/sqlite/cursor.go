package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// cursor walks through rows of one file, sorted by group and time. It stands
// on a row until done.
type cursor struct {
	file  *file
	rows  *sql.Rows
	group int64
	time  int64
	data  []byte
	done  bool
	err   error
}

// The groups lead and each is sought in the clustered table, so that an hour
// of a city costs its own lines and not the file's.
const (
	selectAll  = `SELECT s.g, l.t, l.data FROM latest s CROSS JOIN line l WHERE l.g = s.g AND l.t >= ? AND l.t < ? ORDER BY s.g, l.t`
	selectSome = `SELECT l.g, l.t, l.data FROM line l WHERE l.t >= ? AND l.t < ? AND l.g IN (SELECT value FROM json_each(?)) ORDER BY l.g, l.t`
	selectOne  = `SELECT g, t, data FROM line WHERE t >= ? AND t < ? AND g = ? ORDER BY t`
)

// lines opens a cursor on the lines of groups (nil: all) in [from, to), with
// its first row still to come.
func (f *file) lines(ctx context.Context, groups []int64, from, to int64) (*cursor, error) {
	switch len(groups) {
	case 0:
		return f.query(ctx, selectAll, from, to)
	case 1:
		return f.query(ctx, selectOne, from, to, groups[0])
	}
	list, err := listOf(groups)
	if err != nil {
		return nil, err
	}
	return f.query(ctx, selectSome, from, to, list)
}

// latest opens a cursor on the newest values; its time is 0.
func (f *file) latest(ctx context.Context) (*cursor, error) {
	return f.query(ctx, "SELECT g, 0, data FROM latest ORDER BY g")
}

func (f *file) query(ctx context.Context, text string, args ...any) (*cursor, error) {
	rows, err := f.reader.QueryContext(ctx, text, args...) //nolint:rowserrcheck // the cursor does, at its end
	if err != nil {
		return nil, f.explain("read", err)
	}
	return &cursor{file: f, rows: rows}, nil
}

// next goes to the next row and says whether there is one. The data of the
// row before is gone then.
func (c *cursor) next() bool {
	if c.done {
		return false
	}
	if c.rows.Next() {
		c.err = c.rows.Scan(&c.group, &c.time, (*sql.RawBytes)(&c.data))
	} else {
		c.done, c.err = true, c.rows.Err()
	}
	if c.err != nil {
		c.done, c.err = true, c.file.explain("read", c.err)
	}
	return !c.done
}

func (c *cursor) close() { c.rows.Close() }

// openCursors opens one per file, each on its first row. The cursors it
// answers must be closed even where it fails.
func openCursors(files []*file, open func(*file) (*cursor, error)) ([]*cursor, error) {
	var cursors []*cursor
	for _, f := range files {
		c, err := open(f)
		if err != nil {
			return cursors, err
		}
		cursors = append(cursors, c)
		if c.next(); c.err != nil {
			return cursors, c.err
		}
	}
	return cursors, nil
}

func closeCursors(cursors []*cursor) {
	for _, c := range cursors {
		c.close()
	}
}

// lowest gives the first cursor that stands on the lowest group, nil when all
// are done.
func lowest(cursors []*cursor) (*cursor, error) {
	var low *cursor
	var errs []error
	for _, c := range cursors {
		if c.err != nil {
			errs = append(errs, c.err)
		}
		if !c.done && (low == nil || c.group < low.group) {
			low = c
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return low, nil
}
