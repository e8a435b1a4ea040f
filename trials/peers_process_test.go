//go:build peers

package trials

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const tick = 10 * time.Millisecond // of the kernel's CPU accounts, USER_HZ

// cpuOf is what a process and its children have used, user and system.
func cpuOf(t testing.TB, pid int) time.Duration {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var sum time.Duration
	for _, path := range all {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		own, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		_, rest, _ := strings.Cut(string(raw), ") ")
		fields := strings.Fields(rest) // from the third on
		if parent, _ := strconv.Atoi(fields[1]); own != pid && parent != pid {
			continue
		}
		counts := fields[11:13]
		if own == pid {
			counts = fields[11:15] // with its ended children
		}
		for _, count := range counts {
			n, err := strconv.ParseInt(count, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += time.Duration(n) * tick
		}
	}
	return sum
}

// watch tells how much of the machine programs other than ours take.
type watch struct {
	t                 testing.TB
	busy, whole, ours time.Duration
}

func newWatch(t testing.TB) *watch {
	w := &watch{t: t, ours: cpuOf(t, os.Getpid())} // all of ours are our children
	w.busy, w.whole = cpuOfAll(t)
	return w
}

// others is their share since the watch began, 0…1.
func (w *watch) others() float64 {
	busy, whole := cpuOfAll(w.t)
	ours := cpuOf(w.t, os.Getpid()) - w.ours
	return max(0, float64(busy-w.busy-ours)/float64(whole-w.whole))
}

// cpuOfAll is what all processors have worked, and could have.
func cpuOfAll(t testing.TB) (busy, whole time.Duration) {
	t.Helper()
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	var user, nice, system, idle, wait, irq, soft, steal int64
	if _, err := fmt.Sscanf(string(raw), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &soft, &steal); err != nil {
		t.Fatal(err)
	}
	worked := user + nice + system + irq + soft + steal
	return time.Duration(worked) * tick, time.Duration(worked+idle+wait) * tick
}

// noise is the share of the machine that others may take in a good round.
const noise = 0.1

// awaitQuiet waits a while for other programs to leave the machine alone. That
// they do not is no fault; it shows in the table.
func awaitQuiet(t testing.TB) {
	for range 15 {
		w := newWatch(t)
		time.Sleep(time.Second)
		if w.others() < noise {
			return
		}
	}
}
