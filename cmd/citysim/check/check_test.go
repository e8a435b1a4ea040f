package check

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cityhub/cmd/citysim/ledger"
)

// hub answers as the real one does, from what a test has put into it.
type hub struct {
	t       *testing.T
	mu      sync.Mutex
	streams map[string][]int64 // by device
	rows    map[int64][]map[string]any
	kept    []map[string]any
	spool   []int64 // answers of /status, the last one for good
	arrives func(*hub)
	key     string
}

const perDevice = 25

// book is a ledger of three devices; the last message of each was not acked.
func book() ledger.Contents {
	var c ledger.Contents
	for i := range uint32(3 * perDevice) {
		r := ledger.Record{Device: i%3 + 1, Seq: i/3 + 1, State: ledger.Acked}
		r.Time = 1_780_000_000_000_000_000 + int64(r.Seq)*1_000_001_000
		if r.Seq == perDevice {
			r.State = ledger.Unacked
		}
		c.Records = append(c.Records, r)
	}
	return c
}

// good holds every acked reading once, and one that was not acked.
func good(t *testing.T) *hub {
	h := &hub{t: t, streams: map[string][]int64{}, rows: map[int64][]map[string]any{}, spool: []int64{0}}
	for _, r := range book().Records {
		stream := int64(r.Device) * 10
		h.streams[ledger.DeviceCode(r.Device)] = []int64{stream}
		if r.State == ledger.Acked || r.Device == 1 {
			h.rows[stream] = append(h.rows[stream], row(r))
		}
	}
	return h
}

func row(r ledger.Record) map[string]any {
	return map[string]any{"id": int64(r.Device)<<32 | int64(r.Seq)<<4, "phenomenonTime": instant(r.Time), "result": ledger.ValueOf(r.Seq), "quality": []string{}}
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.key != "" && r.Header.Get("Authorization") != "Bearer "+h.key {
		http.Error(w, `{"title":"who are you?"}`, http.StatusUnauthorized)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/v1")
	switch {
	case path == "/status":
		answer(w, map[string]any{"spool": map[string]any{"readings": h.spool[0]}})
		h.spool = h.spool[min(1, len(h.spool)-1):]
		if h.arrives != nil && len(h.spool) == 1 {
			h.arrives(h)
		}
	case path == "/datastreams":
		if r.URL.Query().Get("property") != ledger.Property {
			h.t.Errorf("asked for %s", r.URL)
		}
		items := []map[string]any{}
		for _, id := range h.streams[r.URL.Query().Get("device")] {
			items = append(items, map[string]any{"id": id})
		}
		h.list(w, r, items)
	case path == "/quarantine":
		h.list(w, r, h.kept)
	default:
		id, _ := strconv.ParseInt(strings.Split(path, "/")[2], 10, 64)
		h.list(w, r, within(h.rows[id], r.URL.Query().Get("datetime")))
	}
}

func within(rows []map[string]any, span string) []map[string]any {
	from, to, _ := strings.Cut(span, "/")
	begin, _ := time.Parse(time.RFC3339Nano, from)
	end, _ := time.Parse(time.RFC3339Nano, to)
	items := []map[string]any{}
	for _, r := range rows {
		at, _ := time.Parse(time.RFC3339Nano, r["phenomenonTime"].(string))
		if !at.Before(begin) && !at.After(end) {
			items = append(items, r)
		}
	}
	return items
}

// list pages by an offset.
func (h *hub) list(w http.ResponseWriter, r *http.Request, items []map[string]any) {
	query := r.URL.Query()
	offset, _ := strconv.Atoi(query.Get("after"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	if limit == 0 {
		limit = 100
	}
	items = items[min(offset, len(items)):]
	out := map[string]any{"items": items}
	if len(items) > limit {
		query.Set("after", strconv.Itoa(offset+limit))
		out = map[string]any{"items": items[:limit], "next": r.URL.Path + "?" + query.Encode()}
	}
	answer(w, out)
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func run(t *testing.T, h *hub, wait time.Duration) (Report, error) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	return Run(context.Background(), Options{Hub: server.URL, Key: h.key, Wait: wait, Limit: 7, Workers: 2}, book())
}

// quarantine moves a device's nth reading to quarantine.
func (h *hub) quarantine(device uint32, nth int) {
	stream := int64(device) * 10
	gone := h.rows[stream][nth]
	h.rows[stream] = slices.Delete(slices.Clone(h.rows[stream]), nth, nth+1)
	payload := fmt.Sprintf(`{"time":%q,"seq":%d,"values":{}}`, gone["phenomenonTime"], nth+1)
	h.kept = append(h.kept, map[string]any{"topic": "cityhub/v1/" + ledger.DeviceCode(device) + "/telemetry",
		"reason": "not_deployed", "payload": base64.StdEncoding.EncodeToString([]byte(payload))})
}

func TestReports(t *testing.T) {
	const acked = 3 * (perDevice - 1)
	base := Report{Acked: acked, Unacked: 3, Readable: acked, UnackedStored: 1}
	for name, c := range map[string]struct {
		spoil func(*hub)
		want  func(*Report)
		ok    bool
	}{
		"all is well":      {func(*hub) {}, func(*Report) {}, true},
		"a key is asked":   {func(h *hub) { h.key = "secret" }, func(*Report) {}, true},
		"in quarantine":    {func(h *hub) { h.quarantine(2, 4); h.quarantine(2, 9) }, func(r *Report) { r.Readable -= 2; r.Quarantined = 2 }, true},
		"spool drains":     {func(h *hub) { h.spool = []int64{900, 20, 0} }, func(*Report) {}, true},
		"one is lost":      {func(h *hub) { h.rows[20] = slices.Delete(h.rows[20], 5, 6) }, func(r *Report) { r.Readable--; r.Lost = make([]ledger.Record, 1) }, false},
		"the last is lost": {func(h *hub) { h.rows[30] = h.rows[30][:perDevice-2] }, func(r *Report) { r.Readable--; r.Lost = make([]ledger.Record, 1) }, false},
		"device unknown": {func(h *hub) { delete(h.streams, ledger.DeviceCode(3)) },
			func(r *Report) { r.Readable -= perDevice - 1; r.Lost = make([]ledger.Record, perDevice-1) }, false},
		"one is doubled": {func(h *hub) { h.rows[10] = slices.Insert(h.rows[10], 3, twin(h.rows[10][3])) }, func(r *Report) { r.Duplicates = 1 }, false},
		"doubled in another datastream": {func(h *hub) {
			h.streams[ledger.DeviceCode(1)] = []int64{10, 11}
			h.rows[11] = []map[string]any{h.rows[10][0]}
		}, func(r *Report) { r.Duplicates = 1 }, false},
		"one has another value": {func(h *hub) { h.rows[10][2]["result"] = 77.7 }, func(r *Report) { r.Readable--; r.Wrong = make([]ledger.Record, 1) }, false},
		"one has another time": {func(h *hub) { h.rows[10][2]["phenomenonTime"] = instant(1_780_000_000_500_000_000) },
			func(r *Report) { r.Readable--; r.Foreign = 1; r.Lost = make([]ledger.Record, 1) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, want := good(t), base
			c.spoil(h)
			c.want(&want)
			wait := time.Duration(0)
			if name == "spool drains" {
				wait = 20 * time.Second
			}
			got, err := run(t, h, wait)
			if err != nil {
				t.Fatal(err)
			}
			if got.OK() != c.ok || figures(got) != figures(want) {
				t.Errorf("got %s, want %s", figures(got), figures(want))
			}
			if got.Duplicates > 0 && len(got.FirstDuplicates) == 0 {
				t.Error("the duplicate is not named")
			}
		})
	}
}

func twin(row map[string]any) map[string]any {
	return map[string]any{"id": row["id"].(int64) + 1, "phenomenonTime": row["phenomenonTime"], "result": row["result"]}
}

func figures(r Report) string {
	return fmt.Sprintf("acked %d readable %d quarantined %d lost %d duplicates %d wrong %d unacked %d stored %d foreign %d", r.Acked, r.Readable,
		r.Quarantined, len(r.Lost), r.Duplicates, len(r.Wrong), r.Unacked, r.UnackedStored, r.Foreign)
}

func TestTheLostOneIsNamed(t *testing.T) {
	h := good(t)
	h.rows[20] = slices.Delete(h.rows[20], 5, 6)
	got, err := run(t, h, 0)
	if err != nil || len(got.Lost) != 1 || got.Lost[0].Device != 2 || got.Lost[0].Seq != 6 {
		t.Errorf("lost %+v, %v", got.Lost, err)
	}
}

// TestWaitsForWhatTheBrokerStillHolds has an empty spool while readings are
// missing, and brings them later.
func TestWaitsForWhatTheBrokerStillHolds(t *testing.T) {
	h := good(t)
	all := h.rows[20]
	h.rows[20] = all[:3]
	asked := 0
	h.arrives = func(h *hub) {
		if asked++; asked == 3 {
			h.rows[20] = all
		}
	}
	got, err := run(t, h, time.Minute)
	if err != nil || !got.OK() || asked < 3 {
		t.Errorf("%s after %d looks, %v", figures(got), asked, err)
	}
}

func TestRefusalIsAnError(t *testing.T) {
	h := good(t)
	h.key = "secret"
	server := httptest.NewServer(h)
	defer server.Close()
	_, err := Run(context.Background(), Options{Hub: server.URL, Limit: 7, Workers: 2}, book())
	if err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("got %v", err)
	}
}

func TestNextPage(t *testing.T) {
	at, _ := url.Parse("http://hub:8080/api/v1/things?limit=5")
	for _, c := range []struct{ link, next, want string }{
		{"", "", ""},
		{"", "/api/v1/things?after=x&limit=5", "http://hub:8080/api/v1/things?after=x&limit=5"},
		{"", "http://hub:8080/api/v1/things?after=x", "http://hub:8080/api/v1/things?after=x"},
		{"", "abc", "http://hub:8080/api/v1/things?after=abc&limit=5"},
		{`<?after=y>; rel="next"`, "abc", "http://hub:8080/api/v1/things?after=y"},
	} {
		next, err := nextPage(at, linkNext(http.Header{"Link": {c.link}}), c.next)
		got := ""
		if next != nil {
			got = next.String()
		}
		if err != nil || got != c.want {
			t.Errorf("%q, %q: %q, %v; want %q", c.link, c.next, got, err, c.want)
		}
	}
}
