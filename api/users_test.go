package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cityhub/access"
)

// The accounts of one organisation, as its administrator looks after them.
func TestAccountsOfAnOrganisation(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("organisations", `{"code":"WT","name":"Nước"}`).want(201)
	key := "Authorization: Bearer " + h.newKey(access.OrgAdmin, 1)
	as := func(method, path, body string) reply { t.Helper(); return h.call(method, path, body, key) }

	made := as(http.MethodPost, "users", `{"name":"Lan","fullName":"Nguyễn Lan","password":"`+password+`","roles":[{"role":"technician","organisation":"HN"}]}`).want(201)
	if made.json()["name"] != "lan" || strings.Contains(string(made.body), "argon2") || strings.Contains(string(made.body), password) {
		t.Errorf("%s", made.body)
	}
	user := fmt.Sprintf("users/%d", made.id())
	for body, status := range map[string]int{
		`{"name":"x","roles":[{"role":"city-admin"}]}`:                 403,
		`{"name":"x","roles":[{"role":"viewer"}]}`:                     403,
		`{"name":"x","roles":[{"role":"viewer","organisation":"WT"}]}`: 403,
		`{"name":"x"}`: 422,
		`{"name":"x","roles":[{"role":"king","organisation":"HN"}]}`:          422,
		`{"name":"x","roles":[{"role":"viewer","organisation":"none"}]}`:      422,
		`{"name":"lan","roles":[{"role":"viewer","organisation":"HN"}]}`:      409,
		`{"name":"a b","roles":[{"role":"viewer","organisation":"HN"}]}`:      422,
		`{"name":"device","roles":[{"role":"device","organisation":"HN"}]}`:   422,
		`{"name":"auditor","roles":[{"role":"auditor","organisation":"HN"}]}`: 422,
	} {
		if r := as(http.MethodPost, "users", body); r.status != status {
			t.Errorf("%s: %d, want %d: %s", body, r.status, status, r.body)
		}
	}
	role := as(http.MethodPost, user+"/roles", `{"role":"viewer","organisation":"HN"}`).want(201)
	as(http.MethodPost, user+"/roles", `{"role":"viewer","organisation":"HN"}`).want(409)
	as(http.MethodPost, user+"/roles", `{"role":"organisation-admin","organisation":"WT"}`).want(403)
	if items := as(http.MethodGet, user+"/roles", "").want(200).items(); len(items) != 2 {
		t.Errorf("roles %v", items)
	}
	as(http.MethodDelete, fmt.Sprintf("%s/roles/%d", user, role.id()), "").want(204)
	if r := as(http.MethodPatch, user, `{"email":"Lan@hn.example","fullName":null}`).want(200); r.json()["email"] != "lan@hn.example" || r.json()["fullName"] != nil {
		t.Errorf("%s", r.body)
	}
	as(http.MethodPatch, user, `{"password":"short"}`).want(422)
	as(http.MethodPatch, user, `{"roles":[]}`).want(422)

	h.signIn("other", access.Binding{Role: access.Viewer, Organisation: 2})
	for _, path := range []string{"users/2", "users/2/roles", "users/99"} {
		as(http.MethodGet, path, "").want(404)
	}
	as(http.MethodPatch, "users/2", `{"password":"`+password+`"}`).want(404)
	as(http.MethodDelete, "users/2", "").want(404)
	if items := as(http.MethodGet, "users", "").want(200).items(); len(items) != 1 {
		t.Errorf("users %v", items)
	}
	as(http.MethodDelete, user, "").want(204)
	as(http.MethodGet, user, "").want(404)
	if log := h.get("audit?noun=user").want(200).items(); len(log) < 3 || strings.Contains(fmt.Sprint(log), "argon2") {
		t.Errorf("the log has %v", log)
	}
}

func TestKeysShowTheirSecretOnce(t *testing.T) {
	h := newHub(t)
	h.city()
	made := h.post("keys", `{"name":"map","role":"viewer","organisation":"HN","expires":"2999-01-01T00:00:00Z"}`).want(201)
	secret := made.json()["secret"].(string)
	if made.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(secret, made.json()["hint"].(string)) {
		t.Errorf("%v %s", made.header, made.body)
	}
	if r := h.get("session", "Authorization: Bearer "+secret).want(200); r.json()["name"] != "map" || r.json()["csrf"] != nil {
		t.Errorf("%s", r.body)
	}
	path := fmt.Sprintf("keys/%d", made.id())
	for _, r := range []reply{h.get(path).want(200), h.get("keys").want(200), h.get("audit?noun=key").want(200)} {
		if strings.Contains(string(r.body), secret) {
			t.Errorf("the secret is shown again: %s", r.body)
		}
	}
	if h.get(path).json()["used"] == nil {
		t.Error("it is not told when the key was used")
	}
	h.post("keys", `{"name":"x","role":"viewer","expires":"2001-01-01T00:00:00Z"}`).want(422)
	h.call(http.MethodDelete, path, "").want(204)
	h.get("session", "Authorization: Bearer "+secret).want(401)
	h.get(path).want(404)
}

func TestGrants(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("organisations", `{"code":"WT"}`).want(201)
	reader := "Authorization: Bearer " + h.newKey(access.Viewer, 2)
	sees := func() int { t.Helper(); return len(h.get("things", reader).want(200).items()) }
	if sees() != 0 {
		t.Fatal("another organisation's station is seen before anything is granted")
	}
	for body, status := range map[string]int{
		`{"owner":"WT","reader":"HN","thing":"st-1"}`:       422,
		`{"owner":"HN","reader":"HN"}`:                      422,
		`{"owner":"HN","reader":"none"}`:                    422,
		`{"owner":"HN","reader":"WT","property":"nothing"}`: 422,
	} {
		h.post("grants", body).want(status)
	}
	made := h.post("grants", `{"owner":"HN","reader":"WT","thing":"st-1","property":"pm25"}`).want(201)
	h.post("grants", `{"owner":"HN","reader":"WT","thing":"st-1","property":"pm25"}`).want(409)
	if sees() != 1 {
		t.Error("what is granted is not seen")
	}
	admin := "Authorization: Bearer " + h.newKey(access.OrgAdmin, 2)
	path := fmt.Sprintf("grants/%d", made.id())
	h.get(path, admin).want(200)
	h.call(http.MethodDelete, path, "", admin).want(403)
	h.call(http.MethodPost, "grants", `{"owner":"HN","reader":"WT"}`, admin).want(403)
	h.call(http.MethodDelete, path, "").want(204)
	h.get(path, admin).want(404)
	if sees() != 0 {
		t.Error("what was taken back is still seen")
	}
}

// Accounts have versions like everything else: a write that was made from an
// old one changes nothing.
func TestAccountsHaveVersions(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("organisations", `{"code":"WT"}`).want(201)
	user := fmt.Sprintf("users/%d", h.post("users", `{"name":"lan","roles":[{"role":"viewer","organisation":"HN"}]}`).want(201).id())
	key := fmt.Sprintf("keys/%d", h.post("keys", `{"name":"map","role":"viewer","organisation":"HN"}`).want(201).id())
	grant := fmt.Sprintf("grants/%d", h.post("grants", `{"owner":"HN","reader":"WT"}`).want(201).id())
	tags := map[string]string{}
	for _, path := range []string{user, key, grant} {
		tags[path] = h.get(path).want(200).header.Get("ETag")
		h.get(path, "If-None-Match: "+tags[path]).want(304)
	}
	patch := func(body, tag string) reply { return h.call(http.MethodPatch, user, body, "If-Match: "+tag) }
	next := patch(`{"email":"a@hn.example"}`, tags[user]).want(200).header.Get("ETag")
	if r := patch(`{"email":"b@hn.example"}`, tags[user]).want(412); fmt.Sprint(r.json()["differ"]) != "[email]" {
		t.Errorf("%s", r.body)
	}
	h.call(http.MethodPost, user+"/roles", `{"role":"technician","organisation":"HN"}`, "If-Match: "+next).want(201)
	patch(`{"email":"b@hn.example"}`, next).want(412) // a role is part of what was read
	for _, path := range []string{user, key, grant} {
		h.call(http.MethodDelete, path, "", `If-Match: "other"`).want(412)
		h.call(http.MethodDelete, path, "", "If-Match: "+h.get(path).want(200).header.Get("ETag")).want(204)
	}
}
