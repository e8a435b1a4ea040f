package trials

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cityhub/testbed"
)

var setUpLink = regexp.MustCompile(`http://\S+/set-up#\S+`)

// What `make run` gives, in a real browser: scripts/run on free ports, with the
// wards and stations of Hanoi and citysim; somebody comes in by the link that
// the hub prints.
func TestPagesOfRun(t *testing.T) {
	chromium := testbed.Chromium(t)
	testbed.WebPackages(t, "../web")
	if err := lookAtSources(); err != nil {
		t.Fatal(err)
	}
	address := func() string { return "127.0.0.1:" + strconv.Itoa(testbed.FreePort(t)) }
	data, hub, mqtt := t.TempDir(), address(), address()
	said := runScript(t, "BIN="+programs, "DATA="+data, "HTTP="+hub, "OPS="+address(), "MQTT="+mqtt)
	key, err := os.ReadFile(filepath.Join(data, "gateway.key"))
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap", "e2e/run.e2e.mjs")
	node.Dir = "../web"
	node.Env = append(os.Environ(), "HUB=http://"+hub, "MQTT="+mqtt, "CHROMIUM="+chromium, "PASSWORD="+pagesPassword,
		"GATEWAY="+strings.TrimSpace(string(key)), "SETUP="+setUpLink.FindString(said))
	eachPage(t, node, 8)
}

// runScript starts scripts/run, waits until it says where the map is, and gives
// what it said until then. It is ended as an operator would, and whatever it
// started with it.
func runScript(t *testing.T, env ...string) string {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "run.log"))
	if err != nil {
		t.Fatal(err)
	}
	script := exec.Command("../scripts/run")
	script.Env = append(os.Environ(), env...)
	script.Stdout, script.Stderr = log, log
	script.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- script.Wait() }()
	said := func() string {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	t.Cleanup(func() {
		_ = script.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		if err := <-ended; err != nil {
			t.Errorf("scripts/run: %v", err)
		}
		if log.Close(); t.Failed() {
			t.Log(said())
		}
	})
	for deadline := time.Now().Add(3 * time.Minute); !strings.Contains(said(), "the map of the city is on"); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("scripts/run does not say where the map is")
		}
	}
	return said()
}
