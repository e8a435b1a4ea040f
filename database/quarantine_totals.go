package database

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"cityhub/access"
	"cityhub/telemetry"
)

// amount is a number of messages and what they count for in bytes.
type amount struct{ messages, bytes int64 }

func (a *amount) plus(b amount)  { a.messages, a.bytes = a.messages+b.messages, a.bytes+b.bytes }
func (a *amount) minus(b amount) { a.plus(amount{-b.messages, -b.bytes}) }

// kind is what totals are kept of.
type kind struct{ reason, device string }

// tally is amounts by kind.
type tally map[kind]amount

func (t tally) add(reason, device string, a amount) {
	sum := t[kind{reason, device}]
	sum.plus(a)
	t[kind{reason, device}] = sum
}

// by sums up by one of a kind's names.
func (t tally) by(name func(kind) string) map[string]amount {
	sums := map[string]amount{}
	for k, a := range t {
		sum := sums[name(k)]
		sum.plus(a)
		sums[name(k)] = sum
	}
	return sums
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
	var reasons []totalRow
	for reason, a := range changed.by(func(k kind) string { return k.reason }) {
		reasons = append(reasons, totalRow{Reason: reason, Messages: a.messages, Bytes: a.bytes})
	}
	var devices []deviceTotalRow
	for device, a := range changed.by(func(k kind) string { return k.device }) {
		devices = append(devices, deviceTotalRow{Device: device, Messages: a.messages, Bytes: a.bytes})
	}
	if err := addUp(ctx, s, "reason", reasons); err != nil {
		return err
	}
	if err := addUp(ctx, s, "device", devices); err != nil {
		return err
	}
	_, err := s.query.NewDelete().Model((*deviceTotalRow)(nil)).Where("messages <= 0").Exec(ctx)
	return err
}

// addUp adds to the rows of a table of totals.
func addUp[Row any](ctx context.Context, s *session, key string, rows []Row) error {
	for some := range slices.Chunk(rows, 500) {
		_, err := s.query.NewInsert().Model(&some).On("CONFLICT (?) DO UPDATE", bun.Ident(key)).
			Set("messages = ?TableAlias.messages + EXCLUDED.messages").
			Set("bytes = ?TableAlias.bytes + EXCLUDED.bytes").Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
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
