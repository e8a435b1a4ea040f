package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
)

// drive sends a position of dev-1, so long before now.
func (h *hub) drive(before time.Duration, lon, lat float64) string {
	h.t.Helper()
	at := at(h.now().Truncate(time.Second).Add(-before))
	h.send(fmt.Sprintf(`{"device":"dev-1","time":%q,"position":[%v,%v],"values":{"pm25":7}}`, at, lon, lat))
	return at
}

func TestATrackIsALineCutAtGaps(t *testing.T) {
	h := newHub(t)
	h.city()
	thing, _ := h.bus("dev-1")
	path := fmt.Sprintf("things/%d/track", thing)
	if f := h.get(path).want(200).json(); f["geometry"] != nil {
		t.Errorf("before it moved: %v", f)
	}
	first := h.drive(60*time.Minute, 105.80, 21.00)
	if f := h.get(path).json(); !cmp.Equal(f["geometry"], map[string]any{"type": "Point", "coordinates": []any{105.80, 21.0}}) || property(f, "coordTimes") != first {
		t.Errorf("one position: %v", f)
	}
	second := h.drive(59*time.Minute, 105.81, 21.00)
	h.drive(58*time.Minute, 0, 0)
	third := h.drive(57*time.Minute, 105.82, 21.00)
	f := h.get(path).json()
	if !cmp.Equal(f["bbox"], []any{105.80, 21.0, 105.82, 21.0}) {
		t.Errorf("bbox %v", f["bbox"])
	}
	line := map[string]any{"type": "LineString", "coordinates": []any{[]any{105.80, 21.0}, []any{105.81, 21.0}, []any{105.82, 21.0}}}
	if !cmp.Equal(f["geometry"], line) || !cmp.Equal(property(f, "coordTimes"), []any{first, second, third}) || property(f, "doubtful") != 1.0 || property(f, "positions") != 3.0 {
		t.Errorf("three positions: %v", f)
	}
	if f = h.get(path + "?simplify=10").json(); !cmp.Equal(property(f, "coordTimes"), []any{first, third}) {
		t.Errorf("simplified: %v", f)
	}
	alone := h.drive(30*time.Minute, 105.83, 21.00)
	f = h.get(path).json()
	if geometry := f["geometry"].(map[string]any); geometry["type"] != "MultiLineString" ||
		!cmp.Equal(property(f, "coordTimes"), []any{[]any{first, second, third}, []any{alone, alone}}) {
		t.Errorf("with a gap: %v", f)
	}
	if f = h.get(path + "?gap=PT1H").json(); f["geometry"].(map[string]any)["type"] != "LineString" {
		t.Errorf("with a wider gap: %v", f)
	}
	h.parts(path+"?limit=2&datetime=../..", 4)
	if r := h.get("latest?property=pm25&bbox=105.825,20.9,105.835,21.1").want(200); !strings.Contains(string(r.body), "[105.83,21]") {
		t.Errorf("the map shows it elsewhere: %s", r.body)
	}
}

// parts follows a track's next and wants so many positions.
func (h *hub) parts(path string, want int) {
	h.t.Helper()
	got := 0
	for path != "" {
		f := h.get(path).want(200).json()
		got += int(property(f, "positions").(float64))
		path, _ = property(f, "next").(string)
	}
	if got != want {
		h.t.Errorf("%d positions in all parts, want %d", got, want)
	}
}

func property(feature map[string]any, name string) any {
	return feature["properties"].(map[string]any)[name]
}

func TestTracksAreRefusedByName(t *testing.T) {
	h := newHub(t)
	h.city()
	thing, _ := h.bus("dev-1")
	path := fmt.Sprintf("things/%d/track?", thing)
	for query, field := range map[string]string{"gap=long": "gap", "gap=PT0.1S": "gap", "simplify=-1": "simplify", "limit=0": "limit", "limit=10001": "limit", "datetime=x": "datetime", "tolerance=5": "tolerance"} {
		if r := h.get(path + query).want(400); !strings.Contains(string(r.body), `"field":"`+field) {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	h.get("things/99999/track").want(404)
}

func TestWhereAVehicleIsIsNeverPublished(t *testing.T) {
	h := newHub(t)
	h.city()
	thing, _ := h.bus("dev-1")
	h.drive(time.Minute, 105.80, 21.00)
	h.call(http.MethodPatch, fmt.Sprintf("datastreams/%d", h.stream("st-1", "pm25")), `{"publication":"public"}`, "Content-Type: application/merge-patch+json").want(200)
	far := h.post("organisations", `{"code":"far","name":"Far"}`).want(201).id()
	viewer := "Authorization: Bearer " + h.newKey(access.Viewer, far)
	for _, key := range []string{viewer, "Authorization: "} {
		h.get(fmt.Sprintf("things/%d", thing), key).want(404) // it says where it was registered
		h.get(fmt.Sprintf("things/%d/track", thing), key).want(404)
		for _, path := range []string{"latest?property=pm25", "map/clusters?property=pm25&zoom=3"} {
			if r := h.get(path, key).want(200); !strings.Contains(string(r.body), `"features":[]`) {
				t.Errorf("%s shows %s", path, r.body)
			}
		}
	}
}
