package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Every noun is created, listed, read, changed and deleted; refused bodies
// name the field.
func TestNouns(t *testing.T) {
	h := newHub(t)
	h.city()
	for _, noun := range []struct{ path, body, patch, want, bad, field string }{
		{"organisations", `{"code":"X1"}`, `{"name":"Y"}`, `"name":"Y"`, `{"code":"a b"}`, "code"},
		{"things", `{"code":"X1","position":[105,21,7.5]}`, `{"name":"Ga","mobile":true}`, `"mobile":true`, `{"code":"X2","position":[200,0]}`, "position"},
		{"locations", `{"name":"P","position":[1,2]}`, `{"position":[3,4]}`, `"position":[3,4]`, `{"position":[1]}`, "position"},
		{"observed-properties", `{"code":"co2","unit":"ppm"}`, `{"definition":"http://x"}`, `"definition":"http://x"`, `{"code":"hub_x"}`, "code"},
		{"sensors", `{"code":"X1","channels":[{"key":"a","property":"aa","range":[null,5]}]}`, `{"reportInterval":"PT1H30M"}`, `"reportInterval":"PT1H30M"`, `{"code":"X2","channels":[{"key":"a","property":"pm25","range":[5,1]}]}`, "channels[0].range"},
		{"devices", `{"code":"X1","model":"air","devEui":"00aabbccddeeff11"}`, `{"serial":"S1"}`, `"serial":"S1"`, `{"code":"X2","model":"none"}`, "model"},
		{"deployments", `{"device":"free","thing":"st-1"}`, `{"to":"2100-01-01T00:00:00Z"}`, `"to":"2100-01-01T00:00:00Z"`, `{"device":"dev-1","thing":"nowhere"}`, "thing"},
	} {
		t.Run(noun.path, func(t *testing.T) {
			h.under(t)
			if noun.path == "deployments" {
				h.post("devices", `{"code":"free","model":"air"}`).want(201)
			}
			made := h.post(noun.path, noun.body).want(201)
			at := made.header.Get("Location")
			if want := fmt.Sprintf("/api/v1/%s/%d", noun.path, made.id()); at != want {
				t.Errorf("Location %q, want %q", at, want)
			}
			read := h.get(at).want(200)
			if string(read.body) == "" || read.id() != made.id() {
				t.Errorf("read %s after %s", read.body, made.body)
			}
			changed := h.call(http.MethodPatch, at, noun.patch, "Content-Type: application/merge-patch+json").want(200)
			if !strings.Contains(string(h.get(at).body), noun.want) || !strings.Contains(string(changed.body), noun.want) {
				t.Errorf("changed to %s, want %s", changed.body, noun.want)
			}
			listed := false
			for _, item := range h.get(noun.path + "?limit=1000").want(200).items() {
				listed = listed || int64(item.(map[string]any)["id"].(float64)) == made.id()
			}
			if !listed {
				t.Error("is not listed")
			}
			refused := h.post(noun.path, noun.bad).want(422)
			if !strings.Contains(string(refused.body), `"field":"`+noun.field) {
				t.Errorf("refusal names another field than %s: %s", noun.field, refused.body)
			}
			h.call(http.MethodPatch, at, `{"nonsense":1}`).want(422)
			h.call(http.MethodDelete, at, "").want(204)
			h.get(at).want(404)
			h.call(http.MethodDelete, at, "").want(404)
		})
	}
}

func TestConflicts(t *testing.T) {
	h := newHub(t)
	h.city()
	for _, c := range []struct{ method, path, body, field string }{
		{"POST", "organisations", `{"code":"HN"}`, "code"},
		{"POST", "devices", `{"code":"dev-1","model":"air"}`, "code"},
		{"POST", "deployments", `{"device":"dev-1","thing":"st-1"}`, "from"},
		{"DELETE", "organisations/1", "", ""},
		{"DELETE", "sensors/1", "", ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			h.under(t)
			r := h.call(c.method, c.path, c.body).want(409)
			if r.json()["type"] != "/problems/conflict" || !strings.Contains(string(r.body), c.field) {
				t.Errorf("%s", r.body)
			}
		})
	}
}

// A page's next leads through all entities, each once.
func TestPaging(t *testing.T) {
	h := newHub(t)
	for i := range 25 {
		h.post("organisations", fmt.Sprintf(`{"code":"o%02d"}`, i)).want(201)
	}
	seen := map[string]bool{}
	for path, pages := "/api/v1/organisations?limit=10", 0; path != ""; pages++ {
		r := h.get(path).want(200)
		for _, item := range r.items() {
			seen[item.(map[string]any)["code"].(string)] = true
		}
		next, more := r.json()["next"].(string)
		if link := r.header.Get("Link"); more && link != "<"+next+`>; rel="next"` {
			t.Errorf("Link %q, next %q", link, next)
		}
		if path = next; pages > 3 {
			t.Fatal("paging does not end")
		}
	}
	if len(seen) != 25 {
		t.Errorf("%d of 25 seen", len(seen))
	}
	for _, bad := range []string{"limit=0", "limit=1001", "limit=x", "after=!", "after=bm8"} {
		h.get("organisations?" + bad).want(400)
	}
}

// A thing that is moved gets a new location; one that loses its position has
// none.
func TestThingMoves(t *testing.T) {
	h := newHub(t)
	made := h.post("things", `{"code":"t","position":[105.1,21.1]}`).want(201)
	at := made.header.Get("Location")
	first := made.json()["location"]
	if h.call(http.MethodPatch, at, `{"name":"N"}`).want(200).json()["location"] != first {
		t.Error("a change of name moved the thing")
	}
	if h.call(http.MethodPatch, at, `{"position":[105.2,21.2]}`).want(200).json()["location"] == first {
		t.Error("the thing keeps its old location")
	}
	if left := h.call(http.MethodPatch, at, `{"position":null}`).want(200).json(); left["location"] != nil || left["position"] != nil {
		t.Errorf("the thing is still somewhere: %v", left)
	}
}

func TestDatastreams(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("devices", `{"code":"dev-2","model":"air"}`).want(201)
	h.post("things", `{"code":"st-2"}`).want(201)
	h.post("deployments", `{"device":"dev-2","thing":"st-2","from":"2020-01-01T00:00:00Z","to":"2021-01-01T00:00:00Z"}`).want(201)
	h.post("deployments", `{"device":"dev-2","thing":"st-1","from":"2021-01-01T00:00:00Z"}`).want(201)
	for query, want := range map[string]int{
		"": 12, "thing=st-1": 8, "thing=st-2&property=pm25": 1, "device=dev-1": 4, "device=dev-2": 8,
		"device=dev-2&property=pm25": 2, "property=pm25": 3, "property=none": 0,
	} {
		if got := len(h.get("datastreams?" + query).want(200).items()); got != want {
			t.Errorf("%q: %d datastreams, want %d", query, got, want)
		}
	}
	h.get("datastreams?thing=nowhere").want(400)
	at := fmt.Sprintf("datastreams/%d", h.stream("st-2", "pm25"))
	h.call(http.MethodPatch, at, `{"name":"Feinstaub"}`).want(200)
	if d := h.get(at).want(200).json(); d["name"] != "Feinstaub" || d["thing"] != "st-2" || d["unit"] != "µg/m³" {
		t.Errorf("%v", d)
	}
	h.call(http.MethodDelete, at, "").want(204)
	h.get(at).want(404)
	h.get(at + "/observations").want(404)
	h.call(http.MethodDelete, at, "").want(404)
	if got := len(h.get("datastreams?thing=st-2").items()); got != 3 {
		t.Errorf("%d datastreams are left, want 3", got)
	}
}

// An entity tag spares the answer while nothing has changed.
func TestEntityTags(t *testing.T) {
	h := newHub(t)
	h.city()
	for _, path := range []string{"things", "things/1", "sensors/1", "datastreams?thing=st-1"} {
		r := h.get(path).want(200)
		etag := r.header.Get("ETag")
		if !strings.HasPrefix(etag, `"`) {
			t.Fatalf("%s: ETag %q is not strong", path, etag)
		}
		same := h.get(path, "If-None-Match: "+etag).want(304)
		if len(same.body) != 0 {
			t.Errorf("%s: 304 with a body", path)
		}
	}
	etag := h.get("things/1").header.Get("ETag")
	h.call(http.MethodPatch, "things/1", `{"name":"other"}`).want(200)
	h.get("things/1", "If-None-Match: "+etag).want(200)
}
