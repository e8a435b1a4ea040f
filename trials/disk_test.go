package trials

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// tmpfs mounts a small file system of its own for the test; "" where that is
// not permitted.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Logf("a tmpfs cannot be mounted here (%v)", err)
		return ""
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFaultDiskFull: while the disk is full nothing is acknowledged, nothing
// accepted is lost and reads go on; with space, intake resumes by itself.
func TestFaultDiskFull(t *testing.T) {
	data := tmpfs(t, "96m")
	if data == "" {
		t.Log("the spool's own tests fill a file system that they simulate")
		return
	}
	h := startHub(t, data, nil, "--spool-reserve", "8388608")
	h.registerFlood(50)
	ledger := filepath.Join(t.TempDir(), "ledger")
	wait := flood(t, "tcp://"+h.mqt, ledger, "--devices", "50", "--rate", "1000", "--duration", "20s", "--drain", "60s")
	h.await("readings arrive", 10*time.Second, func() bool { return h.status().Counters.Accepted > 1000 })

	ballast := filepath.Join(data, "ballast")
	fill(t, ballast, 7<<20)
	h.await("the hub says that it cannot keep", 15*time.Second, func() bool { return h.status().Intake.Failing != "" })
	accepted := h.status().Counters.Accepted
	time.Sleep(3 * time.Second)
	if now := h.status().Counters.Accepted; now != accepted {
		t.Errorf("%d readings were acknowledged while the disk was full", now-accepted)
	}
	var latest struct{ Features []any }
	if !h.get("/latest?property=pm25", &latest) || len(latest.Features) != 50 {
		t.Errorf("%d stations can be read while the disk is full; want 50", len(latest.Features))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	h.await("intake resumes", 10*time.Second, func() bool { return h.status().Counters.Accepted > accepted })
	t.Log(lastLine(wait()))
	h.drained(60 * time.Second)
	h.check(ledger)
}

// fill writes a file until only rest bytes of its disk are free.
func fill(t *testing.T, path string, rest int64) {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &fs); err != nil {
		t.Fatal(err)
	}
	size := int64(fs.Bavail)*fs.Bsize - rest
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
}
