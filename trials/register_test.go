package trials

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A large simulated city comes in by several imports, tells its values over
// MQTT, and stands on the map; registered again it changes nothing.
func TestALargeSimulatedCity(t *testing.T) {
	stations := pick("600", "100000")
	h := startHub(t, t.TempDir(), nil)
	for range 2 {
		out := h.mustTool("citysim", "register", "--flood", stations, "--part", pick("250", "50000"))
		if !strings.Contains(out, stations+" stations are registered") {
			t.Error(out)
		}
	}
	flood(t, "tcp://"+h.mqt, filepath.Join(t.TempDir(), "ledger"), "--devices", stations, "--count", stations, "--rate", "0")()
	h.drained(time.Minute)
	var seen struct {
		Features []struct{ Properties struct{ Count int } }
	}
	if !h.get("/map/clusters?property=pm25&zoom=0", &seen) || len(seen.Features) != 1 || seen.Features[0].Properties.Count != pick(600, 100_000) {
		t.Errorf("on the map: %+v", seen)
	}
}
