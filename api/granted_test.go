package api_test

import (
	"fmt"
	"strings"
	"testing"

	"cityhub/access"
	"cityhub/devices"
)

// TestAPropertyGrantShowsNothingElse reads a station of which one property was
// granted: the others stay hidden wherever they could be met.
func TestAPropertyGrantShowsNothingElse(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("organisations", `{"code":"READER"}`).want(201)
	h.post("ingest", `{"device":"dev-1","values":{"pm25":12,"temp":31.5}}`).want(202)
	h.stored()
	all := must(h.registry.Organisations.List(t.Context(), devices.Page{Limit: 2}))(t)
	must(h.accounts.AddGrant(t.Context(), access.Grant{Owner: all[0].ID, Reader: all[1].ID, Property: "pm25"}))(t)
	shown, hidden := h.stream("st-1", "pm25"), h.stream("st-1", "temperature")
	h.key = h.newKey(access.Viewer, all[1].ID)
	for _, path := range []string{"datastreams/%d", "datastreams/%d/observations?" + since, "datastreams/%d/aggregates?window=PT1H&fn=mean"} {
		h.get(fmt.Sprintf(path, shown)).want(200)
		h.get(fmt.Sprintf(path, hidden)).want(404)
	}
	for _, path := range []string{"datastreams", "things/1/latest", "latest?property=pm25", "playback?property=pm25", "map/properties"} {
		if body := string(h.get(path).want(200).body); !strings.Contains(body, "pm25") || strings.Contains(body, `"temperature"`) || strings.Contains(body, "31.5") {
			t.Errorf("%s: %s", path, body)
		}
	}
	for _, path := range []string{"latest?property=temperature", "playback?property=temperature"} {
		if body := string(h.get(path).body); strings.Contains(body, "st-1") {
			t.Errorf("%s: %s", path, body)
		}
	}
	h.get("things/1").want(200)
	h.call("PATCH", "things/1", `{"description":"x"}`).want(403)
	h.get("devices/1/events").want(404)
}
