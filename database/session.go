package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"cityhub/devices"
)

// session is where statements run: one transaction, or the pools outside any.
type session struct {
	engine      engine
	read, write runner
	query       bun.IDB              // bun over write, for what need not be quick
	layouts     *bun.DB              // knows the tables of row types
	kept        map[string]*sql.Stmt // prepared statements; nil where the driver keeps its own, or outside a transaction
	inserts     map[*schema.Table]string
	queue       *queue // of new rows; nil: each is kept at once
	inside      bool   // within a transaction
	broken      error  // the first statement that the engine refused within the transaction
}

// outside gives the session that keeps every statement by itself.
func (d *Database) outside() *session {
	return &session{engine: d.engine, read: d.read.DB, write: d.write.DB, query: d.write, layouts: d.write,
		inserts: map[*schema.Table]string{}}
}

// atomically runs do in one transaction. A transaction in which a statement
// was refused is given up even when do goes on: PostgreSQL demands it, and so
// both engines behave alike.
func (d *Database) atomically(ctx context.Context, do func(*session) error) (err error) {
	if err := d.hold.lost(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if !done { // also when do panics
			_ = tx.Rollback() // what made us roll back is the error that matters
		}
	}()
	s := &session{engine: d.engine, read: tx.Tx, write: tx.Tx, query: tx, layouts: d.write,
		inserts: map[*schema.Table]string{}, inside: true}
	if _, ok := d.engine.(sqliteEngine); ok {
		s.kept = map[string]*sql.Stmt{}
	}
	if err := do(s); err != nil {
		return err
	}
	if s.broken != nil {
		return fmt.Errorf("the transaction is given up, for one of its statements failed: %w", s.broken)
	}
	done = true
	if err := tx.Commit(); err != nil {
		if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
			err = ctx.Err() // the cancelled context has rolled it back before the commit came
		}
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// layout is what bun reads from the tags of a row type.
func layout[R any](s *session) *schema.Table { return s.layouts.Table(reflect.TypeFor[R]()) }

// rows runs a statement with placeholders through the prepared ones.
func (s *session) rows(ctx context.Context, on runner, text string, args ...any) (*sql.Rows, error) {
	if s.kept == nil {
		return on.QueryContext(ctx, text, args...)
	}
	prepared, err := s.prepared(ctx, text) //nolint:sqlclosecheck // the transaction closes what it has prepared
	if err != nil {
		return nil, err
	}
	// SQLite's driver starts a goroutine for every statement that can be
	// cancelled; the transaction itself ends with ctx anyway.
	return prepared.QueryContext(context.WithoutCancel(ctx), args...)
}

// exec is rows for a statement that answers none.
func (s *session) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if s.kept == nil {
		return s.write.ExecContext(ctx, text, args...)
	}
	prepared, err := s.prepared(ctx, text) //nolint:sqlclosecheck // the transaction closes what it has prepared
	if err != nil {
		return nil, err
	}
	return prepared.ExecContext(context.WithoutCancel(ctx), args...)
}

func (s *session) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if kept := s.kept[text]; kept != nil {
		return kept, nil
	}
	prepared, err := s.write.(*sql.Tx).PrepareContext(ctx, text)
	if err == nil {
		s.kept[text] = prepared
	}
	return prepared, err
}

// insert adds a row under a new id, and answers the id.
func (s *session) insert(ctx context.Context, t *schema.Table, args []any) (int64, error) {
	text := s.insertText(t)
	if !s.engine.lastID() {
		var id int64
		err := s.write.QueryRowContext(ctx, text+" RETURNING id", args...).Scan(&id)
		return id, err
	}
	result, err := s.exec(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (s *session) insertText(t *schema.Table) string {
	if text := s.inserts[t]; text != "" {
		return text
	}
	names, marks := make([]string, 0, len(t.DataFields)), make([]string, 0, len(t.DataFields))
	for i, f := range t.DataFields {
		names, marks = append(names, string(f.SQLName)), append(marks, s.engine.placeholder(i+1))
	}
	text := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.SQLName, strings.Join(names, ", "), strings.Join(marks, ", "))
	s.inserts[t] = text
	return text
}

// update changes the row of an id, and says whether there is one.
func (s *session) update(ctx context.Context, t *schema.Table, id int64, args []any) (bool, error) {
	sets := make([]string, 0, len(t.DataFields))
	for i, f := range t.DataFields {
		sets = append(sets, string(f.SQLName)+" = "+s.engine.placeholder(i+1))
	}
	text := fmt.Sprintf("UPDATE %s SET %s WHERE id = %s",
		t.SQLName, strings.Join(sets, ", "), s.engine.placeholder(len(sets)+1))
	result, err := s.exec(ctx, text, append(args, id)...)
	if err != nil {
		return false, err
	}
	changed, err := result.RowsAffected()
	return changed > 0, err
}

// arguments are a row's values but its id, in the order of the table's
// DataFields. A text that PostgreSQL could not keep is refused for both.
func (s *session) arguments(t *schema.Table, row reflect.Value) ([]any, error) {
	args := s.room(len(t.DataFields))
	for i, f := range t.DataFields {
		v := row.FieldByIndex(f.Index)
		if v.Kind() == reflect.String && !keepable(v.String()) {
			return nil, &devices.FieldError{Field: f.Name, Kind: devices.ErrInvalid,
				Detail: "holds a zero byte or is not UTF-8; send plain text"}
		}
		args[i] = argument(v)
	}
	return args, nil
}

// room is where n arguments, and an id, have place; until the next ones need
// it where rows wait, which then have copies.
func (s *session) room(n int) []any {
	if s.queue == nil {
		return make([]any, n, n+1)
	}
	s.queue.fields = slices.Grow(s.queue.fields[:0], n+1)
	return s.queue.fields[:n]
}

// blank is a row to fill: where rows wait, the same one again and again.
func blank[R any](s *session, t *schema.Table) *R {
	if s.queue == nil {
		return new(R)
	}
	row, ok := s.queue.rows[t].(*R)
	if !ok {
		row = new(R)
		s.queue.rows[t] = row
	}
	return row
}

// argument is a field as drivers take it. The usual types go the short way.
func argument(v reflect.Value) any {
	switch x := v.Addr().Interface().(type) {
	case *reference:
		if *x == 0 {
			return nil
		}
		return int64(*x)
	case *instant:
		if x.IsZero() {
			return nil
		}
		return x.UnixNano()
	case *optional:
		if *x == "" {
			return nil
		}
		return string(*x)
	case *sql.NullFloat64:
		if !x.Valid {
			return nil
		}
		return x.Float64
	case *int:
		return int64(*x)
	case *int64:
		return *x
	case *string:
		return *x
	}
	return v.Interface()
}

// targets are the places in a row that a SELECT of all columns scans into.
func targets(t *schema.Table, row reflect.Value) []any {
	into := make([]any, len(t.Fields))
	for i, f := range t.Fields {
		into[i] = row.FieldByIndex(f.Index).Addr().Interface()
	}
	return into
}
