package database

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun/schema"

	"cityhub/devices"
)

// Together implements devices.Store.
func (s store) Together(ctx context.Context, do func(devices.Tables) error) error {
	return s.database.atomically(ctx, func(at *session) error {
		at.queue = s.database.queues.Get().(*queue)
		defer func() {
			at.queue.clear()
			s.database.queues.Put(at.queue)
			at.queue = nil
		}()
		if err := do(tables(at)); err != nil {
			return err
		}
		return at.settle(ctx)
	})
}

// queue is what waits in one transaction. Its memory serves the next one.
type queue struct {
	waiting map[string]*waiting // by table
	values  []any               // of all rows, one after another
	args    []any               // of the statement under way
	fields  []any               // of the row under way
	rows    map[*schema.Table]any
	texts   map[insertText]string
}

func newQueue() any {
	return &queue{waiting: map[string]*waiting{}, rows: map[*schema.Table]any{}, texts: map[insertText]string{}}
}

func (q *queue) clear() {
	for _, w := range q.waiting {
		w.empty()
		w.given, w.free = 0, nil
	}
	q.kept()
}

// kept lets go of the values of rows that no longer wait.
func (q *queue) kept() {
	clear(q.values)
	clear(q.args[:cap(q.args)])
	q.values = q.values[:0]
}

// hold copies a row's values to where they can wait.
func (q *queue) hold(args []any) []any {
	from := len(q.values)
	q.values = append(q.values, args...)
	return q.values[from:len(q.values):len(q.values)]
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

func (w *waiting) empty() {
	clear(w.rows)
	w.rows = w.rows[:0]
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
	w.rows = append(w.rows, newRow{w.given, entity, s.queue.hold(args)})
	return w.given, nil
}

// waitingIn are the rows of a table that wait; nil where none may.
func (s *session) waitingIn(t *schema.Table) *waiting {
	if s.queue == nil || !slices.Contains(patient, t.Name) {
		return nil
	}
	w := s.queue.waiting[t.Name]
	if w == nil {
		w = &waiting{table: t}
		s.queue.waiting[t.Name] = w
	}
	return w
}

// delayed finds a row that waits; nil when it does not, or is to be read.
func (s *session) delayed(t *schema.Table, id int64) *newRow {
	if s.queue == nil || s.queue.waiting[t.Name] == nil {
		return nil
	}
	w := s.queue.waiting[t.Name]
	i, found := slices.BinarySearchFunc(w.rows, id, func(r newRow, id int64) int { return int(r.id - id) })
	if !found {
		return nil
	}
	return &w.rows[i]
}

// settle keeps all rows that wait.
func (s *session) settle(ctx context.Context) error {
	if s.queue == nil || len(s.queue.values) == 0 {
		return nil
	}
	for _, name := range patient {
		if w := s.queue.waiting[name]; w != nil && len(w.rows) > 0 {
			if err := s.insertAll(ctx, w.table, w.rows); err != nil {
				return fmt.Errorf("%w: %s: %w", devices.ErrLate, name, s.fail(err))
			}
			w.empty()
		}
	}
	s.queue.kept()
	return nil
}
