package trials

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cityhub/testbed"
)

// load is a flood's shape: 2,000 messages a second for ten seconds, or for a
// minute in the long form.
func load() (args []string, lasts time.Duration) {
	lasts = pick(10*time.Second, 60*time.Second)
	return []string{"--devices", "200", "--rate", "2000", "--duration", lasts.String(), "--drain", "60s"}, lasts
}

// strike does harm n times, spread at random over the time a load lasts.
func strike(lasts time.Duration, n int, harm func()) {
	for range n {
		pause := lasts / time.Duration(n+1)
		time.Sleep(pause/2 + rand.N(pause))
		harm()
	}
}

func TestFaultHubKilledWithItsOwnBrokerAndArchive(t *testing.T) {
	h := startHub(t, t.TempDir(), nil)
	h.registerFlood(200)
	ledger := filepath.Join(t.TempDir(), "ledger")
	args, lasts := load()
	wait := flood(t, "tcp://"+h.mqt, ledger, args...)
	strike(lasts, pick(5, 10), func() { h.kill(); h.start() })
	t.Log(lastLine(wait()))
	h.awaitReady()
	h.drained(60 * time.Second)
	h.check(ledger)
}

func TestFaultHubAndInfluxDBKilled(t *testing.T) {
	db := testbed.InfluxDB(t)
	broker := testbed.Mosquitto(t, shippedConfig(t))
	env, args := influxArgs(db)
	h := startHub(t, t.TempDir(), env, append(args, "--mqtt-url", broker.URL)...)
	h.registerFlood(200)
	ledger := filepath.Join(t.TempDir(), "ledger")
	shape, lasts := load()
	wait := flood(t, broker.URL, ledger, shape...)
	strikes := pick(3, 5)
	strike(lasts, strikes, func() {
		h.kill()
		h.start()
		db.Kill()
		db.Restart()
		if full() {
			h.kill()
			h.start()
		}
	})
	t.Log(lastLine(wait()))
	h.awaitReady()
	h.drained(120 * time.Second)
	out := h.check(ledger)
	if points, want := countPoints(t, db), number(t, out, "acked")+number(t, out, "unacked but stored"); points != want {
		t.Errorf("a Flux query counts %d points in InfluxDB; by the ledger it holds %d", points, want)
	}
}

// countPoints asks InfluxDB itself, past the hub, how many pm25 points it has.
func countPoints(t *testing.T, db *testbed.Influx) int {
	t.Helper()
	flux := fmt.Sprintf(`from(bucket:%q) |> range(start: -1d, stop: 1h) |> filter(fn: (r) => r._measurement == "observation" and r._field == "pm25") |> group() |> count()`, db.Bucket)
	request, err := http.NewRequest("POST", db.URL+"/api/v2/query?org="+db.Org, strings.NewReader(flux))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Token "+db.Token)
	request.Header.Set("Content-Type", "application/vnd.flux")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?m)^,_result,.*,(\d+)\s*$`).FindSubmatch(body)
	if match == nil {
		t.Fatalf("no count in %s", body)
	}
	n, _ := strconv.Atoi(string(match[1]))
	return n
}

// TestFaultMosquittoKilled: a broker acknowledges before it persists, so what
// was in its hands may go; but nothing else, and each one is seen as a gap.
func TestFaultMosquittoKilled(t *testing.T) {
	broker := testbed.Mosquitto(t, shippedConfig(t))
	h := startHub(t, t.TempDir(), nil, "--mqtt-url", broker.URL)
	h.registerFlood(200)
	ledger := filepath.Join(t.TempDir(), "ledger")
	shape, lasts := load()
	wait := flood(t, broker.URL, ledger, shape...)
	kills := pick(2, 5)
	strike(lasts, kills, func() { broker.Kill(); broker.Restart() })
	t.Log(lastLine(wait()))
	s := h.drained(60 * time.Second)
	out, err := h.tool("citysim", "check", "--ledger", ledger, "--wait", "5s")
	lost, doubled := number(t, out, "lost"), number(t, out, "visible duplicates")
	t.Logf("lost at the broker %d, missing in seq %d; check: %v\n%s", lost, s.Sequence.Missing, err, out)
	if doubled != 0 {
		t.Errorf("%d readings are visible twice", doubled)
	}
	if int64(lost) > s.Sequence.Missing {
		t.Errorf("%d readings are lost, but only %d show as gaps in seq", lost, s.Sequence.Missing)
	}
	const window = 1000 // max_inflight_messages of the shipped settings
	if lost > kills*window {
		t.Errorf("%d readings are lost over %d kills; the broker had at most %d in flight at each", lost, kills, window)
	}
}

func TestFaultInfluxDBAwayForTheWholeIntake(t *testing.T) {
	db := testbed.InfluxDB(t)
	broker := testbed.Mosquitto(t, shippedConfig(t))
	env, args := influxArgs(db)
	h := startHub(t, t.TempDir(), env, append(args, "--mqtt-url", broker.URL)...)
	h.registerFlood(200)
	warm := filepath.Join(t.TempDir(), "warm")
	flood(t, broker.URL, warm, "--devices", "200", "--count", "5000", "--rate", "0")()
	h.drained(60 * time.Second)
	before := h.memory()
	db.Kill()

	count := pick(40_000, 200_000)
	ledger := filepath.Join(t.TempDir(), "ledger")
	flood(t, broker.URL, ledger, "--devices", "200", "--count", strconv.Itoa(count), "--rate", "0", "--drain", "60s")()
	h.await("every message is acknowledged", 60*time.Second, func() bool { return h.status().Counters.Accepted >= int64(count+5000) })
	var latest struct {
		Features []struct {
			Properties struct{ Received time.Time }
		}
	}
	if !h.get("/latest?property=pm25", &latest) || len(latest.Features) != 200 {
		t.Fatalf("%d stations have a latest value while InfluxDB is away; want 200", len(latest.Features))
	}
	for _, f := range latest.Features {
		if age := time.Since(f.Properties.Received); age > 2*time.Minute {
			t.Errorf("a latest value is %s old while InfluxDB is away", age)
		}
	}
	grown := h.memory() - before
	t.Logf("memory grew by %.1f MiB over %d messages", float64(grown)/(1<<20), count)
	if grown > 64<<20 {
		t.Errorf("memory grew by %d MiB; at most 64", grown>>20)
	}
	db.Restart()
	h.drained(120 * time.Second)
	h.check(ledger)
}

func TestStopIsCleanUnderLoad(t *testing.T) {
	h := startHub(t, t.TempDir(), nil)
	h.registerFlood(50)
	ledger := filepath.Join(t.TempDir(), "ledger")
	wait := flood(t, "tcp://"+h.mqt, ledger, "--devices", "50", "--rate", "2000", "--duration", "5s", "--drain", "60s")
	time.Sleep(2 * time.Second)
	if took := h.terminate(); took > 10*time.Second {
		t.Errorf("SIGTERM took %s; at most 10 s", took)
	}
	h.start()
	wait()
	h.drained(60 * time.Second)
	h.check(ledger)
}

// TestASecondSignalEndsAtOnce: whoever presses Ctrl-C again does not want to wait
// for a request that does not end.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	h := startHub(t, t.TempDir(), nil)
	conn, err := net.Dial("tcp", h.http)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v1/ingest HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n[", h.key)
	if err := h.process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	h.await("it stops", 5*time.Second, func() bool {
		said, err := os.ReadFile(h.log)
		return err == nil && strings.Contains(string(said), "msg=stopping")
	})
	select {
	case <-h.ended:
		t.Fatal("it did not wait for the request, so this shows nothing")
	default:
	}
	h.end(os.Interrupt.(syscall.Signal))
	if state := h.process.ProcessState.Sys().(syscall.WaitStatus); !state.Signaled() {
		t.Errorf("it ended by itself (%v), not at the second signal", h.process.ProcessState)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// number reads a count from citysim's report.
func number(t *testing.T, report, name string) int {
	t.Helper()
	match := regexp.MustCompile(`(?m)^` + name + `\s+(\d+)`).FindStringSubmatch(report)
	if match == nil {
		t.Fatalf("no %q in the report:\n%s", name, report)
	}
	n, err := strconv.Atoi(match[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
