//go:build peers

package trials

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"cityhub/testbed"
)

const floodDevices = 1000

// consumer takes messages from a broker to a database. It is made stopped,
// with its session at the broker.
type consumer interface {
	start()
	stop()
	pid() int
	// settled fails the test unless it took exactly so many messages.
	settled(n int)
}

type makeConsumer func(t *testing.T, broker string, db *testbed.Influx) consumer

// drained is one measured run.
type drained struct {
	messages         int
	took, cpu, store time.Duration
	others           float64
}

func (d drained) perMessage(cpu time.Duration) float64 {
	return float64(cpu.Microseconds()) / float64(d.messages)
}

// drain publishes messages while the consumer is away, starts it, and measures
// from then until InfluxDB counts them all. Each run has a broker and a
// database of its own, so nobody pays for what another left behind.
func drain(t *testing.T, name string, consumer makeConsumer, n int) (d drained) {
	ok := t.Run(name, func(t *testing.T) {
		db := testbed.InfluxDB(t)
		broker := testbed.Mosquitto(t, shippedConfig(t))
		c := consumer(t, broker.URL, db)
		before := points(t, db)
		ledger := filepath.Join(t.TempDir(), "ledger")
		flood(t, broker.URL, ledger, "--devices", strconv.Itoa(floodDevices), "--count", strconv.Itoa(n), "--rate", "0", "--drain", "120s")()
		awaitQuiet(t)
		taken := writes(t, db)
		store, begin := cpuOf(t, db.PID()), time.Now()
		c.start()
		w := newWatch(t)
		// A query counts every value anew, and would take the same time from
		// who was quick and who was slow: InfluxDB's own counter says when all
		// is written, and the query then whether that is so.
		for written, all := 0, false; !all; {
			if time.Since(begin) > 10*time.Minute {
				t.Fatalf("InfluxDB has %d points after 10 minutes; want %d", points(t, db), before+n)
			}
			time.Sleep(untilAsked(time.Since(begin), written, n))
			if written = writes(t, db) - taken; written < n {
				continue
			}
			d = drained{messages: n, took: time.Since(begin), cpu: cpuOf(t, c.pid()), store: cpuOf(t, db.PID()) - store, others: w.others()}
			all = points(t, db) >= before+n
		}
		c.settled(n)
		c.stop()
		t.Logf("%d messages in %.1f s: %.0f/s; CPU %.1f µs/message, influxd %.1f µs/message; others took %.0f %% of the machine", n, d.took.Seconds(),
			float64(n)/d.took.Seconds(), d.perMessage(d.cpu), d.perMessage(d.store), 100*d.others)
	})
	if !ok || d.messages == 0 { // or skipped, for a part is missing
		t.FailNow()
	}
	return d
}

// untilAsked is how long InfluxDB is left alone: an answer with all its metrics
// costs milliseconds of the machine, so it is asked rarely as long as the end,
// at the pace so far, is far off. A fifth of the way there, for the last part
// may go quicker.
func untilAsked(elapsed time.Duration, written, n int) time.Duration {
	if written == 0 {
		return 100 * time.Millisecond
	}
	left := time.Duration(float64(elapsed) * float64(n-written) / float64(written))
	return min(max(left/5, 20*time.Millisecond), 200*time.Millisecond)
}

var written = regexp.MustCompile(`(?m)^storage_writer_ok_points_sum\S* (\S+)$`)

// writes asks InfluxDB how many points of any kind it took since its start.
func writes(t testing.TB, db *testbed.Influx) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, db.URL+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "identity") // nobody is to pay for packing it
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	match := written.FindSubmatch(body)
	if match == nil {
		t.Fatal("InfluxDB's metrics lack storage_writer_ok_points_sum")
	}
	n, err := strconv.ParseFloat(string(match[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// points asks InfluxDB how many pm25 points it has.
func points(t testing.TB, db *testbed.Influx) int {
	t.Helper()
	body := flux(t, db, fmt.Sprintf(`from(bucket:%q) |> range(start: -1h) |> filter(fn: (r) => r._measurement == "observation" and r._field == "pm25") |> count() |> group() |> sum()`, db.Bucket))
	match := regexp.MustCompile(`(?m)^,_result,.*,(\d+)\s*$`).FindStringSubmatch(body)
	if match == nil {
		return 0
	}
	n, err := strconv.Atoi(match[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// flux answers a query's CSV; "" after an error, which fails the test.
func flux(t testing.TB, db *testbed.Influx, query string) string {
	t.Helper()
	request, err := http.NewRequest("POST", db.URL+"/api/v2/query?org="+db.Org, strings.NewReader(query))
	if err != nil {
		t.Error(err)
		return ""
	}
	request.Header.Set("Authorization", "Token "+db.Token)
	request.Header.Set("Content-Type", "application/vnd.flux")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("flux: %s %v %s", answer.Status, err, body)
		return ""
	}
	return string(body)
}

// hubConsumer is the hub with the flood's devices registered.
type hubConsumer struct{ *hub }

func newHubConsumer(t *testing.T, broker string, db *testbed.Influx) consumer {
	env, args := influxArgs(db)
	h := startHub(t, t.TempDir(), env, append(args, "--mqtt-url", broker)...)
	h.registerFlood(floodDevices)
	h.terminate()
	return hubConsumer{h}
}

func (c hubConsumer) stop()    { c.terminate() }
func (c hubConsumer) pid() int { return c.process.Process.Pid }

func (c hubConsumer) settled(n int) {
	if s := c.drained(30 * time.Second); s.Counters.Accepted != int64(n) || s.Counters.Stored != int64(n) {
		c.t.Errorf("the hub accepted %d and stored %d of %d messages", s.Counters.Accepted, s.Counters.Stored, n)
	}
}
