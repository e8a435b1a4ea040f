package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const depot = `{"code":"depot","kind":"depot","validFrom":"2020-01-01","geometry":{"type":"Polygon","coordinates":[[[105.80,21],[105.81,21],[105.81,21.01],[105.80,21.01],[105.80,21]]]}}`

func TestGeofencesTellWhoEntersAndLeaves(t *testing.T) {
	h := newHub(t)
	h.city()
	thing, _ := h.bus("dev-1")
	h.post("zones", depot).want(201)
	fence := h.post("geofences", `{"code":"depot-1","zone":"depot","organisation":"HN","things":["st-1"],"distance":50,"time":60}`).want(201).id()
	if f := h.get(fmt.Sprintf("geofences/%d", fence)).want(200).json(); f["zone"] != "depot" || f["distance"] != 50.0 || f["time"] != 60.0 || fmt.Sprint(f["things"]) != fmt.Sprintf("[%d]", thing) {
		t.Errorf("the fence is told as %v", f)
	}
	live := h.live("events=fence")
	h.ahead.Add(int64(time.Hour)) // what follows is after the fence was made
	h.drive(20*time.Minute, 105.79, 21.005)
	entered := h.drive(18*time.Minute, 105.805, 21.005)
	confirmed := h.drive(16*time.Minute, 105.806, 21.005)
	var items []any
	eventually(t, "the crossing is kept", func() bool {
		items = h.get("geofence-events?zone=depot&thing=st-1").want(200).items()
		return len(items) == 1
	})
	e := items[0].(map[string]any)
	if e["event"] != "enter" || e["thing"] != "st-1" || e["zone"] != "depot" || e["time"] != entered || e["confirmed"] != confirmed || fmt.Sprint(e["position"]) != "[105.805 21.005]" {
		t.Errorf("told as %v", e)
	}
	told := ""
	for told == "" && live.lines.Scan() {
		if line := live.lines.Text(); strings.Contains(line, `"event":`) {
			told = line
		}
	}
	if !strings.Contains(told, `"event":"enter"`) || !strings.Contains(told, `"zone":"depot"`) {
		t.Errorf("the stream tells %q", told)
	}
	for query, want := range map[string]int{fmt.Sprintf("fence=%d", fence): 1, "datetime=../2020-01-01T00:00:00Z": 0, "datetime=" + entered: 1, "fence=99": 0} {
		if got := len(h.get("geofence-events?" + query).want(200).items()); got != want {
			t.Errorf("%s: %d events, want %d", query, got, want)
		}
	}
}

func TestGeofencesAreRefusedByName(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("zones", depot).want(201)
	for body, field := range map[string]string{
		`{"code":"f","zone":"nowhere"}`:                   "zone",
		`{"code":"f","zone":"depot","distance":-1}`:       "distance",
		`{"code":"f","zone":"depot","time":86401}`:        "time",
		`{"code":"f","zone":"depot","things":["nobody"]}`: "things",
		`{"code":"f f","zone":"depot"}`:                   "code",
		`{"code":"f"}`:                                    "zone",
	} {
		if r := h.call(http.MethodPost, "geofences", body); r.status != 422 || !strings.Contains(string(r.body), field) {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	for query, field := range map[string]string{"fence=0": "fence", "zone=nowhere": "zone", "thing=nobody": "thing", "datetime=x": "datetime", "after=!": "after", "limit=1001": "limit"} {
		if r := h.get("geofence-events?" + query).want(400); !strings.Contains(string(r.body), `"field":"`+field) {
			t.Errorf("%s: %s", query, r.body)
		}
	}
}
