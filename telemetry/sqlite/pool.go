package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"cityhub/telemetry"
)

var errClosed = errors.New("the archive is closed")

// pool knows which files there are and keeps a bounded number of unused ones
// open. A file in use is never closed or deleted.
type pool struct {
	dir     string
	maxIdle int

	mu     sync.Mutex
	known  map[period]bool
	open   map[period]*file
	clock  int64 // counts uses, to find the file unused for longest
	closed bool
}

func newPool(dir string, maxIdle int) (*pool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("archive: list %s: %w", dir, err)
	}
	p := &pool{dir: dir, maxIdle: maxIdle, known: map[period]bool{}, open: map[period]*file{}}
	for _, entry := range entries {
		if span, ok := periodNamed(entry.Name()); ok && entry.Type().IsRegular() {
			p.known[span] = true
		}
	}
	return p, nil
}

// overlapping lists the periods on disk that hold instants of [from, to),
// ascending by time.
func (p *pool) overlapping(bucket telemetry.Bucket, from, to int64) []period {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []period
	for span := range p.known {
		if span.bucket == bucket && span.overlaps(from, to) {
			found = append(found, span)
		}
	}
	slices.SortFunc(found, func(x, y period) int { return cmp.Compare(x.start, y.start) })
	return found
}

// acquire opens a period's file, to be given back by release. Without create
// a missing file is os.ErrNotExist.
func (p *pool) acquire(span period, create bool) (*file, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	f := p.open[span]
	if f == nil {
		if !create && !p.known[span] {
			return nil, os.ErrNotExist
		}
		var err error
		if f, err = openFile(filepath.Join(p.dir, span.name()), !p.known[span]); err != nil {
			return nil, err
		}
		f.span = span
		p.known[span], p.open[span] = true, f
	}
	f.users++
	p.clock++
	f.used = p.clock
	return f, nil
}

func (p *pool) release(f *file) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.users--
	if f.users > 0 {
		return
	}
	if p.closed {
		f.close()
		return
	}
	p.closeOldest()
}

// closeOldest closes idle files until no more than maxIdle are left. An error
// of closing costs nothing: every commit is on disk already.
func (p *pool) closeOldest() {
	for {
		var oldest *file
		idle := 0
		for _, f := range p.open {
			if f.users > 0 {
				continue
			}
			idle++
			if oldest == nil || f.used < oldest.used {
				oldest = f
			}
		}
		if idle <= p.maxIdle {
			return
		}
		delete(p.open, oldest.span)
		oldest.close()
	}
}

// drop deletes a period's file unless it is in use.
func (p *pool) drop(span period) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false, errClosed
	}
	if f := p.open[span]; f != nil {
		if f.users > 0 {
			return false, nil
		}
		delete(p.open, span)
		f.close()
	}
	path := filepath.Join(p.dir, span.name())
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return false, fmt.Errorf("delete the expired archive file: %w", err)
		}
	}
	delete(p.known, span)
	return true, nil
}

// close closes the idle files; those in use close when they are given back.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for span, f := range p.open {
		delete(p.open, span)
		if f.users == 0 {
			errs = append(errs, f.close())
		}
	}
	p.closed = true
	return errors.Join(errs...)
}
