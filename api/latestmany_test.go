package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"cityhub/access"
)

// things counts the features of each thing in an answer.
func (h *hub) things(query string, headers ...string) map[string]int {
	h.t.Helper()
	var answer struct {
		Features []struct {
			Properties struct{ Thing string }
		}
	}
	check(h.t, json.Unmarshal(h.get(query, headers...).want(200).body, &answer))
	told := map[string]int{}
	for _, f := range answer.Features {
		told[f.Properties.Thing]++
	}
	return told
}

// Stations that join a crowded street do not take the others off the map, and
// neither does one that leaves it: whatever was written of them before, each is
// told once.
func TestEveryStationIsToldWhileTheStreetFills(t *testing.T) {
	h := newHub(t)
	h.city()
	all := map[string]bool{}
	for n := range 130 {
		code := fmt.Sprintf("s%d", n)
		h.place(code, "HN", 105.85+float64(n)*1e-5, 21.03, float64(n), 0)
		all[code] = true
		if n%12 == 11 {
			station := fmt.Sprintf("s%d", n-5)
			at := h.idOf("things", station)
			h.call("PATCH", fmt.Sprintf("things/%d", at), fmt.Sprintf(`{"position":[%g,20.9]}`, 105.8+float64(n)*1e-5), patch).want(200)
		}
		if n%7 != 0 {
			continue
		}
		for _, query := range []string{"latest?property=pm25", "map/clusters?property=pm25&zoom=24"} {
			told := h.things(query)
			for code := range all {
				if told[code] != 1 {
					t.Fatalf("%d stations, and %s tells of %s %d times", len(all), query, code, told[code])
				}
			}
			if len(told) != len(all) {
				t.Fatalf("%d stations, and %s tells of %d", len(all), query, len(told))
			}
		}
	}
}

// Who asks for the same again gets what was kept, and whatever has changed
// since: a value, a name, a station, the caller, or the clock alone.
func TestTheSameAnswerAgain(t *testing.T) {
	h := mapCity(t)
	const all = "latest?property=pm25"
	target := must(h.registry.Resolve("a", h.now()))(t)
	for _, step := range []struct {
		what   string
		change func()
		want   string
	}{
		{"at first", func() {}, "[a 10 ok b 20 stale c 60 ok d 5 ok]"},
		{"after a reading", func() { h.tell(target.Series.ID, h.now().Add(time.Second), 11) }, "[a 11 ok b 20 stale c 60 ok d 5 ok]"},
		{"after a new station", func() { h.place("e", "HN", 105.85, 21.03, 7, 0) }, "[a 11 ok b 20 stale c 60 ok d 5 ok e 7 ok]"},
		{"a day later", func() { h.ahead.Store(int64(24 * time.Hour)) }, "[a 11 stale b 20 stale c 60 stale d 5 stale e 7 stale]"},
	} {
		step.change()
		for n := range 4 {
			if got := h.seen(all); got != step.want {
				t.Errorf("%s, asked for the %d. time: %s, want %s", step.what, n+1, got, step.want)
			}
		}
		if got := h.seen(all, "Authorization: Bearer "+h.newKey(access.Viewer, h.idOf("organisations", "XX"))); strings.Contains(got, "a 1") {
			t.Errorf("%s another organisation is told of all: %s", step.what, got)
		}
	}
}
