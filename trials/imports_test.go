package trials

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"cityhub/testbed"
)

// sheetOf writes a spreadsheet of n rows as an office in Vietnam would, of
// which some are bad, each kind in turn.
func sheetOf(t testing.TB, n, bad int) string {
	t.Helper()
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	row := func(i int, cells ...any) {
		if err := w.SetRow("A"+strconv.Itoa(i), cells); err != nil {
			t.Fatal(err)
		}
	}
	row(1, "device", "serial", "dev_eui", "model", "station", "station_name", "lon", "lat", "organisation", "from")
	faults := []func(cells []any){
		func(c []any) { c[3] = "khong-co" }, func(c []any) { c[0] = "có dấu" }, func(c []any) { c[6] = "một trăm" },
		func(c []any) { c[7] = 121.03 }, func(c []any) { c[2] = "70B3" }, func(c []any) { c[9] = "01/07/2025" },
	}
	for i := range n {
		cells := []any{fmt.Sprintf("bulk-%05d", i), fmt.Sprintf("%08d", i), fmt.Sprintf("70B3D57E%08X", i), "air-station", fmt.Sprintf("tram-%05d", i),
			fmt.Sprintf("Trạm \"%d\", phường Cửa Nam", i), 105.7 + float64(i%300)/1000, 20.9 + float64(i/300)/1000, fmt.Sprintf("phuong-%02d", i%30), 45839.25}
		if i%(n/bad) == n/bad/2 {
			faults[i/(n/bad)%len(faults)](cells)
		}
		row(i+2, cells...)
	}
	name := filepath.Join(t.TempDir(), "devices.xlsx")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.SaveAs(name); err != nil {
		t.Fatal(err)
	}
	return name
}

// peak is the most memory that the hub has held, in MiB.
func (h *hub) peak() int {
	h.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.process.Process.Pid))
	if err != nil {
		h.t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(raw)
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		h.t.Fatal(err)
	}
	return kib / 1024
}

const mostMemory = 200 // MiB

// A large spreadsheet with bad rows: all good ones come in, every bad one is
// explained, and neither the same file again nor what is exported changes
// anything.
func TestALargeImport(t *testing.T) {
	t.Parallel() // it waits more than it works
	n, bad := pick(2_000, 10_000), pick(20, 100)
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			var env []string
			if engine == "postgres" {
				env = []string{"CITYHUB_POSTGRES_URL=" + testbed.PostgreSQL(t).URL}
			}
			h := startHub(t, t.TempDir(), env)
			file := sheetOf(t, n, bad)
			explained := filepath.Join(t.TempDir(), "failed.csv")
			h.importing(file, fmt.Sprintf("dry run, nothing changed: %d created, 0 updated, 0 unchanged, %d failed", n-bad, bad), bad, "--dry-run")
			h.importing(file, fmt.Sprintf("%d created, 0 updated, 0 unchanged, %d failed", n-bad, bad), bad, "--results", explained)
			h.importing(file, fmt.Sprintf("0 created, 0 updated, %d unchanged, %d failed", n-bad, bad), bad)
			raw, err := os.ReadFile(explained)
			if err != nil || strings.Count(string(raw), "\n") != bad+1 {
				t.Errorf("%d lines are explained, %v", strings.Count(string(raw), "\n")-1, err)
			}
			for _, format := range []string{"csv", "xlsx"} {
				out := filepath.Join(t.TempDir(), "devices."+format)
				h.mustTool("cityhub", "export", "devices", "-o", out)
				h.importing(out, fmt.Sprintf("0 created, 0 updated, %d unchanged, 0 failed", n-bad), 0)
			}
			if peak := h.peak(); peak > mostMemory {
				t.Errorf("the hub held %d MiB, more than %d", peak, mostMemory)
			} else {
				t.Logf("the hub held at most %d MiB", peak)
			}
		})
	}
}

// importing imports a file and wants a summary and a number of rows explained.
func (h *hub) importing(file, summary string, bad int, args ...string) {
	h.t.Helper()
	out, err := h.tool("cityhub", append([]string{"import", "devices", "--lang", "vi", file}, args...)...)
	if (err != nil) != (bad > 0) || !strings.Contains(out, summary) {
		h.t.Fatalf("%v\n%s\nwant: %s", err, out[:min(len(out), 2_000)], summary)
	}
	if rows := strings.Count(out, "  failed  "); rows != bad {
		h.t.Errorf("%d rows are explained, want %d:\n%s", rows, bad, out)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	h.t.Logf("%s; at most %d MiB so far", lines[len(lines)-1], h.peak())
}

// A hub that is killed in the middle of an import goes on with it by itself.
func TestAnImportOutlivesTheHub(t *testing.T) {
	n := pick(2_000, 10_000)
	h := startHub(t, t.TempDir(), nil)
	file := sheetOf(t, n, 20)
	done := make(chan string, 1)
	go func() {
		out, _ := h.tool("cityhub", "import", "devices", file) // it fails for the bad rows
		done <- out
	}()
	var list struct {
		Items []struct {
			ID, State                               string
			Total, Done, Created, Unchanged, Failed int
		}
	}
	seen := 0
	for kills := 0; kills < 2 && seen < n; kills++ {
		h.await("the import has come further", time.Minute, func() bool {
			return h.get("/imports", &list) && len(list.Items) == 1 && list.Items[0].Done > seen
		})
		seen = list.Items[0].Done
		if seen >= n && kills == 0 {
			t.Fatal("the import was done before it could be stopped once: give it more rows")
		}
		h.end(syscall.SIGKILL)
		h.start()
		h.awaitReady()
	}
	out := <-done
	if !h.get("/imports", &list) || list.Items[0].State != "done" || list.Items[0].Done != n || list.Items[0].Failed != 20 ||
		list.Items[0].Created+list.Items[0].Unchanged != n-20 {
		t.Errorf("%+v", list)
	}
	if !strings.Contains(out, "20 failed") {
		t.Errorf("%s", out)
	}
	h.importing(file, fmt.Sprintf("0 created, 0 updated, %d unchanged, 20 failed", n-20), 20)
}
