package api_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/api"
)

const password = "correct horse battery"

// session is a browser's: a cookie, and the token that its changes need.
type session struct{ cookie, csrf string }

// signIn makes a user and signs it in.
func (h *hub) signIn(name string, bindings ...access.Binding) session {
	h.t.Helper()
	must(h.accounts.AddUser(h.t.Context(), access.Profile{Name: name}, password, bindings))(h.t)
	return h.enter(h.call(http.MethodPost, "session", `{"name":"`+name+`","password":"`+password+`"}`, "Authorization: ").want(200))
}

func (h *hub) enter(r reply) session {
	h.t.Helper()
	cookie, _, _ := strings.Cut(r.header.Get("Set-Cookie"), ";")
	return session{"Cookie: " + cookie, "X-CSRF-Token: " + r.json()["csrf"].(string)}
}

func TestSession(t *testing.T) {
	h := newHub(t)
	h.city()
	r := h.call(http.MethodPost, "session", `{"name":"an","password":"wrong"}`, "Authorization: ").want(401)
	if r.header.Get("Set-Cookie") != "" {
		t.Error("a wrong password gives a cookie")
	}
	s := h.signIn("an", access.Binding{Role: access.Viewer, Organisation: 1})
	who := h.get("session", s.cookie).want(200)
	if who.json()["name"] != "an" || who.header.Get("Cache-Control") != "no-store" ||
		!strings.Contains(string(who.body), `{"role":"viewer","organisation":"HN"}`) ||
		!strings.Contains(string(who.body), `{"action":"thing.read","organisations":["HN"],"published":true}`) {
		t.Errorf("%s", who.body)
	}
	if len(h.get("things", s.cookie).want(200).items()) != 1 {
		t.Error("a viewer does not see the own organisation's station")
	}
	h.call(http.MethodDelete, "session", "", s.cookie).want(403)
	gone := h.call(http.MethodDelete, "session", "", s.cookie, s.csrf).want(204)
	if !strings.Contains(gone.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("signing out leaves the cookie: %v", gone.header)
	}
	stale := h.get("things", s.cookie).want(401)
	if !strings.Contains(stale.header.Get("Set-Cookie"), "Max-Age=0") || stale.json()["detail"] == "" {
		t.Errorf("%v %s", stale.header, stale.body)
	}
	h.get("/", s.cookie).want(200)
	h.call(http.MethodPost, "session", `{"name":"an","password":"`+password+`"}`, s.cookie).want(200)
}

func TestCookie(t *testing.T) {
	h := newHub(t, func(o *api.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	must(h.accounts.AddUser(t.Context(), access.Profile{Name: "an"}, password, []access.Binding{{Role: access.CityAdmin}}))(t)
	body := `{"name":"an","password":"` + password + `"}`
	for header, want := range map[string][2]string{"http": {"cityhub=", ""}, "https": {"__Host-cityhub=", "; Secure"}} {
		r := h.call(http.MethodPost, "session", body, "Authorization: ", "X-Forwarded-Proto: "+header).want(200)
		got := r.header.Get("Set-Cookie")
		for _, part := range []string{want[1], "; Path=/", "; HttpOnly", "; SameSite=Strict"} {
			if !strings.HasPrefix(got, want[0]) || !strings.Contains(got, part) {
				t.Errorf("%s: cookie %q has no %q", header, got, part)
			}
		}
		if strings.Contains(string(r.body), "chs_") {
			t.Error("the token stands in the body, where scripts can read it")
		}
	}
}

func TestChangesByASessionNeedTheToken(t *testing.T) {
	h := newHub(t)
	s, other := h.signIn("an", access.Binding{Role: access.CityAdmin}), h.signIn("binh", access.Binding{Role: access.CityAdmin})
	body := `{"code":"x"}`
	h.call(http.MethodPost, "organisations", body, s.cookie).want(403)
	h.call(http.MethodPost, "organisations", body, s.cookie, "X-CSRF-Token: x").want(403)
	h.call(http.MethodPost, "organisations", body, s.cookie, other.csrf).want(403)
	h.call(http.MethodPost, "organisations", body, s.cookie, s.csrf, "Sec-Fetch-Site: cross-site").want(403)
	h.call(http.MethodPost, "organisations", body, s.cookie, s.csrf).want(201)
}

func TestWrongCredentialsAreNeverNone(t *testing.T) {
	h := newHub(t)
	for name, header := range map[string]string{
		"unknown key": "Bearer " + strings.Replace(h.key, "chk_", "chk_x", 1), "no key": "Bearer ", "unknown scheme": "Digest x",
		"device": "Basic ZGV2LTE6eA==", "no pair": "Basic ZGV2", "no base64": "Basic %",
	} {
		for _, path := range []string{"things", "session", "/", "/api/openapi.json"} {
			r := h.get(path, "Authorization: "+header).want(401)
			if r.header.Get("WWW-Authenticate") == "" || r.json()["type"] != "/problems/unauthorized" || len(fmt.Sprint(r.json()["detail"])) < 20 {
				t.Errorf("%s at %s: %v %s", name, path, r.header, r.body)
			}
		}
	}
	h.get("things", "Cookie: cityhub=x").want(401)
	h.get("things", "Authorization: ").want(200)
	if r := h.get("session", "Authorization: ", "Accept-Language: vi").want(401); r.json()["title"] != "Cần đăng nhập" {
		t.Errorf("%s", r.body)
	}
}

func TestSetUpOnce(t *testing.T) {
	h := newHub(t)
	token := must(h.accounts.InviteFirst(t.Context()))(t)
	body := func(token, password string) string {
		return `{"token":"` + token + `","name":"chief","password":"` + password + `"}`
	}
	told := func(path, text string, want bool) {
		t.Helper()
		if r := h.get(path, "Authorization: ").want(200); strings.Contains(string(r.body), text) != want {
			t.Errorf("%s: %q is there: %v", path, text, !want)
		}
	}
	told("/sign-in", "Nobody has an account yet", true)
	told("/set-up", `id="again"`, true)
	h.call(http.MethodPost, "setup", body("chu_x", password), "Authorization: ").want(401)
	h.call(http.MethodPost, "setup", body(token, "short"), "Authorization: ").want(422)
	s := h.enter(h.call(http.MethodPost, "setup", body(token, password), "Authorization: ").want(201))
	h.call(http.MethodPost, "organisations", `{"code":"x"}`, s.cookie, s.csrf).want(201)
	h.call(http.MethodPost, "setup", body(token, password), "Authorization: ").want(401)
	told("/sign-in", "Nobody has an account yet", false)
	told("/set-up", "set up already", true)
	told("/set-up", `id="again"`, false)
}

func TestOwnPassword(t *testing.T) {
	h := newHub(t)
	s := h.signIn("an", access.Binding{Role: access.Auditor})
	change := func(current, next string, status int) {
		t.Helper()
		h.call(http.MethodPost, "session/password", `{"current":"`+current+`","password":"`+next+`"}`, s.cookie, s.csrf).want(status)
	}
	change("wrong", "another good password", 422)
	change(password, "short", 422)
	change(password, "another good password", 204)
	h.get("session", s.cookie).want(401)
	h.call(http.MethodPost, "session", `{"name":"an","password":"another good password"}`, "Authorization: ").want(200)
}

func TestGuessesGetSlower(t *testing.T) {
	h := newHub(t)
	must(h.accounts.AddUser(t.Context(), access.Profile{Name: "an"}, password, nil))(t)
	for i := range 20 {
		r := h.call(http.MethodPost, "session", `{"name":"an","password":"wrong"}`, "Authorization: ")
		if r.status == http.StatusTooManyRequests {
			if after, err := strconv.Atoi(r.header.Get("Retry-After")); i < 4 || err != nil || after < 1 {
				t.Errorf("after %d guesses: %v", i, r.header)
			}
			return
		}
		r.want(401)
	}
	t.Error("twenty guesses at once")
}

// A stream ends when the key that opened it does.
func TestRevokedKeyEndsItsStream(t *testing.T) {
	h := newHub(t)
	h.city()
	made := h.post("keys", `{"name":"map","role":"viewer"}`).want(201).json()
	admin := h.key
	h.key = made["secret"].(string)
	stream := h.live("property=pm25")
	h.key = admin
	if event, _ := stream.next(); event != "snapshot" {
		t.Fatalf("event %s", event)
	}
	begin := time.Now()
	h.call(http.MethodDelete, fmt.Sprintf("keys/%.0f", made["id"]), "").want(204)
	if event, _ := stream.next(); event != "end" {
		t.Errorf("event %s", event)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the stream ended %s after its key", took)
	}
}
