package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"cityhub/devices"
	"cityhub/telemetry"
)

// endOfIDs is the first integer that JavaScript's numbers cannot tell from its
// neighbour, and no id.
const endOfIDs = int64(1) << 53

// idBlocks implements telemetry.IDBlocks.
type idBlocks struct{ database *Database }

type idBlockRow struct {
	bun.BaseModel `bun:"table:id_blocks"`

	First    int64 `bun:"first,pk"`
	Count    int64
	FromTime int64
	ToTime   int64
}

// Lease implements telemetry.IDBlocks. The counter's row orders the leases of
// all hubs: its update holds it until the block is kept.
func (b idBlocks) Lease(ctx context.Context, count, from, to int64) (telemetry.IDBlock, error) {
	if count < 1 || count >= endOfIDs {
		return telemetry.IDBlock{}, invalid("count", "must be at least 1 and below 2^53")
	}
	if from >= to {
		return telemetry.IDBlock{}, invalid("to", "must be after from")
	}
	row := idBlockRow{Count: count, FromTime: from, ToTime: to}
	err := b.database.atomically(ctx, func(s *session) error {
		err := s.query.NewRaw("UPDATE next_id SET next = next + ? WHERE next <= ? RETURNING next - ?",
			count, endOfIDs-count, count).Scan(ctx, &row.First)
		if errors.Is(err, sql.ErrNoRows) {
			return errors.New("all 2^53 ids are used up")
		}
		if err != nil {
			return err
		}
		_, err = s.query.NewInsert().Model(&row).Exec(ctx)
		return err
	})
	if err != nil {
		return telemetry.IDBlock{}, fmt.Errorf("lease %d observation ids: %w", count, err)
	}
	return row.block(), nil
}

// Find implements telemetry.IDBlocks.
func (b idBlocks) Find(ctx context.Context, id int64) (telemetry.IDBlock, error) {
	var row idBlockRow
	err := b.database.read.NewSelect().Model(&row).Where("first <= ?", id).OrderExpr("first DESC").Limit(1).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return telemetry.IDBlock{}, fmt.Errorf("find observation id %d: %w", id, err)
	}
	if err != nil || id-row.First >= row.Count {
		return telemetry.IDBlock{}, fmt.Errorf("observation id %d was never given: %w", id, devices.ErrNotFound)
	}
	return row.block(), nil
}

func (r idBlockRow) block() telemetry.IDBlock {
	return telemetry.IDBlock{First: r.First, Count: r.Count, From: r.FromTime, To: r.ToTime}
}
