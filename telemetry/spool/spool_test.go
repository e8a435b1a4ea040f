package spool

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
)

// TestMain looks for goroutines left behind by tests; the other engines of
// the trial leave some when they fail.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// record gives record i: its number, then bytes that do not compress well.
func record(i, size int) []byte {
	b := fmt.Appendf(nil, "%08d:", i)
	for x := uint32(i)*2654435761 + 1; len(b) < size; x = x*1664525 + 1013904223 {
		b = append(b, byte(x>>24))
	}
	return b
}

// readingsOf is how many readings record i counts.
func readingsOf(i int) int { return i%7 + 1 }

func numberOf(t testing.TB, r Record) int {
	t.Helper()
	var i int
	if _, err := fmt.Sscanf(string(r.Data[:9]), "%08d:", &i); err != nil {
		t.Fatalf("a record that nobody appended: %.20q: %v", r.Data, err)
	}
	if want := record(i, len(r.Data)); !bytes.Equal(r.Data, want) || r.Readings != readingsOf(i) {
		t.Fatalf("record %d came back changed", i)
	}
	return i
}

func mustOpen(t testing.TB, o Options) *Spool {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func mustClose(t testing.TB, s *Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func mustAppend(t testing.TB, s *Spool, from, to, size int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := s.Append(t.Context(), record(i, size), readingsOf(i)); err != nil {
			t.Fatalf("append %d: %v", i, err)
		}
	}
}

// drain reads until nothing durable is left.
func drain(t testing.TB, s *Spool, after Position) (out []Record) {
	t.Helper()
	for {
		r, ok := poll(t, s, after)
		if !ok {
			return out
		}
		out, after = append(out, r), r.Position
	}
}

// poll is a Next that does not wait: the context ends once the reader waits.
func poll(t testing.TB, s *Spool, after Position) (Record, bool) {
	t.Helper()
	r, err := s.Next(&endsWhenAsked{Context: context.Background()}, after)
	if errors.Is(err, context.Canceled) {
		return Record{}, false
	}
	if err != nil {
		t.Fatalf("next: %v", err)
	}
	return r, true
}

// endsWhenAsked is a context that has not ended when a call begins, and has
// ended as soon as the call would wait.
type endsWhenAsked struct {
	context.Context
	err error
}

func (c *endsWhenAsked) Done() <-chan struct{} {
	c.err = context.Canceled
	ended := make(chan struct{})
	close(ended)
	return ended
}

func (c *endsWhenAsked) Err() error { return c.err }

func numbers(t testing.TB, records []Record) []int {
	out := make([]int, len(records))
	for i, r := range records {
		out[i] = numberOf(t, r)
	}
	return out
}

func wantRun(t testing.TB, got []int, from, to int) {
	t.Helper()
	if len(got) != to-from {
		t.Fatalf("%d records, want %d to %d: %v", len(got), from, to, got)
	}
	for k, i := range got {
		if i != from+k {
			t.Fatalf("record %d in the place of %d", i, from+k)
		}
	}
}

func sumReadings(from, to int) (n int64) {
	for i := from; i < to; i++ {
		n += int64(readingsOf(i))
	}
	return n
}

func wantPending(t testing.TB, s *Spool, from, to int) {
	t.Helper()
	st := s.Stats()
	if st.Records != int64(to-from) || st.Readings != sumReadings(from, to) {
		t.Fatalf("pending %d records of %d readings, want %d of %d", st.Records, st.Readings, to-from, sumReadings(from, to))
	}
}

func memOptions() Options {
	return Options{FS: vfs.NewMem(), Dir: "city/spool", SegmentBytes: 8 << 10}
}

func TestRecordsComeBackInOrderAfterReopening(t *testing.T) {
	o := memOptions()
	s := mustOpen(t, o)
	mustAppend(t, s, 0, 100, 700)
	wantRun(t, numbers(t, drain(t, s, s.Start())), 0, 100)
	mustClose(t, s)

	s = mustOpen(t, o)
	wantPending(t, s, 0, 100)
	mustAppend(t, s, 100, 150, 700)
	wantRun(t, numbers(t, drain(t, s, s.Start())), 0, 150)
	if st := s.Stats(); st.SetAside != 0 || st.Bytes == 0 {
		t.Fatalf("stats of a whole spool: %+v", st)
	}
	mustClose(t, s)
}

func TestAdvanceFreesAndIsRemembered(t *testing.T) {
	o := memOptions()
	s := mustOpen(t, o)
	mustAppend(t, s, 0, 100, 700)
	before := s.Stats().Bytes
	records := drain(t, s, s.Start())
	if err := s.Advance(records[69].Position); err != nil {
		t.Fatal(err)
	}
	wantPending(t, s, 70, 100)
	if after := s.Stats().Bytes; after > before/2 {
		t.Fatalf("%d of %d bytes are still held", after, before)
	}
	mustClose(t, s)

	s = mustOpen(t, o)
	defer mustClose(t, s)
	wantPending(t, s, 70, 100)
	wantRun(t, numbers(t, drain(t, s, s.Start())), 70, 100)
	wantRun(t, numbers(t, drain(t, s, 0)), 70, 100) // what is delivered is not given again
}

func TestAdvanceStepByStepAndBackwards(t *testing.T) {
	s := mustOpen(t, memOptions())
	defer mustClose(t, s)
	mustAppend(t, s, 0, 200, 300)
	records := drain(t, s, 0)
	for i, r := range records {
		if err := s.Advance(r.Position); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if err := s.Advance(records[i-1].Position); err != nil {
				t.Fatal(err)
			}
		}
		wantPending(t, s, i+1, 200)
	}
	if err := s.Advance(s.Start() + 1); err == nil {
		t.Fatal("a position behind the end was taken")
	}
}

func TestNextFromAnyPosition(t *testing.T) {
	s := mustOpen(t, memOptions())
	defer mustClose(t, s)
	mustAppend(t, s, 0, 120, 300)
	records := drain(t, s, 0)
	for i := len(records) - 1; i > 0; i-- {
		if r, ok := poll(t, s, records[i-1].Position); !ok || numberOf(t, r) != i {
			t.Fatalf("behind record %d came %v", i-1, ok)
		}
	}
}

func TestNextWaits(t *testing.T) {
	s := mustOpen(t, memOptions())
	got := make(chan Record)
	failed := make(chan error)
	go func() {
		defer close(failed)
		var after Position
		for {
			r, err := s.Next(context.Background(), after)
			if err != nil {
				failed <- err
				return
			}
			got <- r
			after = r.Position
		}
	}()
	for i := range 50 {
		mustAppend(t, s, i, i+1, 500)
		if n := numberOf(t, <-got); n != i {
			t.Fatalf("record %d, want %d", n, i)
		}
	}
	mustClose(t, s)
	if err := <-failed; !errors.Is(err, ErrClosed) {
		t.Fatalf("after closing: %v", err)
	}
	<-failed
	if err := s.Append(t.Context(), nil, 0); !errors.Is(err, ErrClosed) {
		t.Fatalf("append after closing: %v", err)
	}
	if err := s.Advance(0); !errors.Is(err, ErrClosed) {
		t.Fatalf("advance after closing: %v", err)
	}
}

func TestEndedContextsWriteNothing(t *testing.T) {
	s := mustOpen(t, memOptions())
	defer mustClose(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(ctx, record(0, 100), 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("append: %v", err)
	}
	if _, err := s.Next(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Fatalf("next: %v", err)
	}
	wantPending(t, s, 0, 0)
}

func TestBounds(t *testing.T) {
	o := memOptions()
	o.MaxBytes = 64 << 10
	s := mustOpen(t, o)
	defer mustClose(t, s)
	if err := s.Append(t.Context(), make([]byte, maxPayload+1), 1); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("a record above the limit: %v", err)
	}
	next, read := 0, 0
	for range 5 {
		var err error
		for ; err == nil; next++ {
			err = s.Append(t.Context(), record(next, 700), readingsOf(next))
		}
		next--
		if !errors.Is(err, ErrFull) {
			t.Fatalf("append %d: %v", next, err)
		}
		if st := s.Stats(); st.Bytes > o.MaxBytes || st.Bytes < o.MaxBytes*9/10 {
			t.Fatalf("full at %d of %d bytes", st.Bytes, o.MaxBytes)
		}
		records := drain(t, s, s.Start())
		wantRun(t, numbers(t, records), read, next)
		if err := s.Advance(records[len(records)-1].Position); err != nil {
			t.Fatal(err)
		}
		read = next
		wantPending(t, s, 0, 0)
	}
}

func TestReserveOfTheDisk(t *testing.T) {
	fs := vfs.NewMem()
	o := Options{FS: fs, Dir: "spool", ReserveBytes: 1 << 20}
	s := mustOpen(t, o)
	defer mustClose(t, s)
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1<<20 + 500, TotalBytes: 1 << 30})
	if err := s.Append(t.Context(), record(0, 700), 1); !errors.Is(err, ErrFull) {
		t.Fatalf("append into the reserve: %v", err)
	}
	if names, _ := fs.List("spool"); len(names) != 2 { // LOCK and cursor
		t.Fatalf("something was written: %v", names)
	}
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 2 << 20, TotalBytes: 1 << 30})
	mustAppend(t, s, 0, 1, 700)
}

func TestOldestAppended(t *testing.T) {
	o := memOptions()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	o.Now = func() time.Time { return now }
	s := mustOpen(t, o)
	defer mustClose(t, s)
	start := now
	for i := range 60 {
		now = start.Add(time.Duration(i) * time.Minute)
		mustAppend(t, s, i, i+1, 500)
	}
	for i, r := range drain(t, s, 0) {
		want := start.Add(time.Duration(i) * time.Minute)
		if got := s.Stats().OldestAppended; !got.Equal(want) || !r.Appended.Equal(want) {
			t.Fatalf("oldest %v, appended %v, want %v", got, r.Appended, want)
		}
		if err := s.Advance(r.Position); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Stats().OldestAppended; !got.IsZero() {
		t.Fatalf("an empty spool's oldest is of %v", got)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	o := memOptions()
	s := mustOpen(t, o)
	if _, err := Open(o); err == nil {
		t.Fatal("opened twice")
	}
	mustClose(t, s)
	mustClose(t, mustOpen(t, o))
}
