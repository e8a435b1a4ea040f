package spool

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// tmpfs mounts a small file system; "" without the right to mount:
// TestEveryFailingCall and TestHalfWrittenFrames cover the same by injection.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Logf("mounting a tmpfs: %v", err)
		return ""
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return dir
}

// TestFullDisk is promise R5 for the spool: a disk that others fill refuses
// appends, loses nothing, and takes appends again once there is space.
func TestFullDisk(t *testing.T) {
	for name, reserve := range map[string]int64{"up to the last byte": 0, "down to the reserve": 2 << 20} {
		t.Run(name, func(t *testing.T) {
			dir := tmpfs(t, "size=8m")
			if dir == "" {
				return
			}
			o := Options{Dir: filepath.Join(dir, "spool"), ReserveBytes: reserve, SegmentBytes: 1 << 20}
			s := mustOpen(t, o)
			next := 0
			for round := range 4 {
				other := filepath.Join(dir, "other")
				if err := os.WriteFile(other, make([]byte, (4-round)<<20), 0o600); err != nil {
					t.Fatal(err)
				}
				next = fill(t, s, next)
				for range 3 {
					if err := s.Append(t.Context(), record(next, 20_000), 1); !errors.Is(err, ErrFull) {
						t.Fatalf("on the full disk: %v", err)
					}
				}
				if free := freeBytes(t, dir); free < reserve {
					t.Fatalf("%d bytes are free, %d are reserved", free, reserve)
				}
				if err := os.Remove(other); err != nil {
					t.Fatal(err)
				}
				mustAppend(t, s, next, next+1, 20_000)
				next++
				deliverHalf(t, s)
			}
			want := numbers(t, drain(t, s, s.Start()))
			wantRun(t, want, want[0], next)
			mustClose(t, s)
			s = mustOpen(t, o)
			wantRun(t, numbers(t, drain(t, s, s.Start())), want[0], next)
			mustClose(t, s)
		})
	}
}

// fill appends until the spool is full.
func fill(t *testing.T, s *Spool, next int) int {
	t.Helper()
	for ; ; next++ {
		err := s.Append(t.Context(), record(next, 20_000), readingsOf(next))
		if errors.Is(err, ErrFull) {
			return next
		}
		if err != nil {
			t.Fatalf("append %d: %v", next, err)
		}
	}
}

func deliverHalf(t *testing.T, s *Spool) {
	t.Helper()
	records := drain(t, s, s.Start())
	if err := s.Advance(records[len(records)/2].Position); err != nil {
		t.Fatal(err)
	}
}

func freeBytes(t *testing.T, dir string) int64 {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	return int64(st.Bavail) * st.Bsize
}

// TestOpensOnAFullDisk starts where not a byte is left, delivers, and so
// makes the room in which appends go on.
func TestOpensOnAFullDisk(t *testing.T) {
	dir := tmpfs(t, "size=4m")
	if dir == "" {
		return
	}
	o := Options{Dir: filepath.Join(dir, "spool"), SegmentBytes: 512 << 10}
	s := mustOpen(t, o)
	next := fill(t, s, 0)
	mustClose(t, s)
	rest, err := os.Create(filepath.Join(dir, "rest"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = rest.Write(make([]byte, 4096))
	}
	_ = rest.Close()

	s = mustOpen(t, o)
	defer mustClose(t, s)
	if err := s.Append(t.Context(), record(next, 20_000), 1); !errors.Is(err, ErrFull) {
		t.Fatalf("on the full disk: %v", err)
	}
	wantPending(t, s, 0, next)
	records := drain(t, s, s.Start())
	wantRun(t, numbers(t, records), 0, next)
	if err := s.Advance(records[len(records)-1].Position); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, next, next+10, 20_000)
}
