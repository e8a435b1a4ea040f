package api_test

import (
	"fmt"
	"strings"
	"testing"

	"cityhub/access"
)

// What a vehicle measured is its organisation's and those it granted, by every
// way to it, whatever was published.
func TestNothingOfAMobileThingIsPublished(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("ingest", `{"device":"dev-1","values":{"pm25":12.5}}`).want(202)
	h.stored()
	stream := h.stream("st-1", "pm25")
	thing := h.idOf("things", "st-1")
	first := h.get(fmt.Sprintf("datastreams/%d/observations", stream)).want(200).items()[0].(map[string]any)["id"]
	h.post("publications", `{"publication":"public","thing":"st-1"}`).want(200)

	ways := []string{
		fmt.Sprintf("datastreams/%d", stream), fmt.Sprintf("datastreams/%d/observations", stream), fmt.Sprintf("datastreams/%d/aggregates", stream),
		fmt.Sprintf("observations/%.0f", first), fmt.Sprintf("things/%d", thing), fmt.Sprintf("things/%d/latest", thing), fmt.Sprintf("things/%d/track", thing),
	}
	lists := []string{"datastreams", "datastreams?property=pm25", "things", "map/properties", "devices"}
	anonymous := "Authorization: "
	other := "Authorization: Bearer " + h.newKey(access.Viewer, h.post("organisations", `{"code":"XX"}`).want(201).id())
	friend := h.post("organisations", `{"code":"FF"}`).want(201).id()
	granted := "Authorization: Bearer " + h.newKey(access.Viewer, friend)
	if _, err := h.accounts.AddGrant(t.Context(), access.Grant{Owner: h.idOf("organisations", "HN"), Reader: friend}); err != nil {
		t.Fatal(err)
	}
	own := "Authorization: Bearer " + h.newKey(access.Viewer, h.idOf("organisations", "HN"))

	sees := func(mobile bool) {
		t.Helper()
		for name, caller := range map[string]struct {
			header string
			sees   bool
		}{"nobody": {anonymous, !mobile}, "another organisation": {other, !mobile}, "who was granted it": {granted, true}, "its own": {own, true}} {
			for _, way := range ways {
				if strings.HasSuffix(way, "/track") && !mobile {
					continue
				}
				want := map[bool]int{true: 200, false: 404}[caller.sees]
				if r := h.get(way, caller.header); r.status != want {
					t.Errorf("mobile %t: %s gets %d of %s, want %d: %s", mobile, name, r.status, way, want, r.body)
				}
			}
			for _, list := range lists {
				if n := len(h.get(list, caller.header).want(200).items()); (n > 0) != caller.sees {
					t.Errorf("mobile %t: %s finds %d in %s", mobile, name, n, list)
				}
			}
			told := h.things("latest?property=pm25", caller.header)
			if (told["st-1"] == 1) != caller.sees {
				t.Errorf("mobile %t: %s is told %v by /latest", mobile, name, told)
			}
		}
	}
	sees(false)
	h.call("PATCH", fmt.Sprintf("things/%d", thing), `{"mobile":true}`, patch).want(200)
	sees(true)
	h.call("PATCH", fmt.Sprintf("things/%d", thing), `{"mobile":false}`, patch).want(200)
	sees(false)
}
