package api_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestThingLatest(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("ingest", `{"device":"dev-1","values":{"pm25":12.5}}`).want(202)
	items := h.get("things/1/latest").want(200).json()["items"].([]any)
	seen := map[string]any{}
	for _, item := range items {
		value := item.(map[string]any)
		seen[value["property"].(string)] = value["value"]
		if told := value["time"] != nil; told != (value["value"] != nil) || told != (value["state"] == "ok") {
			t.Errorf("%v", value)
		}
	}
	if seen["pm25"] != 12.5 || len(seen) < 2 {
		t.Errorf("%v", seen)
	}
	h.get("things/99/latest").want(404)
	h.get("things/1/latest", "Authorization: ").want(404) // nothing of it is published
}

func TestMapProperties(t *testing.T) {
	h := newHub(t)
	h.city()
	codes := func(headers ...string) string {
		var all []string
		for _, item := range h.get("map/properties", headers...).want(200).json()["items"].([]any) {
			all = append(all, item.(map[string]any)["code"].(string))
		}
		return strings.Join(all, " ")
	}
	if got := codes(); got != "" {
		t.Errorf("before any reading: %s", got)
	}
	if zone := h.get("map/properties", "Authorization: ").want(200).json()["timeZone"]; zone != "Asia/Ho_Chi_Minh" {
		t.Errorf("the time zone: %v", zone)
	}
	h.post("ingest", `{"device":"dev-1","values":{"pm25":12.5}}`).want(202)
	if got := codes(); got != "pm25" {
		t.Errorf("with a reading: %s", got)
	}
	if got := codes("Authorization: "); got != "" {
		t.Errorf("to everybody: %s", got)
	}
	publish := func(how, property string) {
		t.Helper()
		h.call("PATCH", fmt.Sprintf("datastreams/%d", h.stream("st-1", property)), fmt.Sprintf(`{"publication":%q}`, how), patch).want(200)
	}
	publish("public", "pm25")
	if got := codes("Authorization: "); got != "pm25" {
		t.Errorf("to everybody, once published: %s", got)
	}
	publish("private", "pm25")
	if got := codes("Authorization: "); got != "" {
		t.Errorf("to everybody, once withdrawn: %s", got)
	}
	publish("public", "temperature")
	h.post("ingest", `{"device":"dev-1","values":{"temp":25}}`).want(202)
	if got := codes("Authorization: "); got != "temperature" {
		t.Errorf("to everybody, another published before its first reading: %s", got)
	}
	h.place("new", "HN", 105.85, 21.03, 7, 0)
	publishNew := h.stream("new", "pm25")
	if got := codes("Authorization: "); got != "temperature" {
		t.Errorf("to everybody, with a new private station: %s", got)
	}
	h.call("PATCH", fmt.Sprintf("datastreams/%d", publishNew), `{"publication":"public"}`, patch).want(200)
	if got := codes("Authorization: "); got != "pm25 temperature" {
		t.Errorf("to everybody, with a new public station: %s", got)
	}
}
