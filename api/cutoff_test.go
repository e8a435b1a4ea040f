package api_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cut makes a write that was answered look like one that the end of the hub
// cut off after it was done.
func (h *hub) cut(key string) {
	h.t.Helper()
	db := must(sql.Open("sqlite", "file:"+h.file+"?_pragma=busy_timeout(5000)"))(h.t)
	defer db.Close()
	done := must(db.ExecContext(h.t.Context(), `UPDATE idempotency_keys SET status = 0 WHERE name = ?`, key))(h.t)
	if n := must(done.RowsAffected())(h.t); n != 1 {
		h.t.Fatalf("%d keys %q", n, key)
	}
}

// A secret must not be ended, and a note not written twice, by a telephone that
// does not know that it was heard.
func TestAWriteThatWasCutOff(t *testing.T) {
	h := newHub(t)
	h.city()
	visit := h.post("visits", `{"thing":"st-1"}`).want(201).id()
	notes := fmt.Sprintf("visits/%d/notes", visit)
	for name, w := range map[string]struct {
		method, path, body string
		again              int
	}{
		"a rotation":       {"POST", "devices/1/credentials", ``, 409},
		"a note":           {"POST", notes, `{"text":"mud"}`, 409},
		"a move":           {"POST", "devices/1/maintenance", `{"action":"begin"}`, 409},
		"a note with name": {"POST", notes, `{"text":"leaf","clientId":"01JD3S9V6W3ZK8Q5T0X7N2M4B1"}`, 200},
		"an edit":          {"PATCH", "things/1", `{"name":"x"}`, 200},
	} {
		t.Run(name, func(t *testing.T) {
			key := "Idempotency-Key: " + strings.ReplaceAll(name, " ", "-")
			if r := h.call(w.method, w.path, w.body, key); r.status >= 300 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			h.cut(strings.ReplaceAll(name, " ", "-"))
			before := h.dump()
			r := h.call(w.method, w.path, w.body, key)
			if r.status != w.again && !(w.again == 200 && r.status < 300) || r.status == 409 && !strings.Contains(string(r.body), "cut off") {
				t.Errorf("again: %d %s", r.status, r.body)
			}
			if diff := cmp.Diff(before, h.dump()); w.again == 409 && diff != "" {
				t.Errorf("it was done twice (-before +after):\n%s", diff)
			}
		})
	}
	if n := len(h.get(fmt.Sprintf("visits/%d", visit)).json()["notes"].([]any)); n != 2 {
		t.Errorf("%d notes", n)
	}
}
