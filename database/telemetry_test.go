package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"cityhub/devices"
	"cityhub/telemetry"
)

func TestLeasesDoNotOverlapAndAreFound(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		b := d.IDBlocks()
		first, err := b.Lease(ctx, 100, -5, 5)
		must(t, err)
		next, err := b.Lease(ctx, 1, 5, 6)
		must(t, err)
		if first != (telemetry.IDBlock{First: 1, Count: 100, From: -5, To: 5}) || next.First != 101 {
			t.Errorf("leased %+v and %+v", first, next)
		}
		for id, want := range map[int64]telemetry.IDBlock{1: first, 57: first, 100: first, 101: next} {
			got, err := b.Find(ctx, id)
			if err != nil || got != want {
				t.Errorf("id %d is of %+v, %v; want %+v", id, got, err, want)
			}
		}
		for _, id := range []int64{-1, 0, 102, 1 << 52} {
			if got, err := b.Find(ctx, id); !errors.Is(err, devices.ErrNotFound) {
				t.Errorf("id %d is of %+v, %v", id, got, err)
			}
		}
	})
}

func TestIDsEndBelowWhatNumbersTellApart(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		b := d.IDBlocks()
		whole, err := b.Lease(ctx, 1<<53-1, 0, 1)
		must(t, err)
		if whole.First+whole.Count != 1<<53 {
			t.Errorf("the last id of all is %d", whole.First+whole.Count-1)
		}
		if more, err := b.Lease(ctx, 1, 0, 1); err == nil {
			t.Errorf("leased %+v beyond the last id", more)
		}
		for _, bad := range [][3]int64{{0, 0, 1}, {-1, 0, 1}, {1 << 53, 0, 1}, {1, 1, 1}} {
			if _, err := b.Lease(ctx, bad[0], bad[1], bad[2]); !errors.Is(err, devices.ErrInvalid) {
				t.Errorf("lease of %v: %v", bad, err)
			}
		}
	})
}

// Two hubs on one PostgreSQL, or two parts of one hub on SQLite.
func TestConcurrentLeasesAreDistinct(t *testing.T) {
	onBothEngines(t, func(t *testing.T, options Options) {
		first := open(t, options)
		hubs := []*Database{first, first}
		if options.PostgresURL != "" { // one that has lost its hold and does not know it yet
			pool, err := sql.Open("pgx", options.PostgresURL)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = pool.Close() })
			db := bun.NewDB(pool, pgdialect.New())
			hubs[1] = &Database{engine: postgresEngine{}, read: db, write: db}
		}
		var mu sync.Mutex
		taken := map[int64]bool{}
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for range 20 {
					block, err := hubs[i%2].IDBlocks().Lease(t.Context(), 3, 0, 1)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for id := block.First; id < block.First+block.Count; id++ {
						if taken[id] {
							t.Errorf("id %d was leased twice", id)
						}
						taken[id] = true
					}
					mu.Unlock()
				}
			})
		}
		group.Wait()
		if len(taken) != 8*20*3 {
			t.Errorf("%d ids were leased", len(taken))
		}
	})
}

// Several hubs fill and empty one quarantine; its totals must stay true.
func TestConcurrentQuarantineKeepsItsTotals(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		q := d.Quarantine()
		var group sync.WaitGroup
		for i := range 6 {
			group.Go(func() {
				for n := range 10 {
					items := []telemetry.Quarantined{message(n, telemetry.Reason(fmt.Sprint(i%3))), message(n, telemetry.Reason(fmt.Sprint((i+1)%3)))}
					if _, err := q.Add(ctx, items); err != nil {
						t.Error(err)
						return
					}
					if err := q.Remove(ctx, []int64{items[0].ID}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		counted(ctx, t, q, map[telemetry.Reason]int64{"0": 20, "1": 20, "2": 20})
	})
}

func TestJournalRemembersWindows(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		j := d.RollUpJournal()
		a, b, c := telemetry.DirtyWindow{Group: 2, Hour: 10}, telemetry.DirtyWindow{Group: 1, Hour: 20}, telemetry.DirtyWindow{Group: 3, Hour: 10}
		must(t, j.MarkDirty(ctx, []telemetry.DirtyWindow{b, c, a, a}))
		must(t, j.MarkDirty(ctx, []telemetry.DirtyWindow{a}))
		must(t, j.MarkDirty(ctx, nil))
		dirty(ctx, t, j, 2, a, c)
		dirty(ctx, t, j, 9, a, c, b)
		must(t, j.MarkDirty(ctx, []telemetry.DirtyWindow{c})) // a late reading, while the roll-up is at work
		must(t, j.Clean(ctx, []telemetry.DirtyWindow{a, c, b}))
		dirty(ctx, t, j, 9, c)
		must(t, j.Clean(ctx, []telemetry.DirtyWindow{c}))
		dirty(ctx, t, j, 9)
	})
}

func dirty(ctx context.Context, t *testing.T, j telemetry.RollUpJournal, limit int, want ...telemetry.DirtyWindow) {
	t.Helper()
	got, err := j.Dirty(ctx, limit)
	must(t, err)
	if diff := cmp.Diff(append([]telemetry.DirtyWindow{}, want...), got); diff != "" {
		t.Error(diff)
	}
}

func TestJournalTakesManyWindows(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		windows := make([]telemetry.DirtyWindow, 2_500)
		for i := range windows {
			windows[i] = telemetry.DirtyWindow{Group: int64(i % 50), Hour: int64(i / 50)}
		}
		must(t, d.RollUpJournal().MarkDirty(ctx, windows))
		got, err := d.RollUpJournal().Dirty(ctx, 10_000)
		must(t, err)
		must(t, d.RollUpJournal().Clean(ctx, got))
		if len(got) != len(windows) {
			t.Errorf("%d windows are dirty, want %d", len(got), len(windows))
		}
		dirty(ctx, t, d.RollUpJournal(), 9)
	})
}

func TestWatermark(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		for _, step := range []struct{ set, want int64 }{{0, 0}, {3600, 3600}, {0, 3600}, {7200, 7200}} {
			got, err := d.RollUpJournal().Watermark(ctx, step.set)
			if err != nil || got != step.want {
				t.Errorf("set %d: %d, %v; want %d", step.set, got, err, step.want)
			}
		}
	})
}
