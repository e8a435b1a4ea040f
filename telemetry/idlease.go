package telemetry

import (
	"context"
	"time"
)

// idBlockSize is small enough that a block's hour is not much wider than the
// readings in it, and large enough that a lease is rare.
const idBlockSize = 65_536

// openBlocks bounds the hours for which ids lie ready.
const openBlocks = 48

// idLease gives out observation ids: every hour of phenomenon time draws from
// blocks of its own, so that an id leads to its hour. One goroutine uses it.
type idLease struct {
	blocks IDBlocks
	open   map[int64]*openBlock // by hour
}

// openBlock gives out from next to end; what is below kept is in the spool.
type openBlock struct{ kept, next, end, used int64 }

// rewind takes back what was given out and not kept: a write that fails for an
// hour would use up thousands of blocks.
func (l *idLease) rewind() {
	for _, b := range l.open {
		b.next = b.kept
	}
}

// keep says that what was given out is durable.
func (l *idLease) keep() {
	for _, b := range l.open {
		b.kept = b.next
	}
}

// take gives the first of count consecutive ids for an instant.
func (l *idLease) take(ctx context.Context, instant int64, count int, use int64) (int64, error) {
	hour := floorTo(instant, int64(time.Hour))
	b := l.open[hour]
	if b == nil || b.end-b.next < int64(count) {
		block, err := l.blocks.Lease(ctx, idBlockSize, hour, hour+int64(time.Hour))
		if err != nil {
			return 0, err
		}
		b = &openBlock{kept: block.First, next: block.First, end: block.First + block.Count}
		l.open[hour] = b
		l.trim()
	}
	b.used = use
	id := b.next
	b.next += int64(count)
	return id, nil
}

// trim gives up the block that was used longest ago; its rest is never used.
func (l *idLease) trim() {
	if len(l.open) <= openBlocks {
		return
	}
	oldest, at := int64(0), int64(1<<62)
	for hour, b := range l.open {
		if b.used > 0 && b.used < at {
			oldest, at = hour, b.used
		}
	}
	delete(l.open, oldest)
}

func floorTo(instant, step int64) int64 {
	rest := instant % step
	if rest < 0 {
		rest += step
	}
	return instant - rest
}
