package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// send ingests readings of dev-1 that the hub must accept.
func (h *hub) send(body string) {
	h.t.Helper()
	h.post("ingest", body).want(202)
	h.stored()
}

func at(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func TestObservations(t *testing.T) {
	h := newHub(t)
	h.city()
	start := time.Now().Add(-2 * time.Minute).Truncate(time.Second).UTC()
	var body []string
	for i := range 30 {
		value := float64(i)
		if i == 7 {
			value = 999 // out of range
		}
		body = append(body, fmt.Sprintf(`{"device":"dev-1","time":%q,"values":{"pm25":%g,"open":true,"note":"n<%d>"}}`, at(start.Add(time.Duration(i)*time.Second)), value, i))
	}
	late := start.Add(-time.Hour)
	body = append(body, fmt.Sprintf(`{"device":"dev-1","time":%q,"values":{"pm25":5}}`, at(late)))
	h.send("[" + strings.Join(body, ",") + "]")
	path := fmt.Sprintf("datastreams/%d/observations", h.stream("st-1", "pm25"))

	all := h.get(path).want(200).items()
	if len(all) != 31 {
		t.Fatalf("%d observations, want 31", len(all))
	}
	first := all[0].(map[string]any)
	if first["phenomenonTime"] != at(late) || first["received"] == nil || !cmp.Equal(first["quality"], []any{"late"}) {
		t.Errorf("the late one is told as %v", first)
	}
	if second := all[1].(map[string]any); second["received"] != nil || second["result"] != 0.0 || len(second["quality"].([]any)) != 0 {
		t.Errorf("one on time is told as %v", second)
	}
	for query, want := range map[string]int{
		"quality=good": 29,
		"exclude=late": 30, "exclude=out_of_range": 30, "exclude=late,out_of_range": 29, "exclude=stuck": 31, "exclude=stuck&quality=good": 29,
		"datetime=" + at(start) + "/" + at(start.Add(4*time.Second)): 5,
		"datetime=" + at(start):         1,
		"datetime=../" + at(late):       1,
		"datetime=" + at(start) + "/..": 30,
		"datetime=../..&limit=3":        3,
	} {
		if got := len(h.get(path + "?" + query).want(200).items()); got != want {
			t.Errorf("%s: %d observations, want %d", query, got, want)
		}
	}
	for query, field := range map[string]string{"datetime=yesterday": "datetime", "datetime=2025-01-02T00:00:00Z/2025-01-01T00:00:00Z": "datetime", "limit=10001": "limit", "quality=bad": "quality", "exclude=late,bad": "exclude"} {
		if r := h.get(path + "?" + query).want(400); !strings.Contains(string(r.body), `"field":"`+field) {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	h.pages(path+"?limit=4&quality=good", 29)
	if r := h.get(fmt.Sprintf("datastreams/%d/observations", h.stream("st-1", "door"))).items()[0].(map[string]any); r["result"] != true {
		t.Errorf("a boolean is told as %v", r)
	}
	h.one(all[9].(map[string]any), h.stream("st-1", "pm25"))
	h.get("observations/9007199254740990").want(404)
}

// TestLatestWithoutFlags: a station is left out whose newest value has a flag
// that is not wanted, also where what is shown was written before.
func TestLatestWithoutFlags(t *testing.T) {
	h := newHub(t)
	h.city()
	now := time.Now().Add(-time.Minute)
	h.send(fmt.Sprintf(`{"device":"dev-1","time":%q,"values":{"pm25":999}}`, at(now)))
	shown := func(query string) int {
		return len(h.get("latest?property=pm25" + query).want(200).json()["features"].([]any))
	}
	all := shown("")
	for query, want := range map[string]int{"&quality=good": all - 1, "&exclude=out_of_range": all - 1, "&exclude=late,stuck": all, "&exclude=late,out_of_range": all - 1, "": all} {
		if got := shown(query); got != want {
			t.Errorf("%q: %d stations, want %d", query, got, want)
		}
	}
	h.send(fmt.Sprintf(`{"device":"dev-1","time":%q,"values":{"pm25":9}}`, at(now.Add(time.Second))))
	if got := shown("&quality=good"); got != all {
		t.Errorf("after a good value %d stations, want %d", got, all)
	}
}

// pages follows next and wants so many different observations.
func (h *hub) pages(path string, want int) {
	h.t.Helper()
	seen := map[float64]bool{}
	for path != "" {
		r := h.get(path).want(200)
		for _, item := range r.items() {
			seen[item.(map[string]any)["id"].(float64)] = true
		}
		path, _ = r.json()["next"].(string)
		if len(seen) > want {
			break
		}
	}
	if len(seen) != want {
		h.t.Errorf("the pages hold %d observations, want %d", len(seen), want)
	}
}

// one looks an observation up by its id.
func (h *hub) one(listed map[string]any, stream int64) {
	h.t.Helper()
	one := h.get(fmt.Sprintf("observations/%.0f", listed["id"])).want(200).json()
	if one["datastream"] != float64(stream) {
		h.t.Errorf("observation of datastream %v, want %d", one["datastream"], stream)
	}
	delete(one, "datastream")
	if diff := cmp.Diff(listed, one); diff != "" {
		h.t.Errorf("by id it is told otherwise (-list +one):\n%s", diff)
	}
}

// Days are cut in the city's time zone, and readings out of range are left out.
func TestAggregates(t *testing.T) {
	h := newHub(t)
	h.city()
	day := time.Now().In(hanoi).AddDate(0, 0, -2)
	midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, hanoi)
	h.send(fmt.Sprintf(`[{"device":"dev-1","time":%q,"values":{"pm25":1,"note":"a"}},{"device":"dev-1","time":%q,"values":{"pm25":10}},
		{"device":"dev-1","time":%q,"values":{"pm25":30,"note":"b"}},{"device":"dev-1","time":%q,"values":{"pm25":9999}}]`,
		at(midnight.Add(-time.Minute)), at(midnight.Add(time.Minute)), at(midnight.Add(90*time.Minute)), at(midnight.Add(91*time.Minute))))
	check(t, h.roller.Step(t.Context()))
	span := "?datetime=" + at(midnight) + "/" + at(midnight.AddDate(0, 0, 1))
	path := fmt.Sprintf("datastreams/%d/aggregates", h.stream("st-1", "pm25"))
	var got []map[string]any
	for _, item := range h.get(path + span + "&window=P1D&fn=mean,min,max,count,sum,first,last").want(200).items() {
		got = append(got, item.(map[string]any))
	}
	want := []map[string]any{{"from": at(midnight), "to": at(midnight.AddDate(0, 0, 1)), "mean": 20.0, "min": 10.0, "max": 30.0, "count": 2.0, "sum": 40.0, "first": 10.0, "last": 30.0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if hours := h.get(path + span).want(200).items(); len(hours) != 2 {
		t.Errorf("%d hours, want 2: %v", len(hours), hours)
	}
	notes := h.get(fmt.Sprintf("datastreams/%d/aggregates", h.stream("st-1", "note")) + span + "&window=P1D&fn=count,last,mean").want(200).items()
	if diff := cmp.Diff(map[string]any{"from": at(midnight), "to": at(midnight.AddDate(0, 0, 1)), "count": 1.0, "last": "b"}, notes[0]); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
	for query, field := range map[string]string{"window=PT5M": "window", "fn=median": "fn", "datetime=../..": "datetime"} {
		if r := h.get(path + "?" + query).want(400); !strings.Contains(string(r.body), `"field":"`+field) {
			t.Errorf("%s: %s", query, r.body)
		}
	}
}

func TestLatest(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("things", `{"code":"nowhere"}`).want(201)
	h.post("devices", `{"code":"dev-2","model":"air"}`).want(201)
	h.post("deployments", `{"device":"dev-2","thing":"nowhere","from":"2020-01-01T00:00:00Z"}`).want(201)
	measured := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	h.send(fmt.Sprintf(`[{"device":"dev-1","time":%q,"values":{"pm25":612.5}},{"device":"dev-2","time":%q,"values":{"pm25":3}}]`, at(measured), at(measured)))

	r := h.get("latest?property=pm25").want(200)
	if r.header.Get("Content-Type") != "application/geo+json" || r.header.Get("ETag") != "" {
		t.Errorf("header %v", r.header)
	}
	features := r.json()["features"].([]any)
	if len(features) != 2 {
		t.Fatalf("%d features, want 2: %s", len(features), r.body)
	}
	properties := features[0].(map[string]any)["properties"].(map[string]any)
	received := properties["received"]
	delete(properties, "received")
	id := float64(h.stream("st-1", "pm25"))
	want := map[string]any{"type": "Feature", "id": id, "geometry": map[string]any{"type": "Point", "coordinates": []any{105.852, 21.028}},
		"properties": map[string]any{"thing": "st-1", "name": "Hồ Gươm", "datastream": id, "property": "pm25", "value": 612.5, "unit": "µg/m³",
			"time": at(measured), "quality": []any{"out_of_range"}, "state": "ok"}}
	if diff := cmp.Diff(want, features[0]); diff != "" || received == nil {
		t.Errorf("received %v (-want +got):\n%s", received, diff)
	}
	if features[1].(map[string]any)["geometry"] != nil {
		t.Error("a station without position has a geometry")
	}
	for query, want := range map[string]int{"bbox=105,21,106,22": 1, "bbox=0,0,1,1": 0, "bbox=170,0,106,22": 1, "limit=1": 1} {
		if got := len(h.get("latest?property=pm25&" + query).want(200).json()["features"].([]any)); got != want {
			t.Errorf("%s: %d features, want %d", query, got, want)
		}
	}
	if r := h.get("latest?property=gold").want(404); !strings.Contains(string(r.body), "door, note, pm25, temperature") {
		t.Errorf("the known codes are not named: %s", r.body)
	}
	for _, bad := range []string{"", "property=pm25&bbox=1,2,3", "property=pm25&bbox=a,b,c,d", "property=pm25&bbox=0,91,1,92", "property=pm25&bbox=0,2,1,1"} {
		h.get("latest?" + bad).want(400)
	}
	h.ahead.Store(int64(45 * time.Minute))
	if !strings.Contains(string(h.get("latest?property=pm25").body), `"state":"stale"`) {
		t.Error("an old value is not called stale")
	}
	h.call(http.MethodDelete, fmt.Sprintf("datastreams/%.0f", id), "").want(204)
	if got := len(h.get("latest?property=pm25").json()["features"].([]any)); got != 1 {
		t.Errorf("%d features after one datastream is retired, want 1", got)
	}
}

// A large answer is packed for those who can read it, and only for them.
func TestGzip(t *testing.T) {
	h := newHub(t)
	h.city()
	var rows []string
	for i := range 60 {
		rows = append(rows, fmt.Sprintf("g%d,air,gs%d,105.8,21.%02d", i, i, i))
	}
	h.imported("devices", "d.csv", "device,model,station,lon,lat\n"+strings.Join(rows, "\n"))
	var body []string
	for i := range 60 {
		body = append(body, fmt.Sprintf(`{"device":"g%d","values":{"pm25":%d}}`, i, i))
	}
	h.send("[" + strings.Join(body, ",") + "]")
	plain := h.get("latest?property=pm25").want(200)
	packed := h.get("latest?property=pm25", "Accept-Encoding: gzip").want(200)
	if plain.header.Get("Content-Encoding") != "" || packed.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("Content-Encoding %q and %q", plain.header.Get("Content-Encoding"), packed.header.Get("Content-Encoding"))
	}
	unpacked := must(io.ReadAll(must(gzip.NewReader(bytes.NewReader(packed.body)))(t)))(t)
	if !bytes.Equal(unpacked, plain.body) || !json.Valid(plain.body) {
		t.Errorf("%d bytes unpacked, %d plain", len(unpacked), len(plain.body))
	}
}

// What was measured hours ago and comes now is no newest value, unless there
// is none that is newer; by whatever way it comes.
func TestALateReadingIsNewestOnlyWhereItIsNewer(t *testing.T) {
	h := newHub(t)
	h.city()
	now := h.now().UTC()
	for _, c := range []struct {
		age  time.Duration
		body string
		want string
	}{
		{5 * time.Hour, "11", "[st-1 11 stale]"}, {3 * time.Hour, "12", "[st-1 12 stale]"}, {4 * time.Hour, "13", "[st-1 12 stale]"},
		{time.Minute, "14", "[st-1 14 ok]"}, {2 * time.Hour, "15", "[st-1 14 ok]"},
	} {
		h.post("ingest", fmt.Sprintf(`{"device":"dev-1","time":%q,"values":{"pm25":%s}}`, now.Add(-c.age).Format(time.RFC3339Nano), c.body)).want(202)
		eventually(t, c.want+" after "+c.body, func() bool {
			return h.seen("latest?property=pm25") == c.want && h.seen("map/clusters?property=pm25&zoom=3") == c.want
		})
	}
	h.stored()
	if got := len(h.get(fmt.Sprintf("datastreams/%d/observations?datetime=%s/..", h.stream("st-1", "pm25"), now.Add(-6*time.Hour).Format(time.RFC3339))).want(200).items()); got != 5 {
		t.Errorf("%d of 5 readings are kept", got)
	}
}
