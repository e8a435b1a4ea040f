package trials

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// field makes a call of the life cycle, which must answer with a status.
func (h *hub) field(path string, body any, status int) map[string]any {
	h.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	answer, err := h.ask(h.t.Context(), http.MethodPost, path, raw)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	said := map[string]any{}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil || answer.StatusCode != status {
		h.t.Fatalf("POST %s: %s %v %v, want %d", path, answer.Status, said, err, status)
	}
	return said
}

// measured are the archived readings of one property at a thing, oldest first.
func (h *hub) measured(thing, property string) string {
	var streams struct{ Items []struct{ ID int64 } }
	if !h.get("/datastreams?thing="+thing+"&property="+property, &streams) || len(streams.Items) != 1 {
		return fmt.Sprintf("%d datastreams", len(streams.Items))
	}
	var list struct{ Items []struct{ Result any } }
	if !h.get(fmt.Sprintf("/datastreams/%d/observations", streams.Items[0].ID), &list) {
		return "no answer"
	}
	texts := make([]string, len(list.Items))
	for i, o := range list.Items {
		texts[i] = fmt.Sprint(o.Result)
	}
	return strings.Join(texts, " ")
}

// A station's day: a device is deployed, one of another model takes its place,
// a reading of the old one comes late, the new one is recalled.
func TestAStationOutlivesItsDevices(t *testing.T) {
	towns(t, func(t *testing.T, w town) {
		w.t = t
		start := time.Now().UTC().Truncate(time.Second).Add(-6 * time.Hour)
		at := func(hours int) string { return start.Add(time.Duration(hours) * time.Hour).Format(time.RFC3339) }
		device := func(code, model string) string {
			return fmt.Sprintf("/devices/%.0f/", w.field("/devices", map[string]any{"code": code, "model": model}, 201)["id"])
		}
		send := func(device, time, values string) {
			publish(t, w.broker, "cityhub/v1/"+device+"/telemetry", []byte(`{"time":"`+time+`","values":`+values+`}`))
		}
		w.field("/sensors", map[string]any{"code": "m1", "channels": []any{map[string]any{"key": "a", "property": "trial_x", "unit": "u"}, map[string]any{"key": "b", "property": "trial_y", "unit": "v"}}}, 201)
		w.field("/sensors", map[string]any{"code": "m2", "channels": []any{map[string]any{"key": "Y", "property": "trial_y", "unit": "v"}, map[string]any{"key": "X", "property": "trial_x", "unit": "u"}}}, 201)
		first, second := device("first", "m1"), device("second", "m2")

		w.field(first+"deploy", map[string]any{"newThing": map[string]any{"code": "corner"}, "from": at(0), "position": []float64{105.8, 21}, "accuracy": 5}, 200)
		send("first", at(1), `{"a":1,"b":10}`)
		w.field(first+"replace", map[string]any{"with": "second", "at": at(3)}, 200)
		send("second", at(4), `{"Y":30,"X":3}`)
		send("first", at(2), `{"a":2,"b":20}`) // late
		w.field(second+"recall", map[string]any{"at": at(5)}, 200)
		for property, want := range map[string]string{"trial_x": "1 2 3", "trial_y": "10 20 30"} {
			got := ""
			w.await(property+" stands in the archive as "+want, 30*time.Second, func() bool { got = w.measured("corner", property); return got == want })
		}
		send("second", start.Add(5*time.Hour+time.Minute).Format(time.RFC3339), `{"X":99}`)
		var page struct{ Counts map[string]int }
		w.await("a reading after the recall stands in quarantine", 10*time.Second, func() bool {
			return w.get("/quarantine", &page) && page.Counts["not_deployed"] == 1
		})
		if got := w.measured("corner", "trial_x"); got != "1 2 3" {
			t.Errorf("after the recall: %s", got)
		}
		if legal := w.field(second+"recall", map[string]any{}, 409)["legal"]; fmt.Sprint(legal) != "[deploy hand-over retire]" {
			t.Errorf("legal: %v", legal)
		}
	})
}
