package database

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
