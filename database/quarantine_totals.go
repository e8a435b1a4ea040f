package database

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"cityhub/access"
	"cityhub/telemetry"
)

// amount is a number of messages and what they count for in bytes.
type amount struct{ messages, bytes int64 }

func (a *amount) plus(b amount)  { a.messages, a.bytes = a.messages+b.messages, a.bytes+b.bytes }
func (a *amount) minus(b amount) { a.plus(amount{-b.messages, -b.bytes}) }

// tally is amounts by reason.
type tally map[string]amount

func (t tally) add(reason string, a amount) {
	sum := t[reason]
	sum.plus(a)
	t[reason] = sum
}

func (t tally) subtract(other tally) {
	for reason, a := range other {
		t.add(reason, amount{-a.messages, -a.bytes})
	}
}

func (t tally) sum() (all amount) {
	for _, a := range t {
		all.plus(a)
	}
	return all
}

type totalRow struct {
	bun.BaseModel `bun:"table:quarantine_totals"`

	Reason   string `bun:"reason,pk"`
	Messages int64
	Bytes    int64
}

// keptTotal is what the quarantine held before the transaction.
func keptTotal(ctx context.Context, s *session) (all amount, err error) {
	var rows []totalRow
	err = s.query.NewSelect().Model(&rows).Scan(ctx)
	for _, r := range rows {
		all.plus(amount{r.Messages, r.Bytes})
	}
	return all, err
}

func keepTotals(ctx context.Context, s *session, changed tally) error {
	rows := make([]totalRow, 0, len(changed))
	for reason, a := range changed {
		if a != (amount{}) {
			rows = append(rows, totalRow{Reason: reason, Messages: a.messages, Bytes: a.bytes})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := s.query.NewInsert().Model(&rows).On("CONFLICT (reason) DO UPDATE").
		Set("messages = ?TableAlias.messages + EXCLUDED.messages").
		Set("bytes = ?TableAlias.bytes + EXCLUDED.bytes").Exec(ctx)
	return err
}

// Count implements telemetry.Quarantine. For the whole city its cost is that
// of a dozen rows, whatever the quarantine holds.
func (q *quarantine) Count(ctx context.Context, scope *access.Scope) (map[telemetry.Reason]int64, error) {
	if condition := seenQuarantine(scope); condition != "" {
		return q.countSeen(ctx, condition)
	}
	var rows []totalRow
	if err := q.database.read.NewSelect().Model(&rows).Where("messages > 0").Scan(ctx); err != nil {
		return nil, fmt.Errorf("count the quarantine: %w", err)
	}
	counts := make(map[telemetry.Reason]int64, len(rows))
	for _, r := range rows {
		counts[telemetry.Reason(r.Reason)] = r.Messages
	}
	return counts, nil
}

func (q *quarantine) countSeen(ctx context.Context, condition string) (map[telemetry.Reason]int64, error) {
	var rows []struct {
		Reason   string
		Messages int64
	}
	err := q.database.read.NewSelect().Model((*quarantineRow)(nil)).Column("reason").ColumnExpr("count(*) AS messages").
		Where(condition).Group("reason").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count the quarantine: %w", err)
	}
	counts := make(map[telemetry.Reason]int64, len(rows))
	for _, r := range rows {
		counts[telemetry.Reason(r.Reason)] = r.Messages
	}
	return counts, nil
}
