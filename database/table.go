package database

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cityhub/access"
	"cityhub/devices"
)

// noun is what one kind of entity E and its row R add to the one way in which
// all of them are kept. R begins with ID int64, tagged "id,pk".
type noun[E, R any] struct {
	name   string   // as messages call it
	match  []string // the columns that Page.Match may name; each has an index
	taken  map[string]string
	recall bool // new ones are asked for again soon
	id     func(*E) *int64
	toRow  func(*E) R
	seen   func(*access.Scope) string // the condition on what a scope may see, "" for all; nil: what everybody may see
	toNoun func(*R) E                 // must keep no pointer into the row
}

// table keeps one noun. It builds its statements from bun's reading of the
// row's tags and scans by itself: registering a city and reading it at start
// are the two paths on which bun's own queries are several times slower.
type table[E, R any] struct {
	noun[E, R]
	at *session
}

// List implements devices.Table.
func (t table[E, R]) List(ctx context.Context, page devices.Page) ([]E, error) {
	if page.Limit < 1 {
		return nil, &devices.FieldError{Field: "limit", Detail: "must be at least 1", Kind: devices.ErrInvalid}
	}
	where, args, err := t.where(page)
	if err != nil {
		return nil, err
	}
	room := min(page.Limit, 20_000)
	if len(page.Match) > 0 {
		room = min(page.Limit, 16) // a match finds few, whatever it permits
	}
	if err := t.at.settle(ctx); err != nil {
		return nil, fmt.Errorf("list %s: %w", t.name, err)
	}
	found, err := t.find(ctx, where, args, room)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", t.name, err)
	}
	return found, nil
}

// Get implements devices.Table.
func (t table[E, R]) Get(ctx context.Context, id int64) (E, error) {
	var none E
	if row := t.at.delayed(layout[R](t.at), id); row != nil {
		if known, ok := row.entity.(E); ok {
			return known, nil
		}
		if err := t.at.settle(ctx); err != nil {
			return none, fmt.Errorf("get %s %d: %w", t.name, id, err)
		}
	}
	found, err := t.find(ctx, "id = "+t.at.engine.placeholder(1), []any{id}, 1)
	if err != nil {
		return none, fmt.Errorf("get %s %d: %w", t.name, id, err)
	}
	if len(found) == 0 {
		return none, t.absent(id)
	}
	return found[0], nil
}

// where turns a page into a condition, its order and its limit.
func (t table[E, R]) where(page devices.Page) (string, []any, error) {
	mark := t.at.engine.placeholder
	text, args := "id > "+mark(1), []any{page.After}
	columns := make([]string, 0, len(page.Match))
	for column := range page.Match {
		columns = append(columns, column)
	}
	slices.Sort(columns) // one text, and so one prepared statement, per set of columns
	for _, column := range columns {
		if texts, ok := page.Match[column].([]string); ok {
			condition, err := t.anyText(column, texts, len(args))
			if err != nil {
				return "", nil, err
			}
			text += " AND " + condition
			for _, one := range texts {
				args = append(args, one)
			}
			continue
		}
		value, err := t.matchable(column, page.Match[column])
		if err != nil {
			return "", nil, err
		}
		if value == nil {
			text += " AND " + column + " IS NULL"
			continue
		}
		args = append(args, value)
		text += " AND " + column + " = " + mark(len(args))
	}
	if t.seen != nil && page.Scope != nil {
		if condition := t.seen(page.Scope); condition != "" {
			text += " AND " + condition
		}
	}
	args = append(args, page.Limit)
	return text + " ORDER BY id LIMIT " + mark(len(args)), args, nil
}

// anyText is the condition that a column holds one of some texts, which are
// the arguments after the first n.
func (t table[E, R]) anyText(column string, texts []string, n int) (string, error) {
	if _, err := t.matchable(column, ""); err != nil {
		return "", err
	}
	if len(texts) == 0 {
		return "1 = 0", nil
	}
	marks := make([]string, len(texts))
	for i := range texts {
		marks[i] = t.at.engine.placeholder(n + i + 1)
	}
	return column + " IN (" + strings.Join(marks, ", ") + ")", nil
}

// matchable gives the value as the column keeps it; nil stands for NULL.
func (t table[E, R]) matchable(column string, value any) (any, error) {
	if !slices.Contains(t.match, column) {
		return nil, &devices.FieldError{Field: column, Kind: devices.ErrInvalid, Detail: fmt.Sprintf(
			"a list of %s cannot be matched by it, only by %s", t.name, strings.Join(t.match, ", "))}
	}
	field, err := layout[R](t.at).Field(column)
	if err != nil {
		return nil, err
	}
	want, have := field.IndirectType, reflect.ValueOf(value)
	if !have.IsValid() || have.CanInt() != (want.Kind() == reflect.Int64) || (have.Kind() == reflect.String) != (want.Kind() == reflect.String) {
		return nil, &devices.FieldError{Field: column, Kind: devices.ErrInvalid,
			Detail: fmt.Sprintf("cannot be matched with a %T", value)}
	}
	typed := have.Convert(want).Interface()
	switch v := typed.(type) {
	case reference:
		return v.Value()
	case optional:
		return v.Value()
	}
	return typed, nil
}

// find reads the rows of a condition.
func (t table[E, R]) find(ctx context.Context, where string, args []any, room int) ([]E, error) {
	known := layout[R](t.at)
	var row R
	into := targets(known, reflect.ValueOf(&row).Elem())
	rows, err := t.at.rows(ctx, t.at.read, t.selectText(where), args...)
	if err != nil {
		return nil, t.at.fail(err)
	}
	defer rows.Close()
	found := make([]E, 0, room)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		found = append(found, t.toNoun(&row))
	}
	return found, t.at.fail(rows.Err())
}

func (t table[E, R]) selectText(where string) string {
	known := layout[R](t.at)
	text := strings.Builder{}
	for i, f := range known.Fields {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(string(f.SQLName))
	}
	return "SELECT " + text.String() + " FROM " + string(known.SQLName) + " WHERE " + where
}

// Put implements devices.Table.
func (t table[E, R]) Put(ctx context.Context, entity *E) error {
	known := layout[R](t.at)
	row := blank[R](t.at, known)
	*row = t.toRow(entity)
	args, err := t.at.arguments(known, reflect.ValueOf(row).Elem())
	if err != nil {
		return fmt.Errorf("put %s: %w", t.name, err)
	}
	id := t.id(entity)
	if *id != 0 {
		if waits := t.at.delayed(known, *id); waits != nil {
			waits.entity = t.recalled(entity)
			copy(waits.args, args)
			return nil
		}
		if err := t.at.settle(ctx); err != nil {
			return fmt.Errorf("put %s: %w", t.name, err)
		}
		found, err := t.at.update(ctx, known, *id, args)
		if err != nil {
			return t.refusedPut(ctx, args, err)
		}
		if !found {
			return t.absent(*id)
		}
		return nil
	}
	given, err := t.at.delay(ctx, known, nil, args)
	if err != nil {
		return fmt.Errorf("put %s: %w", t.name, err)
	}
	if given != 0 {
		*id = given
		t.at.delayed(known, given).entity = t.recalled(entity)
		return nil
	}
	if given, err = t.at.insert(ctx, known, args); err != nil {
		return t.refusedPut(ctx, args, err)
	}
	*id = given
	return nil
}

// recalled is a copy of an entity that will be asked for before its row is
// kept, else nil.
func (t table[E, R]) recalled(entity *E) any {
	if !t.recall {
		return nil
	}
	return *entity
}

// Delete implements devices.Table.
func (t table[E, R]) Delete(ctx context.Context, id int64) error {
	if err := t.at.settle(ctx); err != nil {
		return fmt.Errorf("delete %s %d: %w", t.name, id, err)
	}
	result, err := t.at.query.NewDelete().Model((*R)(nil)).Where("id = ?", id).Exec(ctx)
	if err != nil {
		return t.refusedDelete(ctx, id, err)
	}
	gone, err := result.RowsAffected()
	if err == nil && gone == 0 {
		err = t.absent(id)
	}
	return err
}

func (t table[E, R]) absent(id int64) error {
	return fmt.Errorf("%s %d: %w", t.name, id, devices.ErrNotFound)
}

// fail remembers within a transaction that a statement of it failed.
func (s *session) fail(err error) error {
	if err != nil && s.inside && s.broken == nil {
		s.broken = err
	}
	return err
}
