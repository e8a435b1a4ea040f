package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/telemetry"
	"cityhub/telemetry/influx"
	"cityhub/testbed"
)

// onBothArchives runs a test on SQLite files and on a real InfluxDB.
func onBothArchives(t *testing.T, test func(t *testing.T, archive func(testing.TB) telemetry.Archive)) {
	t.Run("sqlite", func(t *testing.T) { test(t, nil) })
	t.Run("influx", func(t *testing.T) {
		server := testbed.InfluxDB(t)
		test(t, func(t testing.TB) telemetry.Archive {
			a := must(influx.Open(t.Context(), influx.Options{URL: server.URL, Org: server.Org, Token: server.Token, Bucket: "city"}))(t)
			t.Cleanup(func() { check(t, a.Close()) })
			return a
		})
	})
}

// clock is an instant in the city's zone, as "2026-02-15 10:30".
func clock(t testing.TB, text string) time.Time {
	t.Helper()
	return must(time.ParseInLocation("2006-01-02 15:04", text, hanoi))(t)
}

// splitCity is a city in February: stations a and b, c which moves on 15
// February at 10:30 from the west to the east, and a bus. Ward W has all of
// it, until on 1 March its eastern half becomes ward E. N has no station.
func splitCity(t *testing.T, archive func(testing.TB) telemetry.Archive) *hub {
	h := newHubOf(t, plan{archive: archive, now: clock(t, "2026-02-15 10:30")})
	h.city()
	for _, place := range []string{`"a","position":[105.82,21.02]`, `"b","position":[105.88,21.02]`, `"c","position":[105.83,21.03]`} {
		h.post("things", `{"organisation":"HN","code":`+place+`}`).want(201)
	}
	h.post("things", `{"code":"bus","organisation":"HN","mobile":true}`).want(201)
	for _, code := range []string{"a", "b", "c", "bus"} {
		h.post("devices", fmt.Sprintf(`{"code":%q,"model":"air","organisation":"HN"}`, code)).want(201)
		h.post("deployments", fmt.Sprintf(`{"device":%q,"thing":%q,"from":"2020-01-01T00:00:00Z"}`, code, code)).want(201)
	}
	c := h.get("things?code=c").want(200).items()[0].(map[string]any)
	h.call("PATCH", fmt.Sprintf("things/%v", c["id"]), `{"position":[105.87,21.03]}`).want(200)

	h.post("zones", fmt.Sprintf(`{"code":"W","kind":"ward","geometry":%s,"validFrom":"2025-07-01"}`, box(105.80, 105.90))).want(201)
	h.post("zones", fmt.Sprintf(`{"code":"E","kind":"ward","geometry":%s,"validFrom":"2026-03-01"}`, box(105.85, 105.90))).want(201)
	h.post("zones", fmt.Sprintf(`{"code":"N","kind":"ward","name":"=N","geometry":%s,"validFrom":"2025-07-01"}`, box(105.70, 105.75))).want(201)
	w := h.get("zones?code=W").want(200).items()[0].(map[string]any)
	h.post(fmt.Sprintf("zones/%v/versions", w["id"]), fmt.Sprintf(`{"from":"2026-03-01","geometry":%s}`, box(105.80, 105.85))).want(200)

	h.set(clock(t, "2026-03-03 09:00"))
	h.read(t, "a", "2026-02-02 08:10", "10")
	h.read(t, "a", "2026-02-02 08:40", "20")
	h.read(t, "a", "2026-02-02 08:45", "999") // out of range
	h.read(t, "a", "2026-02-20 12:00", "30")
	h.read(t, "b", "2026-02-03 00:30", "100") // 2 February in UTC
	h.read(t, "b", "2026-02-28 23:30", "40")
	h.read(t, "b", "2026-03-01 00:10", "400") // 28 February in UTC
	h.read(t, "c", "2026-02-15 10:10", "5")   // in the west …
	h.read(t, "c", "2026-02-15 10:50", "7")   // … and in the east, in one hour
	h.read(t, "bus", "2026-02-10 09:00", "50", 105.81, 21.05)
	h.read(t, "bus", "2026-02-10 09:10", "60", 105.89, 21.05)
	h.read(t, "bus", "2026-02-10 09:20", "70") // somewhere
	h.stored()
	check(t, h.roller.Step(t.Context()))
	return h
}

func box(west, east float64) string {
	return fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%g,21],[%g,21],[%g,21.1],[%g,21.1],[%g,21]]]}`, west, east, east, west, west)
}

// read sends a reading of pm25, from a place where one is given.
func (h *hub) read(t testing.TB, device, at, value string, place ...float64) {
	t.Helper()
	position := ""
	if place != nil {
		position = fmt.Sprintf(`,"position":[%g,%g]`, place[0], place[1])
	}
	h.post("ingest", fmt.Sprintf(`{"device":%q,"time":%q%s,"values":{"pm25":%s}}`, device, clock(t, at).Format(time.RFC3339), position, value)).want(202)
}

// between is a time in the city's zone as a parameter.
func between(t testing.TB, from, to string) string {
	return "&datetime=" + url.QueryEscape(clock(t, from).Format(time.RFC3339)+"/"+clock(t, to).Format(time.RFC3339))
}

// zoneRows tells the items of zone statistics: "code day count/stations mean
// min max sum", the day where windows were asked for.
func (h *hub) zoneRows(query string, headers ...string) string {
	h.t.Helper()
	var answer struct {
		Items []struct {
			Code                string
			From                time.Time
			Count               int64
			Stations            int
			Mean, Min, Max, Sum *float64
		}
	}
	r := h.get("zones/statistics?kind=ward&property=pm25&fn=mean,min,max,sum"+query, headers...).want(200)
	check(h.t, json.Unmarshal(r.body, &answer))
	rows := []string{}
	for _, i := range answer.Items {
		row := i.Code
		if strings.Contains(query, "window=") {
			row += i.From.In(hanoi).Format(" 02T15")
		}
		row += fmt.Sprintf(" %d/%d", i.Count, i.Stations)
		for _, v := range []*float64{i.Mean, i.Min, i.Max, i.Sum} {
			if v == nil {
				row += " -"
			} else {
				row += fmt.Sprintf(" %.9g", *v)
			}
		}
		rows = append(rows, row)
	}
	return strings.Join(rows, "; ")
}

// The sums were made by hand, see splitCity: of W's nine readings of February
// (10+20+30 of a, 100+40 of b, 5+7 of c, 50+60 of the bus) the new boundary
// leaves it a's three, c's first and the bus's first.
func TestAMonthByOldAndNewBoundaries(t *testing.T) {
	onBothArchives(t, func(t *testing.T, archive func(testing.TB) telemetry.Archive) {
		h := splitCity(t, archive)
		february := between(t, "2026-02-01 00:00", "2026-03-01 00:00")
		for query, want := range map[string]string{
			february + "&boundaries=2026-02-28":                "N 0/0 - - - -; W 9/4 35.7777778 5 100 322",
			february + "&boundaries=2026-03-01":                "E 4/3 51.75 7 100 207; N 0/0 - - - -; W 5/3 23 5 50 115",
			february:                                           "E 4/3 51.75 7 100 207; N 0/0 - - - -; W 5/3 23 5 50 115",
			february + "&boundaries=then":                      "N 0/0 - - - -; W 9/4 35.7777778 5 100 322",
			february + "&boundaries=2026-02-28&weight=station": "N 0/0 - - - -; W 9/4 37.75 5 100 322", // 20, 70, 6, 55
			february + "&boundaries=2026-03-01&weight=station": "E 4/3 45.6666667 7 100 207; N 0/0 - - - -; W 5/3 25 5 50 115",
			february + "&boundaries=2026-03-01&zone=E":         "E 4/3 51.75 7 100 207",
			february + "&boundaries=2020-01-01":                "",
			february + "&boundaries=2026-02-28&rollups=only":   "N 0/0 - - - -; W 5/2 40 10 100 200", // without the bus, and the hour in which c moved
			february + "&organisation=HN&zone=N":               "N 0/0 - - - -",

			between(t, "2026-02-01 00:00", "2026-03-02 00:00") + "&boundaries=then&window=P1M": "E 01T00 1/1 400 400 400 400; " +
				"N 01T00 0/0 - - - -; N 01T00 0/0 - - - -; W 01T00 9/4 35.7777778 5 100 322; W 01T00 0/0 - - - -",
			between(t, "2026-02-02 00:00", "2026-02-04 00:00") + "&window=P1D&zone=W": "W 02T00 2/1 15 10 20 30; W 03T00 0/0 - - - -",
			between(t, "2026-02-15 09:00", "2026-02-15 11:00") + "&window=PT1H&boundaries=2026-03-01": "E 15T09 0/0 - - - -; E 15T10 1/1 7 7 7 7; " +
				"N 15T09 0/0 - - - -; N 15T10 0/0 - - - -; W 15T09 0/0 - - - -; W 15T10 1/1 5 5 5 5",
			between(t, "2026-02-28 23:00", "2026-03-01 01:00") + "&boundaries=then": "E 1/1 400 400 400 400; N 0/0 - - - -; W 1/1 40 40 40 40",
		} {
			if got := h.zoneRows(query); got != want {
				t.Errorf("%s\n got %s\nwant %s", query, got, want)
			}
		}
		h.stored()
	})
}

func TestZoneStatisticsObeyTheirBounds(t *testing.T) {
	h := splitCity(t, nil)
	february := between(t, "2026-02-01 00:00", "2026-03-01 00:00")
	path := "zones/statistics?kind=ward&property=pm25" + february

	first := h.get(path).want(200)
	etag := first.header.Get("ETag")
	if etag == "" {
		t.Fatal("a month that is over has no ETag")
	}
	h.get(path, "If-None-Match: "+etag).want(304)
	h.read(t, "a", "2026-02-05 05:05", "500")
	h.stored()
	check(t, h.roller.Step(t.Context()))
	if late := h.get(path, "If-None-Match: "+etag).want(200); late.header.Get("ETag") == etag {
		t.Error("the tag outlived a late reading")
	}
	if open := h.get("zones/statistics?kind=ward&property=pm25").want(200); open.header.Get("ETag") != "" {
		t.Error("what still changes has a tag")
	}

	table := string(h.get(path + "&zone=N&format=csv&fn=mean").want(200).body)
	if !strings.HasPrefix(table, "zone,code,name,from,to,count,stations,mean\n") || !strings.Contains(table, ",N,'=N,2026-01-31T17:00:00Z,2026-02-28T17:00:00Z,0,0,\n") {
		t.Errorf("as CSV: %s", table)
	}

	h.post("organisations", `{"code":"XX"}`).want(201)
	stranger := h.newKey(access.Viewer, int64(h.get("organisations?code=XX").items()[0].(map[string]any)["id"].(float64)))
	if got := h.zoneRows(february, "Authorization: Bearer "+stranger); got != "E 0/0 - - - -; N 0/0 - - - -; W 0/0 - - - -" {
		t.Errorf("a stranger sees %s", got)
	}

	for query, field := range map[string]string{
		"kind=ward&property=note":                                                                  "property",
		"kind=ward&property=pm25&fn=median":                                                        "fn",
		"kind=ward&property=pm25&boundaries=yesterday":                                             "boundaries",
		"kind=ward&property=pm25&zone=nowhere":                                                     "zone",
		"kind=ward&property=pm25&datetime=2000-01-01T00:00:00Z/..":                                 "datetime",
		"kind=ward&property=pm25&datetime=2200-01-01T00:00:00Z/..":                                 "datetime",
		"kind=ward&property=pm25&window=PT1H&datetime=2020-01-01T00:00:00Z/..":                     "datetime",
		"kind=ward&property=pm25&window=PT1H&datetime=2025-01-01T00:00:00Z/..&organisation=nobody": "organisation",
		"kind=ward&property=pm25&weight=gold":                                                      "weight",
		"property=pm25":                                                                            "kind",
	} {
		r := h.get("zones/statistics?" + query).want(400)
		if got := r.json()["errors"].([]any)[0].(map[string]any)["field"]; got != field && got != "query."+field {
			t.Errorf("%s: at fault is %v, want %s: %s", query, got, field, r.body)
		}
	}
	h.get("zones/statistics?kind=ward&property=none").want(404)
}
