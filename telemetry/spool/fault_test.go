package spool

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// failing makes the calls from the nth on fail, as many as count.
type failing struct {
	nth, count, calls int
	kinds             func(errorfs.OpKind) bool
	err               error
}

func (f *failing) String() string { return fmt.Sprintf("fail %d from call %d", f.count, f.nth) }

func (f *failing) MaybeError(op errorfs.Op) error {
	if !f.kinds(op.Kind) {
		return nil
	}
	f.calls++
	if f.calls >= f.nth && f.calls < f.nth+f.count {
		return f.err
	}
	return nil
}

func (f *failing) hit() bool { return f.calls >= f.nth }

// TestEveryFailingCall is promise R6: whichever call to the file system
// fails, no record that was acknowledged is lost, none that was refused is
// delivered, and appending goes on without a restart.
func TestEveryFailingCall(t *testing.T) {
	writes := func(k errorfs.OpKind) bool { return k.ReadOrWrite() == errorfs.OpIsWrite }
	syncs := func(k errorfs.OpKind) bool { return k == errorfs.OpFileSyncData || k == errorfs.OpFileSync }
	all := func(errorfs.OpKind) bool { return true }
	cases := []struct {
		name  string
		kinds func(errorfs.OpKind) bool
		count int
		err   error
	}{
		{"any call once", all, 1, syscall.EIO},
		{"any call, seven in a row", all, 7, syscall.EIO},
		{"syncs, three in a row", syncs, 3, syscall.EIO},
		{"disk full for twenty writes", writes, 20, syscall.ENOSPC},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			nth := 1
			for ; faultRun(t, &failing{nth: nth, count: c.count, kinds: c.kinds, err: c.err}); nth++ {
				if t.Failed() {
					t.Fatalf("at call %d", nth)
				}
			}
			if nth < 40 {
				t.Fatalf("only %d calls were failed: the run is too short to prove anything", nth)
			}
		})
	}
}

// faultRun appends, reads and advances with a failing file system, then cuts
// the power and looks at what is left. It answers whether the fault struck.
func faultRun(t *testing.T, fault *failing) bool {
	mem := vfs.NewCrashableMem()
	o := Options{FS: errorfs.Wrap(mem, fault), Dir: "spool", SegmentBytes: 4 << 10, Now: steps(300 * time.Millisecond)}
	s := openInsisting(t, o)
	const count = 24
	read := 0
	for i := range count {
		appendInsisting(t, s, i)
		if i%4 == 3 {
			read = readInsisting(t, s, read, i-1)
		}
	}
	wantPending(t, s, read, count)
	insisting(t, s, s.Start(), read, count)
	closeInsisting(t, s)

	for _, percent := range []int{0, 100} {
		o.FS = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 1))})
		after := mustOpen(t, o)
		got := numbers(t, drain(t, after, after.Start()))
		if len(got) == 0 || got[0] > read {
			t.Fatalf("%v: of the records from %d on came %v", fault, read, got)
		}
		wantRun(t, got, got[0], count)
		if st := after.Stats(); st.SetAside != 0 || st.Records != int64(len(got)) {
			t.Fatalf("%v: %d records came, the stats are %+v", fault, len(got), st)
		}
		mustClose(t, after)
	}
	return fault.hit()
}

// steps is a clock that moves at every look.
func steps(by time.Duration) func() time.Time {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time { now = now.Add(by); return now }
}

func openInsisting(t *testing.T, o Options) *Spool {
	t.Helper()
	for range 30 {
		if s, err := Open(o); err == nil {
			return s
		}
	}
	t.Fatal("the spool never opened")
	return nil
}

func appendInsisting(t *testing.T, s *Spool, i int) {
	t.Helper()
	for try := 0; ; try++ {
		err := s.Append(t.Context(), record(i, 500+i*37%900), readingsOf(i))
		if err == nil {
			return
		}
		if try > 40 || errors.Is(err, ErrClosed) {
			t.Fatalf("append %d does not recover: %v", i, err)
		}
		if errors.Is(err, syscall.ENOSPC) != errors.Is(err, ErrFull) {
			t.Fatalf("a full disk is not told as such: %v", err)
		}
	}
}

// readInsisting reads and delivers the records from next up to stop.
func readInsisting(t *testing.T, s *Spool, next, stop int) int {
	t.Helper()
	after := insisting(t, s, s.Start(), next, stop)
	_ = s.Advance(after) // an error tells only that it is not noted yet
	for try := 0; s.Start() != after; try++ {
		if err := s.Advance(after); err != nil && try > 40 {
			t.Fatalf("advance does not recover: %v", err)
		}
	}
	return max(next, stop)
}

// insisting reads the records from next up to stop.
func insisting(t *testing.T, s *Spool, after Position, next, stop int) Position {
	t.Helper()
	for try := 0; next < stop; {
		r, err := s.Next(&endsWhenAsked{Context: t.Context()}, after)
		if err != nil {
			if try++; try > 40 {
				t.Fatalf("next does not recover: %v", err)
			}
			continue
		}
		if n := numberOf(t, r); n != next {
			t.Fatalf("record %d came in the place of %d", n, next)
		}
		after, next = r.Position, next+1
	}
	return after
}

func closeInsisting(t *testing.T, s *Spool) {
	t.Helper()
	if err := s.Close(); err != nil && !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("close: %v", err)
	}
}

// halfDisk writes only half of what it is given while it is full.
type halfDisk struct {
	vfs.FS
	full bool
}

type halfFile struct {
	vfs.File
	disk *halfDisk
}

func (d *halfDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return halfFile{f, d}, err
}

func (f halfFile) Write(b []byte) (int, error) {
	if !f.disk.full {
		return f.File.Write(b)
	}
	n, _ := f.File.Write(b[:len(b)/2])
	return n, syscall.ENOSPC
}

func TestHalfWrittenFramesAreNeverDelivered(t *testing.T) {
	disk := &halfDisk{FS: vfs.NewCrashableMem()}
	o := Options{FS: disk, Dir: "spool", SegmentBytes: 16 << 10}
	s := mustOpen(t, o)
	for i := range 40 {
		disk.full = i%5 == 4
		if disk.full {
			for range 3 {
				if err := s.Append(t.Context(), record(i, 900), readingsOf(i)); !errors.Is(err, ErrFull) {
					t.Fatalf("a full disk: %v", err)
				}
			}
		}
		disk.full = false
		mustAppend(t, s, i, i+1, 900)
	}
	wantRun(t, numbers(t, drain(t, s, 0)), 0, 40)
	mustClose(t, s)
	s = mustOpen(t, o)
	defer mustClose(t, s)
	wantPending(t, s, 0, 40)
	wantRun(t, numbers(t, drain(t, s, 0)), 0, 40)
	if st := s.Stats(); st.SetAside != 0 {
		t.Fatalf("half a frame counts as damage: %+v", st)
	}
}
