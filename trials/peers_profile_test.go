//go:build peers

package trials

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"cityhub/testbed"
)

// TestPeersProfile drains the backlog with the hub alone and leaves its
// profiles in the folder that CITYHUB_PROFILE names.
func TestPeersProfile(t *testing.T) {
	dir := os.Getenv("CITYHUB_PROFILE")
	if dir == "" {
		t.Log("CITYHUB_PROFILE names no folder: nothing is profiled")
		return
	}
	drain(t, "hub", func(t *testing.T, broker string, db *testbed.Influx) consumer {
		return profiled{newHubConsumer(t, broker, db).(hubConsumer), dir, make(chan error, 1)}
	}, backlog)
}

// profiled is a hub of which the first 20 seconds are profiled.
type profiled struct {
	hubConsumer
	dir  string
	done chan error
}

func (p profiled) start() {
	p.hubConsumer.start()
	go func() { p.done <- p.profile() }()
}

func (p profiled) profile() error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := p.save("profile?seconds=20", "cpu.pprof")
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Now().After(deadline) {
			return err // refused: it does not listen yet
		}
	}
}

// save keeps what the operations listener says of itself.
func (p profiled) save(what, file string) error {
	answer, err := http.Get("http://" + p.ops + "/debug/pprof/" + what)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.dir, file), raw, 0o600)
}

func (p profiled) settled(n int) {
	if err := errors.Join(<-p.done, p.save("allocs", "allocs.pprof")); err != nil {
		p.t.Error("profile:", err)
	}
	p.hubConsumer.settled(n)
}
