package database

import (
	"context"

	"github.com/uptrace/bun"
)

// deviceTotalRow is what the quarantine holds of one device.
type deviceTotalRow struct {
	bun.BaseModel `bun:"table:quarantine_devices"`

	Device   string `bun:"device,pk"`
	Messages int64
	Bytes    int64
}

// measure is one of the two bounds.
type measure struct {
	column string
	of     func(amount) int64
}

var measures = []measure{
	{"messages", func(a amount) int64 { return a.messages }},
	{"bytes", func(a amount) int64 { return a.bytes }},
}

// trim makes room until the rest is within bounds: the devices that have most
// give way, with their oldest messages, so that none can push out what waits of
// the others. It answers how many messages went.
func (q *quarantine) trim(ctx context.Context, s *session) (dropped int, err error) {
	for _, m := range measures {
		total, err := keptTotal(ctx, s)
		if err != nil {
			return dropped, err
		}
		gone, err := giveWay(ctx, s, m, m.of(total)-m.of(amount{q.max.Messages, q.max.Bytes}))
		if err != nil {
			return dropped, err
		}
		if err := keepTotals(ctx, s, gone); err != nil {
			return dropped, err
		}
		dropped -= int(gone.sum().messages)
	}
	return dropped, nil
}

// giveWay drops so much of the fullest devices' messages. What went is below
// zero.
func giveWay(ctx context.Context, s *session, m measure, need int64) (tally, error) {
	gone := tally{}
	if need <= 0 {
		return gone, nil
	}
	devices, level, err := fullest(ctx, s, m, need)
	for i := 0; i < len(devices) && need > 0 && err == nil; i++ {
		var left amount
		d := &devices[i]
		left, err = gone.dropOldest(ctx, s, d.Device, m, min(need, m.of(amount{d.Messages, d.Bytes})-level))
		need += m.of(left)
	}
	return gone, err
}

// fullest gives the devices that have most, and the level to which each has to
// come down so that so much is free.
func fullest(ctx context.Context, s *session, m measure, need int64) (found []deviceTotalRow, level int64, err error) {
	const page = 500
	for sum := int64(0); ; {
		var rows []deviceTotalRow
		err := s.query.NewSelect().Model(&rows).OrderExpr("? DESC, device", bun.Ident(m.column)).
			Offset(int64(len(found))).Limit(page).Scan(ctx)
		if err != nil {
			return nil, 0, err
		}
		for _, r := range rows {
			has, n := m.of(amount{r.Messages, r.Bytes}), int64(len(found))
			if n > 0 && sum-n*has >= need {
				return found, (sum - need) / n, nil
			}
			found, sum = append(found, r), sum+has
		}
		if len(rows) < page {
			return found, max(0, (sum-need)/max(1, int64(len(found)))), nil
		}
	}
}

// dropOldest takes messages of a device away until so much is free.
func (t tally) dropOldest(ctx context.Context, s *session, device string, m measure, need int64) (all amount, err error) {
	for -m.of(all) < need {
		var oldest []quarantineRow
		err := s.query.NewSelect().Model(&oldest).Column("id", "reason", "bytes").
			Where("device = ?", device).OrderExpr("id").Limit(500).Scan(ctx)
		if err != nil || len(oldest) == 0 {
			return all, err
		}
		var ids []int64
		for i := 0; i < len(oldest) && -m.of(all) < need; i++ {
			one := amount{-1, -oldest[i].Bytes}
			all.plus(one)
			t.add(oldest[i].Reason, device, one)
			ids = append(ids, oldest[i].ID)
		}
		if _, err := s.query.NewDelete().Model((*quarantineRow)(nil)).Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return all, err
		}
	}
	return all, nil
}
