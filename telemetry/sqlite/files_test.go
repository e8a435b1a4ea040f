package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cityhub/telemetry"
)

const week0 = "2026-11-23T00:00:00Z" // a Monday

func reading(group, at int64, v float64) telemetry.Line {
	return telemetry.Line{Group: group, Time: at, Fields: []telemetry.Field{{Property: "v", Value: telemetry.NumberOf(v)}}}
}

func mustWrite(t *testing.T, a *Archive, bucket telemetry.Bucket, lines ...telemetry.Line) {
	t.Helper()
	if err := a.Write(t.Context(), bucket, lines); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, a *Archive) int {
	t.Helper()
	n := 0
	if err := a.Read(t.Context(), telemetry.Query{From: minTime, To: 1<<63 - 1}, func(*telemetry.Line) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".db") {
			found = append(found, e.Name())
		}
	}
	return found
}

func TestExpireDropsWholeFiles(t *testing.T) {
	dir, now := t.TempDir(), at("2026-12-09T12:00:00Z")
	a := open(t, Options{Dir: dir, Now: func() time.Time { return time.Unix(0, now) },
		Retention: [3]time.Duration{9 * 24 * time.Hour, 30 * 24 * time.Hour}})
	mustWrite(t, a, telemetry.Raw, reading(1, at("2026-11-22T23:59:59Z"), 1), reading(1, at("2026-11-29T23:59:59Z"), 2), reading(1, at("2026-11-30T00:00:00Z"), 3))
	mustWrite(t, a, telemetry.Hourly, reading(1, at("2026-10-31T23:00:00Z"), 1), reading(1, at("2026-11-01T00:00:00Z"), 1))
	mustWrite(t, a, telemetry.Daily, reading(1, at("2001-01-01T00:00:00Z"), 1))
	removed, err := a.Expire(t.Context())
	want := []string{"daily-2001-01-01.db", "hourly-2026-11-01.db", "raw-2026-11-30.db"}
	if got := names(t, dir); err != nil || removed != 3 || !slices.Equal(got, want) {
		t.Fatalf("removed %d, %v; left %v, want %v", removed, err, got, want)
	}
	if removed, err = a.Expire(t.Context()); err != nil || removed != 0 {
		t.Fatalf("again: %d, %v", removed, err)
	}
	if n := count(t, a); n != 1 {
		t.Fatalf("%d lines left, want 1", n)
	}
	// A file in use stays, and goes the next time.
	now = at("2027-01-09T12:00:00Z")
	err = a.Read(t.Context(), telemetry.Query{From: 0, To: now}, func(*telemetry.Line) error {
		if removed, err = a.Expire(t.Context()); err != nil || removed != 1 {
			t.Errorf("while reading: removed %d, %v; want only the hourly file to go", removed, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if removed, err = a.Expire(t.Context()); err != nil || removed != 1 {
		t.Fatalf("after reading: removed %d, %v", removed, err)
	}
}

func TestOpenFilesAreBounded(t *testing.T) {
	a := open(t, Options{MaxOpen: 2})
	first := at(week0)
	for round := range 2 {
		for w := range int64(10) {
			mustWrite(t, a, telemetry.Raw, reading(1, first-w*7*dayNanos+int64(round), float64(w)))
			if n := len(a.files.open); n > 2 {
				t.Fatalf("%d files open", n)
			}
		}
	}
	if n := count(t, a); n != 20 {
		t.Fatalf("%d lines, want 20", n)
	}
	if n := len(a.files.open); n > 2 {
		t.Fatalf("%d files open after a read of all", n)
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	a, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, a, telemetry.Raw, reading(1, at(week0), 1))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Write(t.Context(), telemetry.Raw, []telemetry.Line{reading(1, 1, 1)}); !errors.Is(err, errClosed) {
		t.Fatalf("write after close: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*-wal")); err != nil || len(left) > 0 {
		t.Fatalf("close leaves %v, %v", left, err)
	}
	if n := count(t, open(t, Options{Dir: dir})); n != 1 {
		t.Fatalf("%d lines, want 1", n)
	}
}

// wantMendable wants a retryable error that names the file and says text.
func wantMendable(t *testing.T, err error, texts ...string) {
	t.Helper()
	var failure *telemetry.ArchiveError
	if !errors.As(err, &failure) || !failure.Retryable {
		t.Fatalf("got %v, want a retryable error", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v\ndoes not say %q", err, text)
		}
	}
}

func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "raw-2026-11-23.db"), []byte(strings.Repeat("no database at all. ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	a := open(t, Options{Dir: dir})
	inside, before := reading(1, at(week0), 1), reading(1, at(week0)-1, 2)
	wantMendable(t, a.Write(t.Context(), telemetry.Raw, []telemetry.Line{inside}), "raw-2026-11-23.db", "the file is damaged: move it")
	mustWrite(t, a, telemetry.Raw, before) // other weeks go on
	none := func(*telemetry.Line) error { return nil }
	wantMendable(t, a.Read(t.Context(), telemetry.Query{From: before.Time, To: inside.Time + 1}, none), "the file is damaged")
	if err := a.Read(t.Context(), telemetry.Query{From: before.Time, To: inside.Time}, none); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "raw-2026-11-23.db")); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, a, telemetry.Raw, inside) // mended without a restart
}

func TestDamagedPages(t *testing.T) {
	dir := t.TempDir()
	a, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var lines []telemetry.Line
	for i := range int64(5000) {
		lines = append(lines, reading(1, at(week0)+i, float64(i)+0.5))
	}
	mustWrite(t, a, telemetry.Raw, lines...)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "raw-2026-11-23.db")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) / 2; i < len(data)/2+8192; i++ {
		data[i] = 0xA5
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	err = open(t, Options{Dir: dir}).Read(t.Context(), telemetry.Query{From: 0, To: 1<<63 - 1}, func(*telemetry.Line) error { return nil })
	wantMendable(t, err, "raw-2026-11-23.db", "damaged")
}

func TestNewerFormat(t *testing.T) {
	a := open(t, Options{})
	mustWrite(t, a, telemetry.Raw, reading(1, at(week0), 1))
	f, err := a.files.acquire(periodOf(telemetry.Raw, at(week0)), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.writer.Exec("PRAGMA user_version = 9"); err != nil {
		t.Fatal(err)
	}
	a.files.release(f)
	newer := open(t, Options{Dir: a.opts.Dir})
	wantMendable(t, newer.Write(t.Context(), telemetry.Raw, []telemetry.Line{reading(1, at(week0), 2)}), "newer program")
}

func TestLockedFile(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, Options{Dir: dir}), open(t, Options{Dir: dir})
	mustWrite(t, a, telemetry.Raw, reading(1, at(week0), 1))
	f, err := a.files.acquire(periodOf(telemetry.Raw, at(week0)), false)
	if err != nil {
		t.Fatal(err)
	}
	defer a.files.release(f)
	tx, err := f.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantMendable(t, b.Write(t.Context(), telemetry.Raw, []telemetry.Line{reading(1, at(week0), 2)}), "another process holds the file")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, b, telemetry.Raw, reading(1, at(week0), 2))
}

// TestKilledWriter kills, by SIGKILL, a process that writes and says what was
// acknowledged; all of that must be found, and the archive must go on.
func TestKilledWriter(t *testing.T) {
	if dir := os.Getenv("CITYHUB_TEST_ARCHIVE"); dir != "" {
		writeForEver(dir)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilledWriter$")
	cmd.Env = append(os.Environ(), "CITYHUB_TEST_ARCHIVE="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, err := strconv.Atoi(lines.Text()); err == nil {
			acknowledged = n
		}
		if acknowledged == 30 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || acknowledged < 30 {
		t.Fatalf("the writer ended by itself (%v) after %d batches", err, acknowledged)
	}
	a := open(t, Options{Dir: dir})
	if n := count(t, a); n < acknowledged*100 {
		t.Fatalf("%d lines found of %d acknowledged", n, acknowledged*100)
	}
	mustWrite(t, a, telemetry.Raw, reading(1, at(week0), 1))
}

// writeForEver writes batches over three files and tells each once acknowledged.
func writeForEver(dir string) {
	a, err := Open(context.Background(), Options{Dir: dir})
	for n := int64(0); err == nil; n++ {
		var lines []telemetry.Line
		for i := range int64(100) {
			lines = append(lines, reading(i, at(week0)+n+(i%3)*7*dayNanos, 1))
		}
		if err = a.Write(context.Background(), telemetry.Raw, lines); err == nil {
			fmt.Println(n + 1)
		}
	}
	fmt.Println(err)
	os.Exit(0)
}
