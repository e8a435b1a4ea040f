package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"cityhub/telemetry"
)

// rowsPerStatement balances the cost of a statement against its size.
const rowsPerStatement = 64

// statements are the writer's, prepared once per file.
type statements struct {
	insert, insertOne *sql.Stmt // ignore a line whose place is taken
	put               *sql.Stmt // replaces a line
	get               *sql.Stmt
	latest            *sql.Stmt // of rowsPerStatement groups
	keepLatest        *sql.Stmt
	all               []*sql.Stmt
}

func (s *statements) prepare(db *sql.DB) error {
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.insert, "INSERT INTO line VALUES " + repeated("(?,?,?)", rowsPerStatement) + " ON CONFLICT DO NOTHING"},
		{&s.insertOne, "INSERT INTO line VALUES (?,?,?) ON CONFLICT DO NOTHING"},
		{&s.put, "UPDATE line SET data = ?3 WHERE g = ?1 AND t = ?2"},
		{&s.get, "SELECT data FROM line WHERE g = ? AND t = ?"},
		{&s.latest, "SELECT g, data FROM latest WHERE g IN (" + repeated("?", rowsPerStatement) + ")"},
		{&s.keepLatest, "INSERT INTO latest VALUES (?,?) ON CONFLICT DO UPDATE SET data = excluded.data"},
	} {
		stmt, err := db.Prepare(p.text) //nolint:sqlclosecheck // kept, and closed with the file
		if err != nil {
			return err
		}
		*p.stmt = stmt
		s.all = append(s.all, stmt)
	}
	return nil
}

func repeated(part string, n int) string {
	return strings.TrimSuffix(strings.Repeat(part+",", n), ",")
}

func (s *statements) close() error {
	var errs []error
	for _, stmt := range s.all {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}

// transaction is one write to one file.
type transaction struct {
	*sql.Tx
	stmts *statements
	bytes []byte
	args  []any
	dec   decoder
}

// write keeps lines of this file's period, sorted by group and time, in one
// transaction. A commit that has begun is not given up with the context.
func (f *file) write(ctx context.Context, lines []placed) error {
	return f.transact(ctx, "write", func(tx *transaction) error {
		for start := 0; start < len(lines); start += rowsPerStatement {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := tx.insertChunk(lines[start:min(start+rowsPerStatement, len(lines))]); err != nil {
				return err
			}
		}
		return tx.updateLatest(lines)
	})
}

func (f *file) transact(ctx context.Context, what string, do func(*transaction) error) error {
	tx, err := f.writer.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return f.explain(what, err)
	}
	if err := do(&transaction{Tx: tx, stmts: &f.stmts}); err != nil {
		return f.explain(what, errors.Join(err, tx.Rollback()))
	}
	return f.explain(what, tx.Commit())
}

// insertChunk tries all lines at once. Only where places were taken does it
// look at each: whether its place holds the line itself or one to merge with.
func (tx *transaction) insertChunk(lines []placed) error {
	tx.bytes, tx.args = tx.bytes[:0], tx.args[:0]
	for _, l := range lines {
		start := len(tx.bytes)
		tx.bytes = appendLine(tx.bytes, l.line)
		tx.args = append(tx.args, l.line.Group, l.line.Time, tx.bytes[start:len(tx.bytes):len(tx.bytes)])
	}
	if len(lines) == rowsPerStatement {
		inserted, err := affected(tx.Stmt(tx.stmts.insert).Exec(tx.args...)) //nolint:sqlclosecheck // kept, and closed with the file
		if err != nil || inserted == int64(len(lines)) {
			return err
		}
	}
	one := tx.Stmt(tx.stmts.insertOne) //nolint:sqlclosecheck // kept, and closed with the file
	for i := range lines {
		inserted, err := affected(one.Exec(tx.args[3*i : 3*i+3]...))
		if err == nil && inserted == 0 {
			lines[i].line, err = tx.mergeLine(lines[i].line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// mergeLine lays a line over the one in its place and answers the outcome.
func (tx *transaction) mergeLine(l *telemetry.Line) (*telemetry.Line, error) {
	var data []byte
	if err := tx.Stmt(tx.stmts.get).QueryRow(l.Group, l.Time).Scan(&data); err != nil { //nolint:sqlclosecheck // kept, and closed with the file
		return nil, err
	}
	kept := &telemetry.Line{Group: l.Group, Time: l.Time}
	if err := tx.dec.decode(data, kept); err != nil {
		return nil, fmt.Errorf("group %d at %d: %w", l.Group, l.Time, err)
	}
	merge(kept, l)
	merged := appendLine(nil, kept)
	if string(merged) == string(data) {
		return kept, nil
	}
	_, err := tx.Stmt(tx.stmts.put).Exec(l.Group, l.Time, merged) //nolint:sqlclosecheck // it ends with its transaction
	return kept, err
}

// updateLatest brings the file's newest values up to date with lines that
// were written, which are sorted by group.
func (tx *transaction) updateLatest(lines []placed) error {
	for len(lines) > 0 {
		end, groups := 0, []any{}
		for end < len(lines) {
			group := lines[end].line.Group
			if end == 0 || group != lines[end-1].line.Group {
				if len(groups) == rowsPerStatement {
					break
				}
				groups = append(groups, group)
			}
			end++
		}
		if err := tx.updateLatestOf(groups, lines[:end]); err != nil {
			return err
		}
		lines = lines[end:]
	}
	return nil
}

func (tx *transaction) updateLatestOf(groups []any, lines []placed) error {
	known, err := tx.latestOf(groups)
	if err != nil {
		return err
	}
	keep := tx.Stmt(tx.stmts.keepLatest) //nolint:sqlclosecheck // it ends with its transaction
	for len(lines) > 0 {
		group, end := lines[0].line.Group, 0
		newest := known[group]
		for ; end < len(lines) && lines[end].line.Group == group; end++ {
			newest.add(lines[end].line)
		}
		if _, err := keep.Exec(group, newest.append(nil)); err != nil {
			return err
		}
		lines = lines[end:]
	}
	return nil
}

func (tx *transaction) latestOf(groups []any) (map[int64]newest, error) {
	for len(groups) < rowsPerStatement {
		groups = append(groups, groups[0])
	}
	rows, err := tx.Stmt(tx.stmts.latest).Query(groups...) //nolint:sqlclosecheck // it ends with its transaction
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := make(map[int64]newest, len(groups))
	for rows.Next() {
		var group int64
		var data []byte
		if err := rows.Scan(&group, &data); err != nil {
			return nil, err
		}
		if known[group], err = tx.dec.newest(group, data); err != nil {
			return nil, err
		}
	}
	return known, rows.Err()
}

// remove deletes the lines of a group in [from, to) and finds again the newest
// values that went with them.
func (f *file) remove(ctx context.Context, group, from, to int64) error {
	return f.transact(ctx, "delete from", func(tx *transaction) error {
		if _, err := tx.Exec("DELETE FROM line WHERE g = ? AND t >= ? AND t < ?", group, from, to); err != nil {
			return err
		}
		known, err := tx.latestOf([]any{group})
		if err != nil {
			return err
		}
		left, lost := known[group].without(from, to)
		if len(lost) == 0 {
			return nil
		}
		return tx.findLatest(group, left, lost)
	})
}

// findLatest walks back through a group until every lost property is found.
func (tx *transaction) findLatest(group int64, left newest, lost map[string]bool) error {
	rows, err := tx.Query("SELECT t, data FROM line WHERE g = ? ORDER BY t DESC", group)
	if err != nil {
		return err
	}
	defer rows.Close()
	some := false
	for len(lost) > 0 && rows.Next() {
		some = true
		var data []byte
		l := telemetry.Line{Group: group}
		if err := rows.Scan(&l.Time, &data); err != nil {
			return err
		}
		if err := tx.dec.decode(data, &l); err != nil {
			return err
		}
		left.add(&l)
		delete(lost, "")
		for i := range l.Fields {
			delete(lost, l.Fields[i].Property)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if !some {
		_, err = tx.Exec("DELETE FROM latest WHERE g = ?", group)
		return err
	}
	_, err = tx.Stmt(tx.stmts.keepLatest).Exec(group, left.append(nil)) //nolint:sqlclosecheck // it ends with its transaction
	return err
}
