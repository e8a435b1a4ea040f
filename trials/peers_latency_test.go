//go:build peers

package trials

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cityhub/testbed"
	"cityhub/testbed/race"
)

const (
	paceRate = 5000
	paceTime = 20 * time.Second
	warmUp   = 3 * time.Second // of the load, not measured
	prober   = "flood-001001"  // registered, and not one of the flood's
)

// TestPeersLatency is A4 alone; where CITYHUB_PROFILE names a folder it leaves
// the hub's profile under load, with a live stream open, there:
// `go test -tags peers -run '^TestPeersLatency$' -v ./trials`.
func TestPeersLatency(t *testing.T) {
	r := &race.Report{}
	runLatency(t, r)
	r.End(t, "A4")
}

// runLatency is A4: 5,000 messages a second through Mosquitto into InfluxDB,
// from the time that a sensor stamps until a page, or a query, has the value.
// All clocks are one machine's.
func runLatency(t *testing.T, r *race.Report) {
	var live, archive []float64 // milliseconds
	var others float64
	ok := t.Run("paced 5000 a second", func(t *testing.T) {
		db := testbed.InfluxDB(t)
		broker := testbed.Mosquitto(t, shippedConfig(t))
		env, args := influxArgs(db)
		h := startHub(t, t.TempDir(), env, append(args, "--mqtt-url", broker.URL)...)
		h.registerFlood(floodDevices + 1)
		ledger := filepath.Join(t.TempDir(), "ledger")
		awaitQuiet(t)
		w := newWatch(t)
		cpu := cpuOf(t, h.process.Process.Pid)
		wait := flood(t, broker.URL, ledger, "--devices", strconv.Itoa(floodDevices), "--rate", strconv.Itoa(paceRate), "--duration", paceTime.String())
		ctx, stop := context.WithTimeout(t.Context(), paceTime)
		defer stop()
		from := time.Now().Add(warmUp)
		var watchers sync.WaitGroup
		if dir := os.Getenv("CITYHUB_PROFILE"); dir != "" {
			hub := profiled{hubConsumer: hubConsumer{hub: h}, dir: dir}
			watchers.Go(func() {
				if err := hub.save("profile?seconds=12", "cpu.pprof"); err != nil {
					t.Error("profile:", err)
				}
			})
		}
		watchers.Go(func() { live = h.watchLive(ctx, from) })
		watchers.Go(func() { archive = h.probeArchive(ctx, broker.URL, db, from) })
		watchers.Wait()
		t.Log(lastLine(wait()))
		others = w.others()
		cpu = cpuOf(t, h.process.Process.Pid) - cpu
		s := h.drained(30 * time.Second)
		t.Logf("hub's CPU %.1f µs/message with a live stream open", float64(cpu.Microseconds())/float64(s.Counters.Accepted))
		h.check(ledger)
	})
	if !ok {
		t.FailNow()
	}
	for _, m := range []struct {
		what string
		all  []float64
		most float64
	}{{"live stream", live, 100}, {"queryable", archive, 500}} {
		r.Note("A4 %s: %d samples, p50 %.0f, p90 %.0f, p99 %.0f, most %.0f ms", m.what, len(m.all),
			quantile(m.all, 0.5), quantile(m.all, 0.9), quantile(m.all, 0.99), quantile(m.all, 1))
		r.Add(race.Row{What: "A4 5,000/s, sensor → " + m.what + ", p50 ms", Hub: quantile(m.all, 0.5), Others: others})
		p99 := quantile(m.all, 0.99)
		r.Add(race.Row{What: "A4 5,000/s, sensor → " + m.what + ", p99 ms", Hub: p99, Others: others,
			Goal: fmt.Sprintf("≤ %.0f", m.most), Met: len(m.all) > 200 && p99 <= m.most})
	}
}

// watchLive reads the live stream of a property and answers, of every value
// measured later than from, how old it was when its frame had arrived.
func (h *hub) watchLive(ctx context.Context, from time.Time) (ages []float64) {
	answer, err := h.ask(ctx, http.MethodGet, "/live?property=pm25", nil)
	if err != nil {
		h.t.Error("live stream:", err)
		return nil
	}
	defer answer.Body.Close()
	lines, event := bufio.NewReaderSize(answer.Body, 1<<20), ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			if ctx.Err() == nil {
				h.t.Error("the live stream ended:", err)
			}
			return ages
		}
		now := time.Now()
		if kind, is := strings.CutPrefix(line, "event: "); is {
			event = strings.TrimSpace(kind)
		}
		if data, is := strings.CutPrefix(line, "data: "); is && event == "delta" {
			ages = append(ages, h.agesOf(data, now, from)...)
		}
	}
}

// agesOf reads a frame.
func (h *hub) agesOf(frame string, now, from time.Time) (ages []float64) {
	var collection struct {
		Features []struct{ Properties struct{ Time time.Time } }
	}
	if err := json.Unmarshal([]byte(frame), &collection); err != nil {
		h.t.Error("frame:", err)
	}
	for _, f := range collection.Features {
		if f.Properties.Time.After(from) {
			ages = append(ages, milliseconds(now.Sub(f.Properties.Time)))
		}
	}
	return ages
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// probes are readings of the prober that no query has found yet, in order.
type probes struct {
	mu   sync.Mutex
	open []time.Time
}

func (p *probes) add(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, at)
}

func (p *probes) oldest() (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) == 0 {
		return time.Time{}, false
	}
	return p.open[0], true
}

// found takes those up to and including last away and answers their ages.
func (p *probes) found(last, now, from time.Time) (ages []float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.open) > 0 && !p.open[0].After(last) {
		if p.open[0].After(from) {
			ages = append(ages, milliseconds(now.Sub(p.open[0])))
		}
		p.open = p.open[1:]
	}
	return ages
}

// probeArchive publishes a reading of its own every 50 ms, asks InfluxDB for
// its newest again and again, and answers how old each reading was when an
// answer had it. The time that the query takes is thus part of it.
func (h *hub) probeArchive(ctx context.Context, broker string, db *testbed.Influx, from time.Time) (ages []float64) {
	var streams struct{ Items []struct{ Group int64 } }
	if !h.get("/datastreams?property=pm25&device="+prober, &streams) || len(streams.Items) != 1 {
		h.t.Error("the prober has no datastream")
		return nil
	}
	p := &probes{}
	var publishing sync.WaitGroup
	defer publishing.Wait()
	publishing.Go(func() {
		if err := probe(ctx, broker, p); err != nil {
			h.t.Error("prober:", err)
		}
	})
	newest := regexp.MustCompile(`(?m)^,_result,0,([^,\r\n]+)`)
	for ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
		since, any := p.oldest()
		if !any {
			continue
		}
		answer := flux(h.t, db, fmt.Sprintf(`from(bucket:%q) |> range(start: %s) |> filter(fn: (r) => r._measurement == "observation" and r.g == "%d" and r._field == "pm25") |> last() |> keep(columns: ["_time"])`,
			db.Bucket, since.Format(time.RFC3339Nano), streams.Items[0].Group))
		now := time.Now()
		if match := newest.FindStringSubmatch(answer); match != nil {
			last, err := time.Parse(time.RFC3339Nano, match[1])
			if err != nil {
				h.t.Error(err)
				return ages
			}
			ages = append(ages, p.found(last, now, from)...)
		}
	}
	if since, any := p.oldest(); any && time.Since(since) > 5*time.Second {
		h.t.Errorf("the prober's reading of %s never came", since)
	}
	return ages
}

// probe publishes through Mosquitto's own client, one line a message.
func probe(ctx context.Context, broker string, p *probes) error {
	host, port, err := net.SplitHostPort(strings.TrimPrefix(broker, "tcp://"))
	if err != nil {
		return err
	}
	c := exec.Command("mosquitto_pub", "-h", host, "-p", port, "-q", "1", "-t", "cityhub/v1/"+prober+"/telemetry", "-l")
	lines, err := c.StdinPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for ctx.Err() == nil {
		<-every.C
		now := time.Now().UTC().Truncate(time.Microsecond)
		p.add(now)
		if _, err := io.WriteString(lines, `{"time":"`+now.Format(time.RFC3339Nano)+`","values":{"pm25":1}}`+"\n"); err != nil {
			return err
		}
	}
	lines.Close()
	return c.Wait()
}
