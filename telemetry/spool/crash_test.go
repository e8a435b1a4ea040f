package spool

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// schedules gives how many seeds a test runs: the full number is for the long
// run, which CITYHUB_NEMESIS=1 asks for.
func schedules(quick, full int) uint64 {
	if os.Getenv("CITYHUB_NEMESIS") != "" {
		return uint64(full)
	}
	return uint64(quick)
}

// TestPowerCuts is promise R7: power is cut at a random call to the file
// system, several times in a row, and of what was not synced a random part
// survives. Every acknowledged record is there, in order.
func TestPowerCuts(t *testing.T) {
	for seed := range schedules(600, 10_000) {
		c := &city{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 7)), now: time.Unix(1_790_000_000, 0)}
		c.disk = vfs.NewCrashableMem()
		for range 2 + c.rng.IntN(4) {
			c.live()
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// city is the model that a spool is compared with.
type city struct {
	t    testing.TB
	seed uint64
	rng  *rand.Rand
	disk *vfs.MemFS
	now  time.Time

	next      int               // number of the next record
	waiting   []int             // acknowledged and not delivered
	inFlight  int               // being appended; -1: none
	delivered map[int]time.Time // of this life
	advanced  time.Time         // the last Advance that was completed
}

var errNoPower = errors.New("no power")

// live opens the spool, uses it until the power is cut, and goes on with what
// the disk then holds.
func (c *city) live() {
	c.inFlight, c.delivered, c.advanced = -1, map[int]time.Time{}, time.Time{}
	cutAt, calls := 1+c.rng.IntN(150), 0
	var after *vfs.MemFS
	power := errorfs.InjectorFunc(func(errorfs.Op) error {
		calls++
		if calls == cutAt {
			percent := []int{0, 10, 50, 90, 100}[c.rng.IntN(5)]
			after = c.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: c.rng})
		}
		if calls >= cutAt {
			return errNoPower
		}
		return nil
	})
	o := Options{FS: errorfs.Wrap(c.disk, power), Dir: "spool", SegmentBytes: 6 << 10, Now: func() time.Time { return c.now }}
	s, err := Open(o)
	for err == nil && after == nil {
		err = c.act(s, func() bool { return after != nil })
	}
	if s != nil {
		_ = s.Close() // nothing of it reaches the disk any more
	}
	if after == nil {
		c.t.Fatalf("seed %d: failed while there was power: %v", c.seed, err)
	}
	c.disk = after
	c.compare()
}

// act does one thing; what ends after the cut has not happened.
func (c *city) act(s *Spool, cut func() bool) error {
	c.now = c.now.Add(time.Duration(c.rng.IntN(400)) * time.Millisecond)
	if c.rng.IntN(10) < 7 {
		c.inFlight = c.next
		c.next++
		err := s.Append(c.t.Context(), record(c.inFlight, 20+c.rng.IntN(2_500)), readingsOf(c.inFlight))
		if err == nil && !cut() {
			c.waiting, c.inFlight = append(c.waiting, c.inFlight), -1
		}
		return err
	}
	after := s.Start()
	for range c.rng.IntN(8) {
		r, err := s.Next(&endsWhenAsked{Context: c.t.Context()}, after)
		if err != nil || len(c.waiting) == 0 {
			break
		}
		if n := numberOf(c.t, r); n != c.waiting[0] {
			c.t.Fatalf("seed %d: record %d came in the place of %d", c.seed, n, c.waiting[0])
		}
		after = r.Position
		c.delivered[c.waiting[0]], c.waiting = c.now, c.waiting[1:]
	}
	err := s.Advance(after)
	if err == nil && !cut() {
		c.advanced = c.now
	}
	return err
}

// compare opens what is left after the cut and checks it against the model.
func (c *city) compare() {
	s := mustOpen(c.t, Options{FS: c.disk, Dir: "spool", SegmentBytes: 6 << 10, Now: func() time.Time { return c.now }})
	st := s.Stats()
	got := numbers(c.t, drain(c.t, s, s.Start()))
	if st.Records != int64(len(got)) || s.Stats().SetAside != 0 {
		c.t.Fatalf("seed %d: %d records, stats %+v", c.seed, len(got), st)
	}
	mustClose(c.t, s)
	left := got
	for len(left) > 0 && (len(c.waiting) == 0 || left[0] < c.waiting[0]) && left[0] != c.inFlight {
		when, known := c.delivered[left[0]]
		if !known || c.advanced.Sub(when) >= persistEvery {
			c.t.Fatalf("seed %d: record %d was delivered at %v and comes again after %v", c.seed, left[0], when, c.advanced)
		}
		left = left[1:]
	}
	if len(left) == len(c.waiting)+1 && left[len(left)-1] == c.inFlight {
		left = left[:len(left)-1] // complete, only its acknowledgement was cut off
	}
	if len(left) != len(c.waiting) {
		c.t.Fatalf("seed %d: left %v, acknowledged %v", c.seed, left, c.waiting)
	}
	for i := range left {
		if left[i] != c.waiting[i] {
			c.t.Fatalf("seed %d: left %v, acknowledged %v", c.seed, left, c.waiting)
		}
	}
	c.waiting = got // what comes again waits again
}

// TestKillThenPowerCut kills the process between writing and syncing. The
// record that the next start finds is shown to readers, and so it has to
// survive the power cut that comes after.
func TestKillThenPowerCut(t *testing.T) {
	disk := vfs.NewCrashableMem()
	syncs, dead := 0, false
	killed := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && op.Path != "spool/"+cursorName {
			syncs++
		}
		if dead = dead || syncs == 3; dead { // the third record's
			return errNoPower
		}
		return nil
	})
	s := mustOpen(t, Options{FS: errorfs.Wrap(disk, killed), Dir: "spool"})
	mustAppend(t, s, 0, 2, 500)
	if err := s.Append(t.Context(), record(2, 500), readingsOf(2)); !errors.Is(err, errNoPower) {
		t.Fatalf("the process was not killed: %v", err)
	}
	_ = s.Close()

	s = mustOpen(t, Options{FS: disk, Dir: "spool"})
	wantRun(t, numbers(t, drain(t, s, 0)), 0, 3)
	mustAppend(t, s, 3, 4, 500)
	after := disk.CrashClone(vfs.CrashCloneCfg{})
	mustClose(t, s)
	s = mustOpen(t, Options{FS: after, Dir: "spool"})
	defer mustClose(t, s)
	wantRun(t, numbers(t, drain(t, s, 0)), 0, 4)
	if st := s.Stats(); st.SetAside != 0 {
		t.Fatalf("a power cut counts as damage: %+v", st)
	}
}
