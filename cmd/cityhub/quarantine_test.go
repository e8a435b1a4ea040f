package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// TestQuarantineListTurnsPages asks a hub that has 1,200 messages.
func TestQuarantineListTurnsPages(t *testing.T) {
	const all = 1200
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit, _ := strconv.Atoi(r.FormValue("limit"))
		after, _ := strconv.Atoi(r.FormValue("after"))
		if limit < 1 || limit > 1000 || r.FormValue("reason") != "no_route" {
			http.Error(w, r.URL.String(), http.StatusBadRequest)
			return
		}
		page := quarantinePage{Counts: map[string]int64{"wrong_clock": 3, "no_route": all, "quota": 1}}
		for id := after + 1; id <= min(after+limit, all); id++ {
			page.Items = append(page.Items, quarantined{ID: int64(id), Reason: "no_route"})
		}
		if last := after + limit; last < all {
			page.Next = fmt.Sprintf("/api/v1/quarantine?after=%d&limit=%d", last, limit)
		}
		_ = json.NewEncoder(w).Encode(page)
	}))
	defer hub.Close()
	for limit, want := range map[string]int{"10": 10, "1000": 1000, "1100": 1100, "5000": all} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"quarantine", "list", "--hub", hub.URL, "--reason", "no_route", "--limit", limit}, nil, &out, &errs); code != 0 {
			t.Fatalf("--limit %s: %s", limit, errs.String())
		}
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		if got := len(lines) - 4; got != want { // a head and three counts
			t.Errorf("--limit %s lists %d messages, want %d", limit, got, want)
		}
		for i, reason := range []string{"no_route", "quota", "wrong_clock"} {
			if line := lines[len(lines)-3+i]; !strings.Contains(line, reason) {
				t.Errorf("the counts are not in order: %q", line)
			}
		}
	}
}
