package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
	"cityhub/api"
	"cityhub/telemetry"
)

func TestIngest(t *testing.T) {
	h := newHub(t)
	h.city()
	for _, c := range []struct {
		name, body, media string
		status, accepted  int
		reasons           []string
	}{
		{"one object", `{"device":"dev-1","values":{"pm25":1}}`, "application/json", 202, 1, nil},
		{"an array with one refused", `[{"device":"dev-1","values":{"pm25":1}},{"device":"dev-9","values":{"pm25":1}}]`, "application/json; charset=utf-8", 202, 1, []string{"not_registered"}},
		{"all refused", `[{"device":"dev-9","values":{"pm25":1}},{"device":"dev-1","values":{"x":1}}]`, "application/json", 422, 0, []string{"not_registered", "no_channel"}},
		{"no JSON", `{"device":`, "application/json", 422, 0, []string{"undecodable"}},
		{"duplicate key", `{"device":"dev-1","device":"dev-2","values":{}}`, "application/json", 422, 0, []string{"duplicate_key"}},
		{"SenML", `[{"bn":"dev-1:","n":"pm25","v":7}]`, "application/senml+json", 202, 1, nil},
		{"another media type", `a=b`, "application/x-www-form-urlencoded", 415, 0, nil},
		{"no media type", `{"device":"dev-1","values":{"pm25":1}}`, "", 415, 0, nil},
		{"above the payload limit", `{"device":"` + strings.Repeat("x", 300<<10) + `"}`, "application/json", 413, 0, []string{"too_large"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.under(t)
			r := h.call(http.MethodPost, "ingest", c.body, "Content-Type: "+c.media).want(c.status)
			var reasons []string
			refused, _ := r.json()["refused"].([]any)
			for _, one := range refused {
				reasons = append(reasons, one.(map[string]any)["reason"].(string))
			}
			if diff := cmp.Diff(c.reasons, reasons); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			if accepted, _ := r.json()["accepted"].(float64); int(accepted) != c.accepted {
				t.Errorf("%v accepted, want %d", accepted, c.accepted)
			}
		})
	}
	c := h.counters.Totals()
	if received := telemetry.Sum(c.Received); received != c.Accepted+telemetry.Sum(c.Rejected) || c.Accepted != 3 {
		t.Errorf("received %d, accepted %d, rejected %d", received, c.Accepted, telemetry.Sum(c.Rejected))
	}
}

// What is answered with 202 is there after the answer, without waiting.
func TestIngestIsTold(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("ingest", `{"device":"dev-1","values":{"pm25":4}}`).want(202)
	if c := h.counters.Totals(); c.Accepted != 1 {
		t.Errorf("%d accepted once the answer is there", c.Accepted)
	}
	eventually(t, "the newest value is shown", func() bool {
		return strings.Contains(string(h.get("latest?property=pm25").body), `"value":4`)
	})
}

func TestIngestFromElsewhere(t *testing.T) {
	h := newHub(t)
	h.city()
	body := `{"device":"dev-1","values":{"pm25":1}}`
	h.call(http.MethodPost, "ingest", body, "Authorization: ").want(401)
	h.call(http.MethodPost, "ingest", body, "Authorization: Bearer "+h.newKey(access.Viewer, 0)).want(403)
	h.call(http.MethodPost, "ingest", body, "Sec-Fetch-Site: cross-site").want(403)
	h.call(http.MethodPost, "ingest", body, "Origin: https://elsewhere.example").want(403)
	h.call(http.MethodPost, "ingest", body, "Origin: "+h.url).want(202)
	h.call(http.MethodPost, "ingest", body, "Content-Encoding: gzip").want(415)
}

// stalled keeps nothing until it is let go.
type stalled struct {
	mu   sync.Mutex
	held []func(telemetry.Receipt)
}

func (s *stalled) Submit(_ telemetry.Arrival, done func(telemetry.Receipt)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, done)
}

func (s *stalled) release(r telemetry.Receipt) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, done := range s.held {
		done(r)
	}
	n := len(s.held)
	s.held = nil
	return n
}

// While the spool does not keep, the sender is told to come again.
func TestIngestWhileTheSpoolFails(t *testing.T) {
	intake := &stalled{}
	h := newHub(t, func(o *api.Options) { o.Intake, o.IngestWait = intake, 20*time.Millisecond })
	h.city()
	r := h.post("ingest", `{"device":"dev-1","values":{"pm25":1}}`).want(503)
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if n := intake.release(telemetry.Receipt{Err: telemetry.ErrClosed}); n != 1 {
		t.Errorf("%d arrivals were submitted, want 1", n)
	}
}
