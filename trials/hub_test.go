package trials

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cityhub/testbed"
)

// programs is the folder with the built programs; TestMain fills it.
var programs string

func TestMain(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cityhub-trials-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir, "./cmd/...")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	programs = dir
	return m.Run()
}

// lookAtSources reads the folders that the programs are built of, so that the go
// command knows that a changed one makes an earlier result of these tests void:
// it sees what a test itself opens (and what TestMain opens not), but not what a program opens that the test runs.
func lookAtSources() error {
	return filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != ".." && (name == "node_modules" || name == "bin" || name == "data" || name[0] == '.'):
			return fs.SkipDir
		}
		return nil
	})
}

// full says that the long form of the fault tests is wanted.
func full() bool { return os.Getenv("CITYHUB_NEMESIS") == "1" }

// pick gives the short or the long figure.
func pick[T any](quick, long T) T {
	if full() {
		return long
	}
	return quick
}

// hub is a running cityhub.
type hub struct {
	t              testing.TB
	args           []string
	env            []string
	data           string
	http, ops, mqt string // addresses
	mu             sync.Mutex
	process        *exec.Cmd
	ended          chan struct{}
	log            string
	key            string // of a city administrator
}

// startHub starts a hub on free ports, with the quotas that it has by itself;
// args add to its own.
func startHub(t testing.TB, data string, env []string, args ...string) *hub {
	t.Helper()
	if err := lookAtSources(); err != nil {
		t.Fatal(err)
	}
	address := func() string { return "127.0.0.1:" + strconv.Itoa(testbed.FreePort(t)) }
	h := &hub{t: t, data: data, http: address(), ops: address(), mqt: address(), env: env,
		log: filepath.Join(t.TempDir(), "hub.log")}
	h.args = append([]string{"serve", "--data", data, "--rate-keys", "0", "--http", h.http, "--ops", h.ops, "--mqtt-listen", h.mqt,
		"--mqtt-anonymous"}, args...)
	t.Cleanup(func() {
		h.kill()
		if t.Failed() {
			h.showLog()
		}
	})
	h.addKey()
	h.start()
	h.awaitReady()
	return h
}

// addKey makes the key in the store of the hub, which does not run yet.
func (h *hub) addKey() {
	h.t.Helper()
	var errs bytes.Buffer
	c := exec.Command(filepath.Join(programs, "cityhub"), "keys", "add", "--data", h.data, "--role", "city-admin", "--name", "trials")
	c.Env, c.Stderr = append(os.Environ(), h.env...), &errs
	out, err := c.Output()
	if err != nil {
		h.t.Fatalf("keys add: %v\n%s", err, errs.String())
	}
	h.key = strings.TrimSpace(string(out))
}

// ask sends a request to the API.
func (h *hub) ask(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+h.http+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Authorization", "Bearer "+h.key)
	return http.DefaultClient.Do(request)
}

// tool runs cityhub or citysim against the hub, to its end.
func (h *hub) tool(program string, args ...string) (string, error) {
	h.t.Helper()
	return tool(h.t, program, append(args, "--hub", "http://"+h.http, "--key", h.key)...)
}

func (h *hub) mustTool(program string, args ...string) string {
	h.t.Helper()
	return mustTool(h.t, program, append(args, "--hub", "http://"+h.http, "--key", h.key)...)
}

func (h *hub) showLog() {
	raw, err := os.ReadFile(h.log)
	if err != nil {
		h.t.Log(err)
		return
	}
	lines := strings.Split(string(raw), "\n")
	h.t.Logf("the hub's log ends:\n%s", strings.Join(lines[max(0, len(lines)-25):], "\n"))
}

func (h *hub) start() {
	h.t.Helper()
	log, err := os.OpenFile(h.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	process := exec.Command(filepath.Join(programs, "cityhub"), h.args...)
	process.Env = append(os.Environ(), h.env...)
	process.Stdout, process.Stderr = log, log
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := process.Start(); err != nil {
		h.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = process.Wait() // killed on purpose more often than not
		log.Close()
		close(ended)
	}()
	h.mu.Lock()
	h.process, h.ended = process, ended
	h.mu.Unlock()
}

// kill ends the hub as a crash would.
func (h *hub) kill() { h.end(syscall.SIGKILL) }

// terminate ends the hub as an operator would, and answers how long it took.
func (h *hub) terminate() time.Duration {
	start := time.Now()
	h.end(syscall.SIGTERM)
	return time.Since(start)
}

func (h *hub) end(signal syscall.Signal) {
	h.mu.Lock()
	process, ended := h.process, h.ended
	h.mu.Unlock()
	_ = process.Process.Signal(signal) // it may have ended by itself
	<-ended
}

func (h *hub) awaitReady() {
	h.t.Helper()
	h.await("the hub is ready", 30*time.Second, func() bool {
		answer, err := http.Get("http://" + h.ops + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// await polls until a condition holds.
func (h *hub) await(what string, within time.Duration, holds func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(within); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.showLog()
			h.t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// get reads a JSON answer of the API; false where there is none.
func (h *hub) get(path string, into any) bool {
	answer, err := h.ask(context.Background(), http.MethodGet, path, nil)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK && json.NewDecoder(answer.Body).Decode(into) == nil
}

// totals are the counters that must add up.
type totals struct {
	Archive  struct{ Up bool }
	Spool    struct{ Readings int64 }
	Sequence struct{ Gaps, Missing int64 }
	Intake   struct{ Failing string }
	Broker   struct{ SessionLost int64 }
	Counters struct {
		Received, Rejected                   map[string]int64
		Accepted, Stored, Queued, Duplicates int64
		Quarantined, QuarantinedLate         map[string]int64
		Dropped                              map[string]int64
		Balanced                             struct{ Received, Accepted bool }
	}
}

func (h *hub) status() totals {
	h.t.Helper()
	var s totals
	if !h.get("/status", &s) {
		h.t.Fatal("the hub does not answer /status")
	}
	return s
}

// drained waits until all is archived and the equations hold.
func (h *hub) drained(within time.Duration) totals {
	h.t.Helper()
	var s totals
	h.await("the spool is empty and the counters add up", within, func() bool {
		return h.get("/status", &s) && s.Spool.Readings == 0 && s.Counters.Balanced.Received && s.Counters.Balanced.Accepted
	})
	return s
}

// memory is the hub's resident set in bytes.
func (h *hub) memory() int64 {
	h.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", h.process.Process.Pid))
	if err != nil {
		h.t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(raw))[1], 10, 64)
	if err != nil {
		h.t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// tool runs cityhub or citysim to its end and gives what it printed.
func tool(t testing.TB, program string, args ...string) (output string, err error) {
	t.Helper()
	var out bytes.Buffer
	c := exec.Command(filepath.Join(programs, program), args...)
	c.Stdout, c.Stderr = &out, &out
	err = c.Run()
	return out.String(), err
}

func mustTool(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := tool(t, program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

// registerFlood registers the devices that citysim flood publishes for.
func (h *hub) registerFlood(n int) {
	h.t.Helper()
	file := filepath.Join(h.t.TempDir(), "flood.csv")
	if err := os.WriteFile(file, []byte(mustTool(h.t, "citysim", "stations", "--flood", strconv.Itoa(n))), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.mustTool("cityhub", "import", "devices", file)
}

// flood publishes in the background and answers the function that waits for
// its end.
func flood(t testing.TB, broker, ledger string, args ...string) (wait func() string) {
	t.Helper()
	type end struct {
		out string
		err error
	}
	done := make(chan end, 1)
	go func() {
		out, err := tool(t, "citysim", append([]string{"flood", "--broker", broker, "--ledger", ledger}, args...)...)
		done <- end{out, err}
	}()
	return func() string {
		t.Helper()
		e := <-done
		if e.err != nil {
			t.Fatalf("flood: %v\n%s", e.err, e.out)
		}
		return e.out
	}
}

// check proves that every reading of the ledger is readable exactly once, or
// in quarantine.
func (h *hub) check(ledger string) string {
	h.t.Helper()
	out := h.mustTool("citysim", "check", "--ledger", ledger, "--wait", "60s")
	h.t.Log("\n" + out)
	return out
}

// influxArgs point a hub at a real InfluxDB.
func influxArgs(db *testbed.Influx) (env, args []string) {
	return []string{"CITYHUB_INFLUX_TOKEN=" + db.Token},
		[]string{"--influx-url", db.URL, "--influx-org", db.Org, "--influx-bucket", db.Bucket}
}
