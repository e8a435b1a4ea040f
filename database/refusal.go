package database

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cityhub/devices"
)

// refusedPut explains why a row was not kept. args are the row's values but
// its id.
func (t table[E, R]) refusedPut(ctx context.Context, args []any, err error) error {
	_ = t.at.fail(err)          // only notes it
	var own *devices.FieldError // from a column's own Value
	if errors.As(err, &own) {
		return fmt.Errorf("put %s: %w", t.name, own)
	}
	v := t.at.engine.violation(err)
	if v == nil {
		return fmt.Errorf("put %s: %w", t.name, err)
	}
	switch v.rule {
	case ruleUnique:
		return t.conflict(v.columns, args)
	case ruleMissing:
		return invalid(v.columns, "must be given")
	case ruleCheck:
		return invalid(strings.TrimPrefix(v.columns, layout[R](t.at).Name+"_"), "is outside what may be kept")
	}
	return t.refusedReference(ctx, v, args, err)
}

func invalid(field, detail string) error {
	return &devices.FieldError{Field: field, Detail: detail, Kind: devices.ErrInvalid}
}

// conflict names the columns that another row holds already.
func (t table[E, R]) conflict(columns string, args []any) error {
	field, _, several := strings.Cut(columns, ", ")
	detail := t.taken[columns]
	switch {
	case detail != "":
	case several:
		detail = fmt.Sprintf("another %s has the same %s", t.name, columns)
	default:
		detail = fmt.Sprintf("%q is taken by another %s; choose a different one", fmt.Sprint(t.argument(field, args)), t.name)
	}
	return &devices.FieldError{Field: field, Detail: detail, Kind: devices.ErrConflict}
}

func (t table[E, R]) argument(column string, args []any) any {
	for i, f := range layout[R](t.at).DataFields {
		if f.Name == column {
			return args[i]
		}
	}
	return nil
}

// refusedReference tells a reference to nothing from a change of what others
// refer to.
func (t table[E, R]) refusedReference(ctx context.Context, v *violation, args []any, err error) error {
	known := layout[R](t.at)
	table, column := v.table, v.columns
	if table == "" {
		var lookErr error
		if table, column, lookErr = t.dangling(ctx, args); lookErr != nil {
			return fmt.Errorf("put %s: %w", t.name, errors.Join(err, lookErr))
		}
	}
	switch {
	case table == known.Name:
		return invalid(column, fmt.Sprintf("%v does not exist; create it first", t.argument(column, args)))
	case table == "sensor_properties" && known.Name == "sensors", table == "" && known.Name == "sensors":
		return invalid("channels", "a channel names a property that does not exist; create it first")
	}
	return &devices.FieldError{Field: "code", Kind: devices.ErrConflict,
		Detail: "others refer to it by its present value; keep it, or remove them first"}
}

// dangling finds, on SQLite, which reference of a refused row names nothing.
func (t table[E, R]) dangling(ctx context.Context, args []any) (table, column string, err error) {
	own := layout[R](t.at).Name
	refs, err := references(ctx, t.at.write, `SELECT "from", "table", coalesce("to", 'id') FROM pragma_foreign_key_list(?)`, own)
	if err != nil {
		return "", "", err
	}
	for _, r := range refs {
		found, err := exists(ctx, t.at.write, r.table, r.to, t.argument(r.from, args))
		if err != nil {
			return "", "", err
		}
		if !found {
			return own, r.from, nil
		}
	}
	return "", "", nil
}

// refusedDelete says who refers to the row.
func (t table[E, R]) refusedDelete(ctx context.Context, id int64, err error) error {
	_ = t.at.fail(err) // only notes it
	v := t.at.engine.violation(err)
	if v == nil || v.rule != ruleForeign {
		return fmt.Errorf("delete %s %d: %w", t.name, id, err)
	}
	by := v.table
	if by == "" {
		var lookErr error
		if by, lookErr = t.referrer(ctx, id); lookErr != nil {
			return fmt.Errorf("delete %s %d: %w", t.name, id, errors.Join(err, lookErr))
		}
	}
	return &devices.FieldError{Field: "id", Kind: devices.ErrConflict, Detail: fmt.Sprintf(
		"%s %d is still in use by %s; remove or change those first", t.name, id, strings.ReplaceAll(by, "_", " "))}
}

// referrer finds, on SQLite, a table that refers to the row.
func (t table[E, R]) referrer(ctx context.Context, id int64) (string, error) {
	refs, err := references(ctx, t.at.write, `SELECT f."from", m.name, coalesce(f."to", 'id') FROM sqlite_master m,
		pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f."table" = ?`, layout[R](t.at).Name)
	if err != nil {
		return "", err
	}
	for _, r := range refs {
		var value any
		query := fmt.Sprintf("SELECT %s FROM %s WHERE id = ?", r.to, layout[R](t.at).SQLName)
		if err := one(ctx, t.at.write, query, id, &value); err != nil {
			return "", err
		}
		found, err := exists(ctx, t.at.write, r.table, r.from, value)
		if err != nil || found {
			return r.table, err
		}
	}
	return "others", nil
}
