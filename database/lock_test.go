package database

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cityhub/devices"
)

const holdEnv = "CITYHUB_TEST_HOLD"

// TestHold is the other process of TestAFolderIsForOneHub.
func TestHold(t *testing.T) {
	dir := os.Getenv(holdEnv)
	if dir == "" {
		return // nothing to test by itself
	}
	release, err := LockDir(dir)
	must(t, err)
	defer release()
	d, err := Open(t.Context(), Options{SQLitePath: filepath.Join(dir, "hub.db")})
	must(t, err)
	defer shut(t, d)
	put(t.Context(), t, d.Store().Tables().Things, devices.Thing{Code: "kept"})
	_, _ = os.Stdout.WriteString("held\n")
	_, _ = os.Stdin.Read(make([]byte, 1)) // until killed
}

// The other process is killed, so what it had kept and locked is tested too.
func TestAFolderIsForOneHub(t *testing.T) {
	dir := t.TempDir()
	other := exec.Command(os.Args[0], "-test.run=^TestHold$")
	other.Env = append(os.Environ(), holdEnv+"="+dir)
	stdin, err := other.StdinPipe()
	must(t, err)
	defer stdin.Close()
	stdout, err := other.StdoutPipe()
	must(t, err)
	must(t, other.Start())
	said := make([]byte, 5)
	if _, err := stdout.Read(said); err != nil || string(said) != "held\n" {
		t.Fatalf("the other process said %q, %v", said, err)
	}
	options := Options{SQLitePath: filepath.Join(dir, "hub.db")}
	for what, err := range map[string]error{"folder": second(LockDir(dir)), "file": second(Open(t.Context(), options))} {
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "a hub is running on this folder") {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, other.Process.Kill())
	_ = other.Wait() // killed, as we know
	release, err := LockDir(dir)
	must(t, err)
	must(t, release())
	count(t.Context(), t, open(t, options), 1)
}

func TestAHoldIsTakenAnew(t *testing.T) {
	onBothEngines(t, func(t *testing.T, options Options) {
		if options.PostgresURL == "" {
			return
		}
		d := open(t, options)
		holders := func() (n int) {
			must(t, d.write.QueryRow("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted").Scan(&n))
			return n
		}
		_, err := d.write.Exec("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'")
		must(t, err)
		for deadline := time.Now().Add(3 * holdCheck); holders() != 1; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("nobody holds the store any more")
			}
		}
		must(t, d.Ping(t.Context()))
	})
}

func TestAPostgreSQLIsForOneHub(t *testing.T) {
	onBothEngines(t, func(t *testing.T, options Options) {
		if options.PostgresURL == "" {
			return // TestAFolderIsForOneHub
		}
		ctx := t.Context()
		first, err := Open(ctx, options)
		must(t, err)
		err = second(Open(ctx, options))
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("a hub is running on this PostgreSQL (cityhub, process %d on ", os.Getpid())) {
			t.Fatalf("the second: %v", err)
		}
		// With the connection goes the hold, as when the server starts anew.
		var other *Database
		for other == nil {
			_, err := first.write.ExecContext(ctx, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
			must(t, err)
			if other, err = Open(ctx, options); err != nil && !errors.Is(err, ErrInUse) {
				t.Fatal(err)
			}
		}
		for deadline := time.Now().Add(3 * holdCheck); first.Ping(ctx) == nil; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the first does not see that another has its store")
			}
		}
		if err := first.Store().Atomically(ctx, func(devices.Tables) error { return nil }); !errors.Is(err, ErrInUse) {
			t.Errorf("the first writes beside the other: %v", err)
		}
		must(t, other.Ping(ctx))
		shut(t, other)
		shut(t, first)
	})
}
