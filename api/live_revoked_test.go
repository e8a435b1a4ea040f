package api_test

import (
	"testing"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

// TestLiveEndsWithTheRight holds that what was taken from somebody ends their
// open stream within five seconds.
func TestLiveEndsWithTheRight(t *testing.T) {
	h := newHub(t)
	h.city()
	organisation := must(h.registry.Organisations.List(t.Context(), devices.Page{Limit: 1}))(t)[0].ID
	key, secret, err := h.accounts.AddKey(t.Context(), "wall", access.Binding{Role: access.Operator, Organisation: organisation}, time.Time{})
	check(t, err)
	admin := h.key
	h.key = secret
	s := h.live("property=pm25")
	if event, _ := s.next(); event != "snapshot" {
		t.Fatalf("%s instead of a snapshot", event)
	}
	h.key = admin
	taken := time.Now()
	check(t, h.accounts.RemoveKey(t.Context(), key.ID))
	if event, _ := s.next(); event != "end" {
		t.Errorf("%s after the key was taken away", event)
	}
	if after := time.Since(taken); after > 5*time.Second {
		t.Errorf("the stream went on for %s", after)
	}
}

// TestLiveShowsWhatIsTheReadersOwn holds that a stream has changes of what its
// reader may see only.
func TestLiveShowsWhatIsTheReadersOwn(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("organisations", `{"code":"OTHER"}`).want(201)
	h.post("things", `{"code":"st-2","organisation":"OTHER"}`).want(201)
	h.post("devices", `{"code":"dev-2","model":"air","organisation":"OTHER"}`).want(201)
	h.post("deployments", `{"device":"dev-2","thing":"st-2","from":"2020-01-01T00:00:00Z"}`).want(201)
	other := must(h.registry.Organisations.List(t.Context(), devices.Page{Limit: 2}))(t)[1].ID
	admin := h.key
	h.key = h.newKey(access.Viewer, other)
	s := h.live("property=pm25")
	s.next()
	h.key = admin
	for _, device := range []string{"dev-1", "dev-2"} {
		h.call("POST", "ingest", `{"device":"`+device+`","values":{"pm25":5}}`).want(202)
	}
	event, values := s.next()
	if _, theirs := values["st-1"]; event != "delta" || theirs || values["st-2"] != 5.0 {
		t.Errorf("%s: %v", event, values)
	}
}
