package database

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/uptrace/bun"

	"cityhub/telemetry"
)

// quarantine implements telemetry.Quarantine.
type quarantine struct {
	database *Database
	max      QuarantineMax
}

type quarantineRow struct {
	bun.BaseModel `bun:"table:quarantine"`

	ID       int64 `bun:"id,pk"`
	Received instant
	Route    string
	Topic    string
	Sender   string
	Device   string
	Payload  []byte
	Reason   string
	Detail   string
	Bytes    int64 // what the message counts for against the bound
	Size     int   `bun:",scanonly"` // of the payload
}

func newQuarantine(d *Database, most QuarantineMax) *quarantine {
	if most.Messages == 0 {
		most.Messages = 100_000
	}
	if most.Bytes == 0 {
		most.Bytes = 1 << 30
	}
	return &quarantine{d, most}
}

// rowOf makes all texts keepable: a hostile topic must not escape quarantine.
func rowOf(q *telemetry.Quarantined) quarantineRow {
	row := quarantineRow{Received: instant{q.Received}, Route: cleaned(q.Route), Topic: cleaned(q.Topic),
		Sender: cleaned(q.Sender), Device: cleaned(q.Device), Payload: q.Payload,
		Reason: cleaned(string(q.Reason)), Detail: cleaned(q.Detail)}
	if row.Payload == nil {
		row.Payload = []byte{}
	}
	row.Bytes = int64(len(row.Payload) + len(row.Route) + len(row.Topic) + len(row.Sender) + len(row.Device) + len(row.Detail))
	return row
}

// Add implements telemetry.Quarantine.
func (q *quarantine) Add(ctx context.Context, items []telemetry.Quarantined) (dropped int, err error) {
	if len(items) == 0 {
		return 0, nil
	}
	ids := make([]int64, len(items))
	err = q.change(ctx, func(s *session) (tally, error) {
		kept, err := q.insert(ctx, s, items, ids)
		if err != nil {
			return nil, err
		}
		if err := keepTotals(ctx, s, kept); err != nil {
			return nil, err
		}
		dropped, err = q.trim(ctx, s)
		return nil, err
	})
	if err != nil {
		return 0, fmt.Errorf("quarantine: %w", err)
	}
	for i := range items {
		items[i].ID, items[i].Size = ids[i], len(items[i].Payload)
	}
	return dropped, nil
}

func (q *quarantine) insert(ctx context.Context, s *session, items []telemetry.Quarantined, ids []int64) (tally, error) {
	known, added := layout[quarantineRow](s), tally{}
	for i := range items {
		row := rowOf(&items[i])
		args, err := s.arguments(known, reflect.ValueOf(&row).Elem())
		if err != nil {
			return nil, err
		}
		if ids[i], err = s.insert(ctx, known, args); err != nil {
			return nil, err
		}
		added.add(row.Reason, row.Device, amount{1, row.Bytes})
	}
	return added, nil
}

// List implements telemetry.Quarantine.
func (q *quarantine) List(ctx context.Context, filter telemetry.QuarantineFilter) ([]telemetry.Quarantined, error) {
	var rows []quarantineRow
	query := q.database.read.NewSelect().Model(&rows).ExcludeColumn("payload").ColumnExpr("length(payload) AS size").Where("id > ?", filter.After)
	if filter.Head > 0 {
		query.ColumnExpr("substr(payload, 1, ?) AS payload", filter.Head)
	} else {
		query.Column("payload")
	}
	if filter.Newest {
		query.OrderExpr("id DESC")
	} else {
		query.OrderExpr("id")
	}
	if filter.Reason != "" {
		query.Where("reason = ?", string(filter.Reason))
	}
	if filter.Device != "" {
		query.Where("device = ?", cleaned(filter.Device))
	}
	if condition := seenQuarantine(filter.Scope); condition != "" {
		query.Where(condition)
	}
	if filter.Limit > 0 {
		query.Limit(int64(filter.Limit))
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("quarantine: %w", err)
	}
	found := make([]telemetry.Quarantined, len(rows))
	for i, r := range rows {
		found[i] = telemetry.Quarantined{ID: r.ID, Received: r.Received.Time, Route: r.Route, Topic: r.Topic,
			Sender: r.Sender, Device: r.Device, Payload: r.Payload, Size: r.Size, Reason: telemetry.Reason(r.Reason), Detail: r.Detail}
	}
	return found, nil
}

// Remove implements telemetry.Quarantine. Ids that are not there are passed over.
func (q *quarantine) Remove(ctx context.Context, ids []int64) error {
	err := q.change(ctx, func(s *session) (tally, error) {
		left := tally{}
		for some := range slices.Chunk(ids, 500) {
			var gone []quarantineRow
			err := s.query.NewDelete().Model(&gone).Where("id IN (?)", bun.List(some)).Returning("reason, device, bytes").Scan(ctx, &gone)
			if err != nil {
				return nil, err
			}
			for _, r := range gone {
				left.add(r.Reason, r.Device, amount{-1, -r.Bytes})
			}
		}
		return left, nil
	})
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

// change runs do in one transaction, one at a time among all hubs, and keeps
// the totals by what do says that it changed.
func (q *quarantine) change(ctx context.Context, do func(*session) (tally, error)) error {
	return q.database.atomically(ctx, func(s *session) error {
		if lock := s.engine.exclusive("quarantine_totals"); lock != "" {
			if _, err := s.write.ExecContext(ctx, lock); err != nil {
				return err
			}
		}
		changed, err := do(s)
		if err != nil {
			return err
		}
		return keepTotals(ctx, s, changed)
	})
}
