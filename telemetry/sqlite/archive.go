// Package sqlite is the embedded archive: lines of readings in SQLite files,
// one file for a span of time, clustered by group and time. Old readings go
// by deleting whole files. It knows nothing of the registry or the network.
package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"cityhub/telemetry"
)

// Options says where the archive lies and for how long it keeps.
type Options struct {
	Dir       string           // created when absent; for this archive alone
	Retention [3]time.Duration // by telemetry.Bucket; 0: for ever
	Now       func() time.Time // nil: time.Now
	MaxOpen   int              // files kept open while unused; 0: 12
}

// Archive implements telemetry.Archive on files. What Write acknowledged is on
// disk: it survives a kill of the process and a loss of power.
type Archive struct {
	opts    Options
	files   *pool
	writing sync.Mutex // one writer at a time, as SQLite has it per file
}

// Open lists the archive's files; it opens none, so a damaged file fails only
// the calls that need it.
func Open(ctx context.Context, opts Options) (*Archive, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if opts.Dir == "" {
		return nil, errors.New("archive: dir is empty: name the folder that shall hold the archive's files")
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.MaxOpen <= 0 {
		opts.MaxOpen = 12
	}
	if err := os.MkdirAll(opts.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("archive: create %s: %w", opts.Dir, err)
	}
	files, err := newPool(opts.Dir, opts.MaxOpen)
	if err != nil {
		return nil, err
	}
	return &Archive{opts: opts, files: files}, nil
}

// Close closes all files. Calls that still run fail.
func (a *Archive) Close() error { return a.files.close() }

// Write keeps the lines durably. It refuses the whole batch for good when one
// of them cannot be kept; all other failures are worth another try.
func (a *Archive) Write(ctx context.Context, bucket telemetry.Bucket, lines []telemetry.Line) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range lines {
		if err := check(&lines[i]); err != nil {
			return &telemetry.ArchiveError{Err: err}
		}
	}
	order := sortedByPlace(bucket, lines)
	a.writing.Lock()
	defer a.writing.Unlock()
	for start := 0; start < len(order); {
		end := start + 1
		for end < len(order) && order[end].day == order[start].day {
			end++
		}
		if err := a.writeFile(ctx, periodOfDay(bucket, order[start].day), order[start:end]); err != nil {
			return failure(ctx, err)
		}
		start = end
	}
	return nil
}

// placed is a line with the first day of the file it belongs to.
type placed struct {
	day  int64
	line *telemetry.Line
}

// sortedByPlace orders lines file by file, then as a file clusters them; equal
// lines stay in their order.
func sortedByPlace(bucket telemetry.Bucket, lines []telemetry.Line) []placed {
	order := make([]placed, len(lines))
	var p period
	for i := range lines {
		if !p.holds(lines[i].Time) {
			p = periodOf(bucket, lines[i].Time)
		}
		order[i] = placed{p.start, &lines[i]}
	}
	slices.SortStableFunc(order, func(x, y placed) int {
		return cmp.Or(cmp.Compare(x.day, y.day), cmp.Compare(x.line.Group, y.line.Group), cmp.Compare(x.line.Time, y.line.Time))
	})
	return order
}

func (a *Archive) writeFile(ctx context.Context, p period, lines []placed) error {
	f, err := a.files.acquire(p, true)
	if err != nil {
		return err
	}
	defer a.files.release(f)
	return f.write(ctx, lines)
}

// Delete removes the lines of a group in [from, to).
func (a *Archive) Delete(ctx context.Context, bucket telemetry.Bucket, group, from, to int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if from >= to {
		return nil
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	for _, p := range a.files.overlapping(bucket, from, to) {
		f, err := a.files.acquire(p, false)
		if err == nil {
			err = f.remove(ctx, group, from, to)
			a.files.release(f)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return failure(ctx, err)
		}
	}
	return nil
}

// Expire deletes the files whose every instant is older than the bucket's
// retention, and says how many. A file in use stays until the next call.
func (a *Archive) Expire(ctx context.Context) (int, error) {
	removed := 0
	for bucket, keep := range a.opts.Retention {
		if keep <= 0 {
			continue
		}
		limit := a.opts.Now().Add(-keep).UnixNano()
		for _, p := range a.files.overlapping(telemetry.Bucket(bucket), minTime, limit) {
			if err := ctx.Err(); err != nil {
				return removed, err
			}
			if p.end > dayOf(limit) {
				continue
			}
			gone, err := a.files.drop(p)
			if err != nil {
				return removed, failure(ctx, err)
			}
			if gone {
				removed++
			}
		}
	}
	return removed, nil
}

// failure wraps what went wrong with a file. All of it can be mended by an
// operator (a full disk, a lock, a damaged file), so it is worth a retry.
func failure(ctx context.Context, err error) error {
	var known *telemetry.ArchiveError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &known):
		return err
	}
	return &telemetry.ArchiveError{Retryable: true, Err: err}
}
