package api_test

import (
	"encoding/json"
	"fmt"
	"testing"
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
