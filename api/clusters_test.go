package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/telemetry"
)

// place registers a station with a value of pm25, so old, of an organisation.
func (h *hub) place(code, organisation string, lon, lat, value float64, age time.Duration) {
	h.t.Helper()
	_, err := h.registry.ImportRow(h.t.Context(), devices.Row{Device: code, Model: "air", Station: code, Organisation: organisation,
		Lon: fmt.Sprint(lon), Lat: fmt.Sprint(lat)})
	check(h.t, err)
	target := must(h.registry.Resolve(code, h.now().Add(time.Hour)))(h.t)
	h.tell(target.Series.ID, h.now().Add(-age), value)
}

// tell gives a series a newest value, as the way of a reading does.
func (h *hub) tell(group int64, at time.Time, value float64) {
	lines := []telemetry.Line{{Group: group, Time: at.UnixNano(), Received: at.UnixNano(),
		Fields: []telemetry.Field{{Property: "pm25", Value: telemetry.NumberOf(value)}}}}
	h.latest.Tell(lines)
	h.server.Tell(lines)
}

// seen sums the answer of the clusters up: "count min mean max worst" of each
// cluster and "code value state" of each station, sorted.
func (h *hub) seen(query string, headers ...string) string {
	h.t.Helper()
	var answer struct {
		Features []struct {
			Properties struct {
				Cluster        bool
				Count          int
				Min, Mean, Max any
				Worst          string
				Thing          string
				Value          any
				State          string
			}
		}
	}
	r := h.get(query, headers...).want(200)
	check(h.t, json.Unmarshal(r.body, &answer))
	all := []string{}
	for _, f := range answer.Features {
		p := f.Properties
		if p.Cluster {
			all = append(all, fmt.Sprintf("%d: %v %v %v %s", p.Count, p.Min, p.Mean, p.Max, p.Worst))
		} else {
			all = append(all, fmt.Sprintf("%s %v %s", p.Thing, p.Value, p.State))
		}
	}
	slices.Sort(all)
	return fmt.Sprint(all)
}

// mapCity has three stations close together, of two organisations, and one far
// away.
func mapCity(t testing.TB) *hub {
	h := newHub(t)
	h.city()
	h.post("organisations", `{"code":"XX"}`).want(201)
	h.place("a", "HN", 105.8501, 21.0301, 10, 0)
	h.place("b", "HN", 105.8502, 21.0302, 20, time.Hour)
	h.place("c", "XX", 105.8503, 21.0303, 60, 0)
	h.place("d", "XX", 106.7, 20.8, 5, 0)
	h.post("zones", `{"code":"W","kind":"ward","geometry":{"type":"Polygon","coordinates":[[[105.8,21],[105.85025,21],[105.85025,21.1],[105.8,21.1],[105.8,21]]]},"validFrom":"2020-01-01"}`).want(201)
	h.post("zones", `{"code":"E","kind":"ward","geometry":{"type":"Polygon","coordinates":[[[105.85025,21],[106,21],[106,21.1],[105.85025,21.1],[105.85025,21]]]},"validFrom":"2020-01-01"}`).want(201)
	return h
}

func TestClusters(t *testing.T) {
	h := mapCity(t)
	for query, want := range map[string]string{
		"map/clusters?property=pm25&zoom=0":                                  "[4: 5 23.75 60 stale]",
		"map/clusters?property=pm25&zoom=8":                                  "[3: 10 30 60 stale d 5 ok]",
		"map/clusters?property=pm25&zoom=8&bbox=105,20,106,22":               "[3: 10 30 60 stale]",
		"map/clusters?property=pm25&zoom=8&bbox=105,20,105.8502,22":          "[2: 10 15 20 stale]",
		"map/clusters?property=pm25&zoom=22":                                 "[a 10 ok b 20 stale c 60 ok d 5 ok]",
		"map/clusters?property=pm25&zoom=8&organisation=HN":                  "[2: 10 15 20 stale]",
		"map/clusters?property=pm25&zoom=0&state=ok":                         "[3: 5 25 60 ok]",
		"map/clusters?property=pm25&zoom=0&zone=W":                           "[2: 10 15 20 stale]",
		"map/clusters?property=pm25&zoom=0&zone=E":                           "[c 60 ok]",
		"map/clusters?property=pm25&zoom=0&zone=E&bbox=0,0,1,1":              "[]",
		"map/clusters?property=temperature&zoom=0":                           "[]",
		"latest?property=pm25&zone=W":                                        "[a 10 ok b 20 stale]",
		"latest?property=pm25&organisation=XX":                               "[c 60 ok d 5 ok]",
		"latest?property=pm25&state=stale":                                   "[b 20 stale]",
		"latest?property=pm25&zone=E&state=stale":                            "[]",
		"latest?property=pm25&bbox=106,20,107,21":                            "[d 5 ok]",
		"map/clusters?property=pm25&zoom=0&zone=W&organisation=HN&state=ok":  "[a 10 ok]",
		"map/clusters?property=pm25&zoom=3&bbox=170,-80,-170,80&state=stale": "[]",
	} {
		if got := h.seen(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for _, bad := range []string{"zoom=25", "zoom=1&zone=nowhere", "zoom=1&organisation=nobody", "zoom=1&state=bad", "", "zoom=1&bbox=1"} {
		h.get("map/clusters?property=pm25&" + bad).want(400)
	}
	h.get("map/clusters?property=none&zoom=1").want(404)
	const all = "map/clusters?property=pm25&zoom=0"
	target := must(h.registry.Resolve("a", h.now()))(t)
	h.tell(target.Series.ID, h.now().Add(time.Second), 100)
	if got := h.seen(all); got != "[4: 5 46.25 100 stale]" {
		t.Errorf("after a reading: %s", got)
	}
	h.tell(target.Series.ID, h.now().Add(-time.Hour), 1_000)
	if got := h.seen(all); got != "[4: 5 46.25 100 stale]" {
		t.Errorf("after a late reading: %s", got)
	}
	h.place("e", "HN", 105.85, 21.03, 0, 0)
	if got := h.seen(all); got != "[5: 0 37 100 stale]" {
		t.Errorf("after a new station: %s", got)
	}
}

// A count must not tell of stations that the caller may not read.
func TestClustersCountWhatTheCallerMayRead(t *testing.T) {
	h := mapCity(t)
	of := func(code string) int64 { return h.idOf("organisations", code) }
	const all = "map/clusters?property=pm25&zoom=0"
	for name, c := range map[string]struct{ key, want string }{
		"one organisation": {h.newKey(access.Viewer, of("HN")), "[2: 10 15 20 stale]"},
		"the other":        {h.newKey(access.Viewer, of("XX")), "[2: 5 32.5 60 ok]"},
		"the city":         {h.newKey(access.Auditor, 0), "[4: 5 23.75 60 stale]"},
	} {
		if got := h.seen(all, "Authorization: Bearer "+c.key); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	stream := h.stream("d", "pm25")
	h.call(http.MethodPatch, fmt.Sprintf("datastreams/%d", stream), `{"publication":"internal"}`, "Content-Type: application/merge-patch+json").want(200)
	hn := "Authorization: Bearer " + h.newKey(access.Viewer, of("HN"))
	if got := h.seen(all, hn); got != "[3: 5 11.666666666666666 20 stale]" {
		t.Errorf("once published: %s", got)
	}
	h.call(http.MethodPatch, fmt.Sprintf("datastreams/%d", stream), `{"publication":"private"}`, "Content-Type: application/merge-patch+json").want(200)
	if got := h.seen(all, hn); got != "[2: 10 15 20 stale]" {
		t.Errorf("once withdrawn: %s", got)
	}
	mine := h.get("tiles/stations/22/3330347/1845617.mvt?property=pm25", hn)
	if mine.status != 204 {
		t.Errorf("a tile without stations: %d", mine.status)
	}
}

func TestTiles(t *testing.T) {
	h := mapCity(t)
	const address = "tiles/stations/8/203/112.mvt?property=pm25"
	plain := h.get(address).want(200)
	if plain.header.Get("Content-Type") != "application/vnd.mapbox-vector-tile" || !bytes.Contains(plain.body, []byte("clusters")) {
		t.Errorf("%v %q", plain.header, plain.body)
	}
	h.get(address, "If-None-Match: "+plain.header.Get("ETag")).want(304)
	packed := h.get(address, "Accept-Encoding: gzip").want(200)
	reader := must(gzip.NewReader(bytes.NewReader(packed.body)))(t)
	if text := must(io.ReadAll(reader))(t); !bytes.Equal(text, plain.body) || packed.header.Get("ETag") == plain.header.Get("ETag") {
		t.Errorf("packed is another tile, or has the same tag: %s", packed.header.Get("ETag"))
	}
	h.get("tiles/stations/8/0/0.mvt?property=pm25").want(204)
	zones := h.get("tiles/zones/8/203/112.mvt?kind=ward").want(200)
	if !bytes.Contains(zones.body, []byte("zones")) {
		t.Errorf("%q", zones.body)
	}
	h.get("tiles/zones/8/203/112.mvt?kind=ward&date=2019-12-31").want(204)
	h.get("tiles/zones/8/203/112.mvt?kind=district").want(204)
	for _, bad := range []string{"8/256/0.mvt?kind=ward", "23/0/0.mvt?kind=ward", "8/0/0.mvt", "8/0/x.mvt?kind=ward", "8/0/0.mvt?kind=ward&date=x"} {
		h.get("tiles/zones/" + bad).want(400)
	}
	target := must(h.registry.Resolve("a", h.now()))(t)
	h.tell(target.Series.ID, h.now().Add(time.Second), 100)
	eventually(t, "a reading changes its tile", func() bool {
		return h.get(address, "If-None-Match: "+plain.header.Get("ETag")).status == 200
	})
}
