package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"
)

// counter is an archive that takes lines of even groups only as long as open
// is closed, and tells of each that it took.
type counter struct {
	Archive
	open  chan struct{}
	taken chan int64
}

func (c *counter) Write(ctx context.Context, _ Bucket, lines []Line) error {
	if lines[0].Group%2 == 0 {
		select {
		case <-c.open:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.taken <- lines[0].Group
	return nil
}

func (c *counter) Read(context.Context, Query, func(*Line) error) error { return nil }

// forgetful notes in which order the spool is told to forget.
type forgetful struct {
	mu   sync.Mutex
	told []int
}

func (f *forgetful) batch(n int, group, at int64) *outbound {
	line := Line{Group: group, Time: at, ID: 1 + at, Fields: []Field{{Property: "pm25", Value: NumberOf(1)}}}
	b := &outbound{}
	b.put(Kept{Data: appendRecord(nil, []Line{line}, nil), Readings: 1, Delivered: func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.told = append(f.told, n)
		return nil
	}})
	return b
}

func (f *forgetful) list() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]int{}, f.told...)
}

func newDelivering() (*Forwarder, *counter) {
	c := &counter{open: make(chan struct{}), taken: make(chan int64, 4)}
	f := NewForwarder(ForwarderOptions{Archive: c, Counters: NewCounters(), Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	f.seen.newest = map[int64]int64{}
	f.up.Store(true)
	f.rolled.Store(-1 << 62)
	return f, c
}

func prepared(ctx context.Context, t *testing.T, f *Forwarder, b *outbound, before turn) *delivery {
	t.Helper()
	d, err := f.prepare(ctx, b, before)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheSpoolForgetsInOrder(t *testing.T) {
	f, c := newDelivering()
	var told forgetful
	first := prepared(t.Context(), t, f, told.batch(1, 2, 10), over(true))
	second := prepared(t.Context(), t, f, told.batch(2, 3, 10), first.turn)
	var both sync.WaitGroup
	both.Go(func() { f.deliver(t.Context(), first) })
	both.Go(func() { f.deliver(t.Context(), second) })
	if group := <-c.taken; group != 3 {
		t.Fatalf("group %d was stored first", group)
	}
	if list := told.list(); len(list) != 0 {
		t.Fatalf("forgotten before the first batch is stored: %v", list)
	}
	close(c.open)
	both.Wait()
	if list := told.list(); len(list) != 2 || list[0] != 1 || list[1] != 2 {
		t.Errorf("forgotten in the order %v", list)
	}
}

func TestNothingBehindALostBatchIsForgotten(t *testing.T) {
	f, c := newDelivering()
	ctx, cancel := context.WithCancelCause(t.Context())
	var told forgetful
	first := prepared(ctx, t, f, told.batch(1, 2, 10), over(true))
	second := prepared(ctx, t, f, told.batch(2, 3, 10), first.turn)
	var both sync.WaitGroup
	both.Go(func() { f.deliver(ctx, first) })
	both.Go(func() { f.deliver(ctx, second) })
	<-c.taken
	cancel(errors.New("the hub stops"))
	both.Wait()
	if list := told.list(); len(list) != 0 || second.turn.wait() {
		t.Errorf("forgotten although the first batch is not stored: %v", list)
	}
}

// A batch that may repeat what is under way is sorted out only when that is
// stored; so is every batch while the archive is away.
func TestABatchWaitsForWhatItMayRepeat(t *testing.T) {
	for name, c := range map[string]struct {
		up     bool
		group  int64
		at     int64
		expect bool // that it waits
	}{
		"others":               {true, 3, 10, false},
		"later ones":           {true, 2, 11, false},
		"the archive is away":  {false, 3, 10, true},
		"an earlier one of it": {true, 2, 9, true},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := newDelivering()
			var told forgetful
			first := prepared(t.Context(), t, f, told.batch(1, 2, 10), over(true))
			f.up.Store(c.up)
			if c.group == 2 {
				f.seen.newest[2] = max(f.seen.newest[2], 10)
			}
			ready := make(chan struct{})
			go func() {
				defer close(ready)
				if _, err := f.prepare(t.Context(), told.batch(2, c.group, c.at), first.turn); err != nil {
					t.Error(err)
				}
			}()
			if c.expect {
				select {
				case <-ready:
					t.Error("it did not wait")
				case <-time.After(20 * time.Millisecond): // long enough to notice most who do not
				}
			}
			first.turn <- true
			<-ready
		})
	}
}
