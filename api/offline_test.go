package api_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cityhub/telemetry"
)

// dump is every row of every table, save those of keys: a hub of these tests
// makes its API keys when it starts, and notes that.
func (h *hub) dump() []string {
	h.t.Helper()
	db := must(sql.Open("sqlite", "file:"+h.file+"?mode=ro"))(h.t)
	defer db.Close()
	var out []string
	for _, table := range column(h.t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('idempotency_keys', 'api_keys', 'sqlite_sequence') ORDER BY name`) {
		fields := column(h.t, db, `SELECT name FROM pragma_table_info('`+table+`')`)
		for _, row := range column(h.t, db, `SELECT `+strings.Join(quoted(fields), ` || '|' || `)+` FROM "`+table+`" ORDER BY 1`) {
			if table != "audit" || !strings.Contains(row, "|'system'|") {
				out = append(out, table+": "+row)
			}
		}
	}
	return out
}

func quoted(names []string) []string {
	for i := range names {
		names[i] = `quote("` + names[i] + `")`
	}
	return names
}

func column(t testing.TB, db *sql.DB, query string) (values []string) {
	t.Helper()
	rows := must(db.QueryContext(t.Context(), query))(t)
	defer rows.Close()
	for rows.Next() {
		var value string
		check(t, rows.Scan(&value))
		values = append(values, value)
	}
	check(t, rows.Err())
	return values
}

// day is what a technician's telephone sends when it has signal again. Some of
// it is refused, as some of any day is.
var day = []struct{ method, path, body string }{
	{"POST", "organisations", `{"code":"DOIT","name":"Đội thoát nước"}`},
	{"POST", "things", `{"clientId":"01JD3S9V6W3ZK8Q5T0X7N2M4B1","code":"cau-giay","organisation":"DOIT","position":[105.79,21.03]}`},
	{"PATCH", "things/1", `{"name":"Cầu Giấy"}`},
	{"PATCH", "things/1", `{"position":[105.791,21.031]}`},
	{"POST", "sensors", `{"code":"level","channels":[{"key":"level","property":"level","unit":"m"}]}`},
	{"POST", "devices", `{"clientId":"01JD3S9V6W3ZK8Q5T0X7N2M4B2","code":"gauge-1","model":"level","organisation":"DOIT"}`},
	{"POST", "devices", `{"code":"gauge-2","model":"level","organisation":"DOIT"}`},
	{"POST", "devices", `{"code":"gauge-2","model":"level"}`},
	{"POST", "devices", `{"code":"gauge-3","model":"nothing"}`},
	{"PATCH", "devices/1", `{"serial":"S-1"}`},
	{"POST", "deployments", `{"device":"gauge-1","thing":"cau-giay"}`},
	{"POST", "deployments", `{"device":"gauge-1","thing":"cau-giay"}`},
	{"PATCH", "deployments/1", `{"to":"2100-01-01T00:00:00Z"}`},
	{"DELETE", "deployments/1", ""},
	{"POST", "deployments", `{"clientId":"01JD3S9V6W3ZK8Q5T0X7N2M4B3","device":"gauge-2","thing":"cau-giay"}`},
	{"PATCH", "things/1", `{"description":"Dưới cầu"}`},
	{"PATCH", "things/9", `{"description":"nowhere"}`},
	{"POST", "things", `{"code":"tam","name":"Tạm"}`},
	{"DELETE", "things/2", ""},
	{"POST", "things", `{"code":"tam","name":"Tạm, lần hai"}`},
	{"POST", "locations", `{"name":"Kho","position":[105.8,21]}`},
	{"PATCH", "organisations/1", `{"name":"Đội thoát nước số 1"}`},
}

func (h *hub) sendDay() []reply {
	replies := make([]reply, len(day))
	for i, write := range day {
		replies[i] = h.call(write.method, write.path, write.body, fmt.Sprintf("Idempotency-Key: day-%d", i))
	}
	return replies
}

func TestADaySentTwiceChangesNothing(t *testing.T) {
	dir := t.TempDir()
	var first []reply
	var before []string
	var key string
	t.Run("at first and again", func(t *testing.T) {
		h := newHubAt(t, dir)
		first, key = h.sendDay(), h.key
		before = h.dump()
		enough(t, first, before)
		h.same(first, before)
	})
	t.Run("after a restart", func(t *testing.T) {
		h := newHubAt(t, dir)
		h.key = key
		h.same(first, before)
	})
}

// enough says that a day was worth comparing.
func enough(t *testing.T, first []reply, rows []string) {
	t.Helper()
	worked := 0
	for _, r := range first {
		if r.status < 300 {
			worked++
		}
	}
	if worked < 15 || worked == len(day) {
		t.Fatalf("%d of %d writes worked", worked, len(day))
	}
	if len(rows) < 15 {
		t.Fatalf("the dump has %d rows", len(rows))
	}
}

// same sends the day again: it is answered as at first, and changes nothing.
func (h *hub) same(first []reply, before []string) {
	h.t.Helper()
	for i, r := range h.sendDay() {
		if r.status != first[i].status || !bytes.Equal(r.body, first[i].body) || r.header.Get("Idempotency-Replayed") != "true" {
			h.t.Errorf("%v: %d %s, at first %d %s", day[i], r.status, r.body, first[i].status, first[i].body)
		}
		for _, name := range []string{"ETag", "Location", "Content-Type"} {
			if r.header.Get(name) != first[i].header.Get(name) {
				h.t.Errorf("%v: %s %q, at first %q", day[i], name, r.header.Get(name), first[i].header.Get(name))
			}
		}
	}
	if diff := cmp.Diff(before, h.dump()); diff != "" {
		h.t.Errorf("the tables changed (-before +after):\n%s", diff)
	}
}

// Without keys, what a client made is still made once.
func TestClientIDs(t *testing.T) {
	h := newHub(t)
	h.city()
	for path, body := range map[string]string{
		"things":      `{"clientId":"01JD3S9V6W3ZK8Q5T0X7N2M4B1","code":"c1"}`,
		"devices":     `{"clientId":"01JD3S9V6W3ZK8Q5T0X7N2M4B1","code":"c1","model":"air"}`,
		"deployments": `{"clientId":"01JD3S9V6W3ZK8Q5T0X7N2M4B1","device":"c1","thing":"st-1"}`,
	} {
		if path == "deployments" {
			h.post("devices", `{"clientId":"01JD3S9V6W3ZK8Q5T0X7N2M4B1","code":"c1","model":"air"}`)
		}
		var all sync.WaitGroup
		var made atomic.Int32
		ids := make([]int64, 6)
		for i := range ids {
			all.Go(func() {
				r := h.post(path, body)
				if r.status == 201 {
					made.Add(1)
				} else if r.status != 200 {
					t.Errorf("%s: %d %s", path, r.status, r.body)
					return
				}
				ids[i] = r.id()
			})
		}
		all.Wait()
		if path != "devices" && made.Load() != 1 || len(slices.Compact(ids)) != 1 {
			t.Errorf("%s: %d made, ids %v", path, made.Load(), ids)
		}
		at := fmt.Sprintf("%s/%d", path, ids[0])
		if r := h.call(http.MethodPatch, at, `{"clientId":"01JD3S9V6W3ZK8Q5T0X7N2M4B9"}`); r.status != 422 {
			t.Errorf("%s: its client id was changed: %d", path, r.status)
		}
	}
	h.post("things", `{"clientId":"no-ulid","code":"c2"}`).want(422)
}

func TestKeyInParallel(t *testing.T) {
	h := newHub(t)
	var all sync.WaitGroup
	var done, waiting, replayed atomic.Int32
	for range 16 {
		all.Go(func() {
			r := h.call(http.MethodPost, "locations", `{"position":[105,21]}`, "Idempotency-Key: one")
			switch {
			case r.status == 201 && r.header.Get("Idempotency-Replayed") == "":
				done.Add(1)
			case r.status == 201:
				replayed.Add(1)
			case r.status == 409 && r.header.Get("Retry-After") != "":
				waiting.Add(1)
			default:
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 || len(h.get("locations").items()) != 1 {
		t.Errorf("done %d times, %d replays, %d told to wait", done.Load(), replayed.Load(), waiting.Load())
	}
}

func TestKeys(t *testing.T) {
	h := newHub(t)
	key := "Idempotency-Key: k1"
	h.call("POST", "locations", `{"position":[105,21]}`, key).want(201)
	h.call("POST", "locations", `{"position":[105,22]}`, key).want(422)
	h.call("POST", "things", `{"position":[105,21]}`, key).want(422)
	h.call("POST", "locations", `{"position":[105,21]}`, `Idempotency-Key: "k1"`).want(201) // the draft's string
	for _, bad := range []string{`"`, "a b", "ă", strings.Repeat("k", 201)} {
		h.call("POST", "locations", `{"position":[105,21]}`, "Idempotency-Key: "+bad).want(400)
	}
	if n := len(h.get("locations").items()); n != 1 {
		t.Errorf("%d locations", n)
	}
}

// A write that the hub failed to do leaves the key free.
func TestKeyAfterFailure(t *testing.T) {
	h := newHub(t)
	var broken atomic.Bool
	broken.Store(true)
	h.replay = func(context.Context, []telemetry.Quarantined) (int, int, error) {
		if broken.Load() {
			return 0, 0, errors.New("out of order")
		}
		return 1, 0, nil
	}
	must(h.quarantine.Add(t.Context(), []telemetry.Quarantined{{Reason: telemetry.Undecodable, Received: h.now()}}))(t)
	for _, want := range []int{500, 500} {
		h.call("POST", "quarantine/replay", `{}`, "Idempotency-Key: k").want(want)
	}
	broken.Store(false)
	if r := h.call("POST", "quarantine/replay", `{}`, "Idempotency-Key: k").want(200); r.header.Get("Idempotency-Replayed") != "" {
		t.Error("an answer was kept of a failure")
	}
	if r := h.call("POST", "quarantine/replay", `{}`, "Idempotency-Key: k").want(200); r.header.Get("Idempotency-Replayed") != "true" {
		t.Error("no answer was kept")
	}
}

func TestIfMatch(t *testing.T) {
	h := newHub(t)
	h.city()
	h.call("PATCH", "devices/1", `{"serial":"0"}`).want(200)
	for _, path := range []string{"organisations/1", "things/1", "sensors/1", "devices/1", "deployments/1", "locations/1", "observed-properties/1", "datastreams/1"} {
		read := h.get(path).want(200)
		seen := read.header.Get("ETag")
		if h.get(path, "If-None-Match: "+seen).status != 304 {
			t.Errorf("%s: no 304", path)
		}
		field := map[string]string{"devices/1": "serial", "deployments/1": "to"}[path]
		if field == "" {
			field = "name"
		}
		value, other := `"mine"`, `"theirs"`
		if field == "to" {
			value, other = `"2100-01-01T00:00:00Z"`, `"2101-01-01T00:00:00Z"`
		}
		changed := h.call("PATCH", path, `{"`+field+`":`+other+`}`, "If-Match: "+seen).want(200)
		now := changed.header.Get("ETag")
		if now == seen || now != h.get(path).header.Get("ETag") {
			t.Errorf("%s: ETag %s after %s", path, now, seen)
		}
		refused := h.call("PATCH", path, `{"`+field+`":`+value+`}`, "If-Match: "+seen).want(412).json()
		yours, current := refused["yours"].(map[string]any), refused["current"].(map[string]any)
		if yours[field] != strings.Trim(value, `"`) || current[field] != strings.Trim(other, `"`) ||
			!slices.Equal(refused["differ"].([]any), []any{field}) || refused["type"] != "/problems/precondition-failed" {
			t.Errorf("%s: %v", path, refused)
		}
		h.call("DELETE", path, "", "If-Match: "+seen).want(412)
		h.call("PATCH", path, `{"`+field+`":`+value+`}`, `If-Match: "x", `+refused["currentTag"].(string)).want(200)
		h.call("PATCH", path, `{}`, `If-Match: *`).want(200)
		h.call("PATCH", path, `{}`, `If-Match: W/`+now).want(412)
	}
	h.call("PATCH", "things/99", `{}`, `If-Match: "x"`).want(404)
	h.call("POST", "things", `{"code":"z"}`, `If-Match: "x"`).want(400)
}

// What a device reports changes the bytes of its answer, and not what a write
// is held against.
func TestReportsDoNotOvertake(t *testing.T) {
	h := newHub(t)
	h.city()
	seen := h.get("devices/1").want(200).header.Get("ETag")
	h.post("ingest", `{"device":"dev-1","values":{"pm25":12}}`).want(202)
	if h.get("devices/1", "If-None-Match: "+seen).status != 200 {
		t.Error("304 for an answer whose bytes changed")
	}
	h.call("PATCH", "devices/1", `{"serial":"S"}`, "If-Match: "+seen).want(200)
	seen = h.get("devices/1").header.Get("ETag")
	h.call("PATCH", "deployments/1", `{"to":"2021-01-01T00:00:00Z"}`).want(200)
	h.call("PATCH", "devices/1", `{"serial":"T"}`, "If-Match: "+seen).want(412)
}

// Of many that saw the same version, one is in time.
func TestIfMatchInParallel(t *testing.T) {
	h := newHub(t)
	seen := h.post("organisations", `{"code":"o"}`).want(201).header.Get("ETag")
	var all sync.WaitGroup
	var won atomic.Int32
	for i := range 16 {
		all.Go(func() {
			r := h.call("PATCH", "organisations/1", fmt.Sprintf(`{"name":"n%d"}`, i), "If-Match: "+seen)
			if r.status == 200 {
				won.Add(1)
			} else if r.status != 412 {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won", won.Load())
	}
}

// The description lists the headers and their refusals on every write.
func TestWritesAreDescribed(t *testing.T) {
	h := newHub(t)
	var spec struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []struct{ Name, In string }
			Responses   map[string]any
		}
	}
	check(t, json.Unmarshal(h.get("/api/openapi.json").want(200).body, &spec))
	seen := 0
	for path, methods := range spec.Paths {
		for method, op := range methods {
			if method == "get" || slices.Contains([]string{"ingest", "try-codec", "try-sensor"}, op.OperationID) {
				continue
			}
			seen++
			var headers []string
			for _, p := range op.Parameters {
				if p.In == "header" {
					headers = append(headers, p.Name)
				}
			}
			if !slices.Contains(headers, "Idempotency-Key") || op.Responses["409"] == nil || op.Responses["422"] == nil {
				t.Errorf("%s %s: %v", method, path, headers)
			}
			entity := !strings.Contains("users keys grants session", strings.Split(path, "/")[3])
			if entity && (method == "patch" || method == "delete") && (!slices.Contains(headers, "If-Match") || op.Responses["412"] == nil) {
				t.Errorf("%s %s: %v", method, path, headers)
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d writes", seen)
	}
}

// Neither what a request keeps secret nor what an answer shows once lies in
// the database, not even as a hash that could be guessed from.
func TestSecretsAreNotKept(t *testing.T) {
	h := newHub(t)
	key := "Idempotency-Key: k"
	made := h.call("POST", "keys", `{"name":"n","role":"viewer"}`, key).want(201)
	again := h.call("POST", "keys", `{"name":"n","role":"viewer"}`, key).want(201)
	if again.id() != made.id() || made.json()["secret"] == nil || again.json()["secret"] != nil {
		t.Errorf("at first %s, then %s", made.body, again.body)
	}
	user := `{"name":"lan","password":"mot hai ba bon nam","roles":[{"role":"viewer"}]}`
	h.call("POST", "users", user, "Idempotency-Key: u").want(201)
	h.call("POST", "users", strings.Replace(user, "mot", "bon", 1), "Idempotency-Key: u").want(201)
	h.call("POST", "users", strings.Replace(user, "lan", "mai", 1), "Idempotency-Key: u").want(422)
}
