//go:build peers

package trials

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cityhub/testbed"
	"cityhub/testbed/race"
)

// mapStations are the stations of C1: first some, then all.
var mapStations = [...]int{10_000, 100_000}

// million are the stations of the largest city of D3. What it has stored does
// not matter there, so its archive is the hub's own.
const million = 1_000_000

// runMap is C1 and D3: the newest values of a city, from a hub whose archive is
// an InfluxDB, and from that InfluxDB; then windows of the map while readings
// come in. Both are asked over loopback HTTP, and answers are read whole.
func runMap(t *testing.T, r *race.Report) {
	ok := t.Run("map", func(t *testing.T) {
		db := testbed.InfluxDB(t)
		env, args := influxArgs(db)
		h := startHub(t, t.TempDir(), env, args...)
		c := mapRace{t: t, hub: h, db: db, report: r, slow: map[string]bool{}}
		c.grow(mapStations[0], 1)
		c.latest(mapStations[0], "")
		c.grow(mapStations[0], 9)
		c.latest(mapStations[0], ", ten times the history")
		c.grow(mapStations[1], 1)
		c.latest(mapStations[1], "")
		c.grow(mapStations[1], 9)
		c.latest(mapStations[1], ", ten times the history")
		c.windows(mapStations[1], 20)
	})
	if !ok {
		t.FailNow()
	}
}

// TestPeersMillion is D3 in the largest city: a part of `make race` by itself,
// for registering them takes minutes.
func TestPeersMillion(t *testing.T) {
	report := &race.Report{}
	h := startHub(t, t.TempDir(), nil)
	c := mapRace{t: t, hub: h, report: report}
	h.mustTool("citysim", "register", "--flood", strconv.Itoa(million))
	c.told(million, 1)
	c.windows(million, 50)
	report.End(t, "D3")
}

type mapRace struct {
	t      *testing.T
	hub    *hub
	db     *testbed.Influx
	report *race.Report
	floods int
	slow   map[string]bool // forms that were not near the fastest once
	answer bytes.Buffer    // the last answer, in memory that is used again
}

// grow registers so many stations and lets each tell values of pm25.
func (c *mapRace) grow(stations, each int) {
	c.hub.registerFlood(stations)
	c.told(stations, each)
}

// told lets each of so many stations tell values of pm25, and waits until all
// are stored.
func (c *mapRace) told(stations, each int) {
	c.floods++
	flood(c.t, "tcp://"+c.hub.mqt, filepath.Join(c.t.TempDir(), fmt.Sprint("ledger", c.floods)), "--devices", strconv.Itoa(stations),
		"--count", strconv.Itoa(stations*each), "--rate", "0", "--payload-fields", "1", "--drain", "120s")()
	c.hub.drained(3 * time.Minute)
}

// latest is C1.
func (c *mapRace) latest(stations int, what string) {
	awaitQuiet(c.t)
	w := newWatch(c.t)
	forms, form, soonest := c.forms(), "", 0.0
	each := map[string]float64{}
	for name, ask := range forms {
		if c.slow[name] {
			continue
		}
		took := c.median(name, 2, ask.query, ask.row, stations)
		each[name] = took
		if c.t.Logf("%d stations%s: InfluxDB by %s %.1f ms", stations, what, name, took); form == "" || took < soonest {
			form, soonest = name, took
		}
	}
	for name, took := range each {
		c.slow[name] = took > 2*soonest
	}
	c.report.Note("C1 %d stations%s: InfluxDB's fastest form is %s", stations, what, form)
	peer, hub := c.turns(form, forms[form], stations)
	c.report.Add(race.Row{What: fmt.Sprintf("C1 latest of %d stations%s, ms", stations, what), Hub: hub, Peer: peer, Ratio: peer / hub,
		Goal: "≥ 100", Met: peer/hub >= 100, Others: w.others()})
}

// turns asks both by turns, each while the other rests, and gives the median of
// each in milliseconds: a query leaves InfluxDB garbage to collect, and who is
// asked next would pay for it.
func (c *mapRace) turns(name string, form influxForm, stations int) (peer, hub float64) {
	var peers, hubs []float64
	for range 7 {
		c.rest()
		peers = append(peers, c.median(name, 1, form.query, form.row, stations))
		c.rest()
		hubs = append(hubs, c.median("hub", 1, func() []byte { return c.ask("/latest?property=pm25") }, `"type":"Feature",`, stations))
	}
	return quantile(peers, 0.5), quantile(hubs, 0.5)
}

// rest waits until neither has worked for a moment.
func (c *mapRace) rest() {
	c.t.Helper()
	used := func() time.Duration { return cpuOf(c.t, c.db.PID()) + cpuOf(c.t, c.hub.process.Process.Pid) }
	const moment = 100 * time.Millisecond
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		before := used()
		if time.Sleep(moment); used()-before <= moment/10 {
			return
		}
	}
}

// median asks several times and gives the median in milliseconds; every answer
// must have as many rows as there are stations.
func (c *mapRace) median(name string, times int, ask func() []byte, row string, stations int) float64 {
	var took []float64
	for range times {
		began := time.Now()
		body := ask()
		took = append(took, float64(time.Since(began).Microseconds())/1000)
		if n := bytes.Count(body, []byte(row)); n != stations {
			c.t.Fatalf("%s tells %d stations of %d: %.300s", name, n, stations, body)
		}
	}
	return quantile(took, 0.5)
}

type influxForm struct {
	query func() []byte
	row   string // what stands once in every row
}

// forms are the sensible ways to ask InfluxDB for the newest value of a field
// of every series, all of a bounded range.
func (c *mapRace) forms() map[string]influxForm {
	const from = `from(bucket:%q) |> range(start: -1h) |> filter(fn: (r) => r._measurement == "observation" and r._field == "pm25")`
	fluxForm := func(rest string) influxForm {
		return influxForm{func() []byte { return c.flux(fmt.Sprintf(from, c.db.Bucket) + rest) }, ",pm25,"}
	}
	influxQL := func(accept, row, query string) influxForm {
		return influxForm{func() []byte { return c.influxQL(query, accept) }, row}
	}
	const last = `SELECT last(pm25) FROM observation WHERE time > now() - 1h GROUP BY g`
	const first = `SELECT pm25 FROM observation WHERE time > now() - 1h GROUP BY g ORDER BY time DESC LIMIT 1`
	return map[string]influxForm{
		"Flux last()":                       fluxForm(` |> last()`),
		"Flux group(g) |> last()":           fluxForm(` |> group(columns: ["g"]) |> last()`),
		"InfluxQL last() as JSON":           influxQL("application/json", `"tags"`, last),
		"InfluxQL last() as CSV":            influxQL("application/csv", "\nobservation,g=", last),
		"InfluxQL DESC LIMIT 1 as CSV":      influxQL("application/csv", "\nobservation,g=", first),
		"InfluxQL DESC LIMIT 1 as JSON":     influxQL("application/json", `"tags"`, first),
		"Flux last() in one table":          fluxForm(` |> last() |> group()`),
		"Flux last() of what is asked only": fluxForm(` |> last() |> keep(columns: ["g", "_field", "_time", "_value"])`),
	}
}

func (c *mapRace) influxQL(query, accept string) []byte {
	request, err := http.NewRequest(http.MethodGet, c.db.URL+"/query?"+url.Values{"db": {c.db.Bucket}, "epoch": {"ns"}, "q": {query}}.Encode(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Token "+c.db.Token)
	request.Header.Set("Accept", accept)
	return c.send(request)
}

func (c *mapRace) ask(path string) []byte {
	request, err := http.NewRequest(http.MethodGet, "http://"+c.hub.http+"/api/v1"+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.hub.key)
	return c.send(request)
}

// flux asks as influxQL does.
func (c *mapRace) flux(query string) []byte {
	request, err := http.NewRequest(http.MethodPost, c.db.URL+"/api/v2/query?org="+c.db.Org, strings.NewReader(query))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Token "+c.db.Token)
	request.Header.Set("Content-Type", "application/vnd.flux")
	return c.send(request)
}

// unpacked asks for answers as they are: packing takes longer than loopback.
var unpacked = &http.Client{Transport: &http.Transport{DisableCompression: true}}

func (c *mapRace) send(request *http.Request) []byte {
	c.t.Helper()
	answer, err := unpacked.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	c.answer.Reset()
	if _, err := c.answer.ReadFrom(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %v: %.300s", answer.Status, err, c.answer.Bytes())
	}
	return c.answer.Bytes()
}

// windows is D3: screens of the map, here and there and from the whole city to
// a street, while 5,000 readings a second come in.
func (c *mapRace) windows(stations int, goal float64) {
	const lasts, rate = 20 * time.Second, 5000
	c.floods++
	wait := flood(c.t, "tcp://"+c.hub.mqt, filepath.Join(c.t.TempDir(), fmt.Sprint("ledger", c.floods)), "--devices", strconv.Itoa(stations),
		"--rate", strconv.Itoa(rate), "--duration", (lasts + 4*time.Second).String(), "--payload-fields", "1")
	time.Sleep(2 * time.Second) // the rate is reached
	w, accepted, began := newWatch(c.t), c.hub.status().Counters.Accepted, time.Now()
	r := rand.New(rand.NewPCG(3, 3))
	var took []float64
	for end := began.Add(lasts); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		zoom := 9 + r.IntN(8)
		wide, high := 360/float64(int(1)<<zoom)*7.5, 360/float64(int(1)<<zoom)*4 // of 1920 × 1080 pixels
		west, south := 105.6+r.Float64()*0.4-wide/2, 20.85+r.Float64()*0.3-high/2
		path := fmt.Sprintf("/map/clusters?property=pm25&zoom=%d&bbox=%f,%f,%f,%f", zoom, west, south, west+wide, south+high)
		asked := time.Now()
		c.ask(path)
		took = append(took, float64(time.Since(asked).Microseconds())/1000)
	}
	reached := float64(c.hub.status().Counters.Accepted-accepted) / time.Since(began).Seconds()
	others := w.others()
	wait()
	c.hub.drained(time.Minute)
	if reached < 0.95*rate {
		c.t.Errorf("D3: %.0f readings a second came in; %d are wanted", reached, rate)
	}
	first := took[0] // before the quantiles sort them
	p50, p99 := quantile(took, 0.5), quantile(took, 0.99)
	c.report.Note("D3 %d stations: %d windows at %.0f readings/s, p50 %.1f ms, worst %.1f ms, the first %.1f ms", stations, len(took), reached, p50, quantile(took, 1), first)
	c.report.Add(race.Row{What: fmt.Sprintf("D3 clustered window over %d stations at 5,000/s, p99 ms", stations), Hub: p99, Goal: fmt.Sprintf("≤ %.0f", goal), Met: p99 <= goal, Others: others})
}

// TestPeersMap measures C1 and D3 alone.
func TestPeersMap(t *testing.T) {
	report := &race.Report{}
	runMap(t, report)
	report.End(t, "C1 and D3")
}
