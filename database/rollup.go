package database

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/uptrace/bun"

	"cityhub/telemetry"
)

// rollUpJournal implements telemetry.RollUpJournal.
type rollUpJournal struct {
	database *Database

	mu   sync.Mutex
	seen map[telemetry.DirtyWindow]int64 // marks of the windows that the last Dirty gave
}

type dirtyRow struct {
	bun.BaseModel `bun:"table:dirty_windows"`

	Hour    int64 `bun:"hour,pk"`
	GroupID int64 `bun:"group_id,pk"`
	Marks   int64
}

// MarkDirty implements telemetry.RollUpJournal.
func (j *rollUpJournal) MarkDirty(ctx context.Context, windows []telemetry.DirtyWindow) error {
	if len(windows) == 0 {
		return nil
	}
	err := j.database.atomically(ctx, func(s *session) error {
		for some := range slices.Chunk(dirtyRows(windows), 500) {
			_, err := s.query.NewInsert().Model(&some).On("CONFLICT (hour, group_id) DO UPDATE").
				Set("marks = ?TableAlias.marks + 1").Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark windows for rolling up: %w", err)
	}
	return nil
}

// dirtyRows puts the windows in one order, so that hubs that mark the same
// ones wait for each other instead of dead-locking, and each only once.
func dirtyRows(windows []telemetry.DirtyWindow) []dirtyRow {
	sorted := slices.Clone(windows)
	slices.SortFunc(sorted, func(a, b telemetry.DirtyWindow) int {
		return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Group, b.Group))
	})
	rows := make([]dirtyRow, 0, len(sorted))
	for _, w := range slices.Compact(sorted) {
		rows = append(rows, dirtyRow{Hour: w.Hour, GroupID: w.Group, Marks: 1})
	}
	return rows
}

// Dirty implements telemetry.RollUpJournal: the oldest hours first.
func (j *rollUpJournal) Dirty(ctx context.Context, limit int) ([]telemetry.DirtyWindow, error) {
	var rows []dirtyRow
	if err := j.database.read.NewSelect().Model(&rows).OrderExpr("hour, group_id").Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list windows for rolling up: %w", err)
	}
	windows := make([]telemetry.DirtyWindow, len(rows))
	seen := make(map[telemetry.DirtyWindow]int64, len(rows))
	for i, r := range rows {
		windows[i] = telemetry.DirtyWindow{Group: r.GroupID, Hour: r.Hour}
		seen[windows[i]] = r.Marks
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen = seen
	return windows, nil
}

// Clean implements telemetry.RollUpJournal. A window that was marked again
// after Dirty gave it stays dirty, for what came late may have missed the
// roll-up that is now done.
func (j *rollUpJournal) Clean(ctx context.Context, windows []telemetry.DirtyWindow) error {
	err := j.database.atomically(ctx, func(s *session) error {
		for _, row := range dirtyRows(windows) {
			query := s.query.NewDelete().Model(&row).WherePK()
			if marks, ok := j.marks(row); ok {
				query.Where("marks = ?", marks)
			}
			if _, err := query.Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("clean rolled-up windows: %w", err)
	}
	return nil
}

func (j *rollUpJournal) marks(row dirtyRow) (int64, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	marks, ok := j.seen[telemetry.DirtyWindow{Group: row.GroupID, Hour: row.Hour}]
	return marks, ok
}

// Watermark implements telemetry.RollUpJournal.
func (j *rollUpJournal) Watermark(ctx context.Context, set int64) (int64, error) {
	if set != 0 {
		if _, err := j.database.write.NewRaw("UPDATE roll_up_watermark SET hour = ?", set).Exec(ctx); err != nil {
			return 0, fmt.Errorf("set the roll-up watermark: %w", err)
		}
	}
	var hour int64
	if err := j.database.read.NewRaw("SELECT hour FROM roll_up_watermark").Scan(ctx, &hour); err != nil {
		return 0, fmt.Errorf("read the roll-up watermark: %w", err)
	}
	return hour, nil
}
