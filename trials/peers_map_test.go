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
)

// mapStations are the stations of C1: first some, then all.
var mapStations = [...]int{10_000, 100_000}

// runMap is C1 and D3: the newest values of a city, from a hub whose archive is
// an InfluxDB, and from that InfluxDB; then windows of the map while readings
// come in. Both are asked over loopback HTTP, and answers are read whole.
func runMap(t *testing.T, r *report) {
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
		c.windows()
	})
	if !ok {
		t.FailNow()
	}
}

type mapRace struct {
	t      *testing.T
	hub    *hub
	db     *testbed.Influx
	report *report
	floods int
	slow   map[string]bool // forms that were not near the fastest once
	answer bytes.Buffer    // the last answer, in memory that is used again
}

// grow registers so many stations and lets each tell values of pm25.
func (c *mapRace) grow(stations, each int) {
	c.hub.registerFlood(stations)
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
	c.report.note("C1 %d stations%s: InfluxDB's fastest form is %s", stations, what, form)
	const times = 7
	peer := c.median(form, times, forms[form].query, forms[form].row, stations)
	hub := c.median("hub", times, func() []byte { return c.ask("/latest?property=pm25") }, `"type":"Feature",`, stations)
	c.report.add(row{what: fmt.Sprintf("C1 latest of %d stations%s, ms", stations, what), hub: hub, peer: peer, ratio: peer / hub,
		goal: "≥ 100", met: peer/hub >= 100, others: w.others()})
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
func (c *mapRace) windows() {
	const lasts = 20 * time.Second
	c.floods++
	wait := flood(c.t, "tcp://"+c.hub.mqt, filepath.Join(c.t.TempDir(), fmt.Sprint("ledger", c.floods)), "--devices", strconv.Itoa(mapStations[1]),
		"--rate", "5000", "--duration", (lasts + 4*time.Second).String(), "--payload-fields", "1")
	time.Sleep(2 * time.Second) // the rate is reached
	w := newWatch(c.t)
	r := rand.New(rand.NewPCG(3, 3))
	var took []float64
	for end := time.Now().Add(lasts); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		zoom := 9 + r.IntN(8)
		wide, high := 360/float64(int(1)<<zoom)*7.5, 360/float64(int(1)<<zoom)*4 // of 1920 × 1080 pixels
		west, south := 105.6+r.Float64()*0.4-wide/2, 20.85+r.Float64()*0.3-high/2
		path := fmt.Sprintf("/map/clusters?property=pm25&zoom=%d&bbox=%f,%f,%f,%f", zoom, west, south, west+wide, south+high)
		began := time.Now()
		c.ask(path)
		took = append(took, float64(time.Since(began).Microseconds())/1000)
	}
	others := w.others()
	c.t.Log(wait())
	c.hub.drained(time.Minute)
	p50, p99 := quantile(took, 0.5), quantile(took, 0.99)
	c.report.note("D3: %d windows, p50 %.1f ms, worst %.1f ms", len(took), p50, quantile(took, 1))
	c.report.add(row{what: fmt.Sprintf("D3 clustered window over %d stations at 5,000/s, p99 ms", mapStations[1]), hub: p99, goal: "≤ 20", met: p99 <= 20, others: others})
}

// TestPeersMap measures C1 and D3 alone.
func TestPeersMap(t *testing.T) {
	report := &report{}
	runMap(t, report)
	t.Log("\n" + report.String())
}
