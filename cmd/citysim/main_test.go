package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cityhub/cmd/citysim/ledger"
)

// build gives the path of the program as it is shipped.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "citysim")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func TestNothingOfTheHubIsImported(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(string(out)) {
		if strings.HasPrefix(name, "cityhub/") && !strings.HasPrefix(name, "cityhub/cmd/citysim") {
			t.Errorf("imports %s: what proves the hub must share no code with it", name)
		}
	}
}

func TestProgram(t *testing.T) {
	program := build(t)
	t.Run("check fails aloud", func(t *testing.T) { checkFailsAloud(t, program) })
	t.Run("stations for the flood", func(t *testing.T) { stationsForTheFlood(t, program) })
}

// checkFailsAloud lets the program ask a hub that knows nothing.
func checkFailsAloud(t *testing.T, program string) {
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"items":[],"spool":{"readings":0}}`))
	}))
	defer hub.Close()
	path := filepath.Join(t.TempDir(), "ledger")
	book, _, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(book.Append(ledger.Record{Device: 7, Seq: 42, Time: 1_780_000_000_000_000_000, State: ledger.Acked}), book.Close())
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "check", "--ledger", path, "--hub", hub.URL, "--wait", "0s").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("ended with %v, want exit code 1", err)
	}
	for _, want := range []string{"lost                  1\n", "lost: flood-000007 seq 42 at 2026-05-28T20:26:40Z, pm25 4.2"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}

func stationsForTheFlood(t *testing.T, program string) {
	out, err := exec.Command(program, "stations", "--flood", "2").Output()
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(rows) != 3 || !strings.HasPrefix(rows[2], "flood-000002,FL00000002,,air-station,st-flood-000002,") {
		t.Errorf("%q", rows)
	}
}
