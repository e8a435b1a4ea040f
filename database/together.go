package database

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun/schema"

	"cityhub/devices"
)

// Together implements devices.Store.
func (s store) Together(ctx context.Context, do func(devices.Tables) error) error {
	return s.database.atomically(ctx, func(at *session) error {
		at.waiting = map[string]*waiting{}
		if err := do(tables(at)); err != nil {
			return err
		}
		return at.settle(ctx)
	})
}

// patient are the tables whose new rows may wait for others, each after those
// to which its rows refer.
var patient = []string{"locations", "things", "historical_locations", "datastream_groups", "datastreams",
	"devices", "deployments", "device_events", "audit"}

// waiting are a table's new rows that no statement has kept yet.
type waiting struct {
	table *schema.Table
	given int64   // the last id that was given; 0: none
	free  []int64 // ids that were set aside
	rows  []newRow
}

type newRow struct {
	id     int64 // its own already; 0: given when it is kept
	entity any   // as Get answers it; nil: it has to be kept first
	args   []any
}

// idsAtOnce is how many ids are set aside at once.
const idsAtOnce = 256

// delay lets a new row wait, and answers its id; 0 where rows of its table are
// kept at once.
func (s *session) delay(ctx context.Context, t *schema.Table, entity any, args []any) (id int64, err error) {
	w := s.waitingIn(t)
	if w == nil {
		return 0, s.settle(ctx)
	}
	if len(w.free) == 0 {
		if w.free, err = s.engine.setAside(ctx, s, t.Name, w.given, idsAtOnce); err != nil {
			return 0, fmt.Errorf("ids for %s: %w", t.Name, s.fail(err))
		}
	}
	w.given, w.free = w.free[0], w.free[1:]
	w.rows = append(w.rows, newRow{w.given, entity, args})
	return w.given, nil
}

// waitingIn are the rows of a table that wait; nil where none may.
func (s *session) waitingIn(t *schema.Table) *waiting {
	w := s.waiting[t.Name]
	if w == nil && s.waiting != nil && slices.Contains(patient, t.Name) {
		w = &waiting{table: t}
		s.waiting[t.Name] = w
	}
	return w
}

// delayed finds a row that waits; nil when it does not, or is to be read.
func (s *session) delayed(t *schema.Table, id int64) *newRow {
	w := s.waiting[t.Name]
	if w == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(w.rows, id, func(r newRow, id int64) int { return int(r.id - id) })
	if !found {
		return nil
	}
	return &w.rows[i]
}

// settle keeps all rows that wait.
func (s *session) settle(ctx context.Context) error {
	for _, name := range patient {
		if w := s.waiting[name]; w != nil && len(w.rows) > 0 {
			if err := s.insertAll(ctx, w.table, w.rows); err != nil {
				return fmt.Errorf("%w: %s: %w", devices.ErrLate, name, s.fail(err))
			}
			clear(w.rows)
			w.rows = w.rows[:0]
		}
	}
	return nil
}

// rowsAtOnce is how many rows one statement keeps, the most first: few texts,
// so that few statements are prepared.
var rowsAtOnce = []int{64, 8, 1}

func (s *session) insertAll(ctx context.Context, t *schema.Table, rows []newRow) error {
	var args []any
	named := len(rows) > 0 && rows[0].id != 0
	for _, n := range rowsAtOnce {
		for ; len(rows) >= n; rows = rows[n:] {
			args = args[:0]
			for _, r := range rows[:n] {
				if named {
					args = append(args, r.id)
				}
				args = append(args, r.args...)
			}
			if _, err := s.exec(ctx, s.insertManyText(t, n, named), args...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) insertManyText(t *schema.Table, n int, named bool) string {
	columns := make([]string, 0, len(t.DataFields)+1)
	if named {
		columns = append(columns, "id")
	}
	for _, f := range t.DataFields {
		columns = append(columns, string(f.SQLName))
	}
	text := strings.Builder{}
	text.WriteString("INSERT INTO " + string(t.SQLName) + " (" + strings.Join(columns, ", ") + ") VALUES ")
	for i, mark := 0, 1; i < n; i++ {
		for k := range columns {
			switch {
			case k > 0:
				text.WriteString(", ")
			case i > 0:
				text.WriteString("), (")
			default:
				text.WriteString("(")
			}
			text.WriteString(s.engine.placeholder(mark))
			mark++
		}
	}
	text.WriteString(")")
	return text.String()
}
