package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cityhub/api"
)

// raw sends bytes over a socket of their own and reads the first answer.
func (h *hub) raw(text string) (*http.Response, string) {
	h.t.Helper()
	conn := must(net.Dial("tcp", strings.TrimPrefix(h.url, "http://")))(h.t)
	defer conn.Close()
	check(h.t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	if _, err := conn.Write([]byte(text)); err != nil {
		h.t.Fatal(err)
	}
	resp := must(http.ReadResponse(bufio.NewReader(conn), nil))(h.t)
	defer resp.Body.Close()
	return resp, string(must(io.ReadAll(resp.Body))(h.t))
}

// Requests that two parsers could read differently are refused, and so is what
// is too large, each with a problem.
func TestFraming(t *testing.T) {
	h := newHub(t)
	post := "POST /api/v1/ingest HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	for _, c := range []struct {
		name, text string
		status     int
	}{
		{"two different Content-Length", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n[] ", 400},
		{"Content-Length with Transfer-Encoding", post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", 400},
		{"duplicate Host", "GET /api/v1/things HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"no Host", "GET /api/v1/things HTTP/1.1\r\n\r\n", 400},
		{"negative Content-Length", post + "Content-Length: -2\r\n\r\n", 400},
		{"Content-Length with a sign", post + "Content-Length: +2\r\n\r\n[]", 400},
		{"unknown Transfer-Encoding", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400},
		{"blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
		{"folded header", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", 400},
		{"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
		{"large header", "GET / HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("x", 9<<10) + "\r\n\r\n", 431},
		{"large body", post + "Content-Length: 1048577\r\n\r\n", 413},
		{"body of an import within its own limit", "POST /api/v1/imports HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + h.key + "\r\nContent-Type: text/plain\r\nContent-Length: 1100000\r\n\r\n" + strings.Repeat("x", 1_100_000), 415},
		{"large import", "POST /api/v1/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 33554433\r\n\r\n", 413},
		{"address that is no URL", "GET /api/v1/things?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.under(t)
			resp, body := h.raw(c.text)
			if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s, %s: %s", resp.Status, resp.Header.Get("Content-Type"), body)
			}
			if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Error("the security headers are missing")
			}
		})
	}
}

func TestProblems(t *testing.T) {
	h := newHub(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		kind, field        string
	}{
		{"GET", "/nowhere", "", 404, "not-found", ""},
		{"GET", "things/99", "", 404, "not-found", ""},
		{"GET", "things/abc", "", 400, "bad-request", "id"},
		{"PUT", "things", "{}", 405, "method-not-allowed", ""},
		{"GET", "things?colour=red", "", 400, "bad-request", "colour"},
		{"GET", "things?limit=1&limit=2", "", 400, "bad-request", "limit"},
		{"GET", "status?x=1", "", 400, "bad-request", "x"},
		{"POST", "things", `{"code":`, 400, "bad-request", ""},
		{"POST", "things", `{"code":7}`, 422, "invalid", "code"},
		{"POST", "things", `{"code":"a","colour":"red"}`, 422, "invalid", "colour"},
		{"POST", "things", `{}`, 422, "invalid", ""},
		{"GET", "quarantine?zone=1", "", 400, "bad-request", "zone"},
	} {
		t.Run(c.method+" "+c.path+" "+c.body, func(t *testing.T) {
			h.under(t)
			r := h.call(c.method, c.path, c.body).want(c.status)
			p := r.json()
			if p["type"] != "/problems/"+c.kind || p["title"] == "" || p["detail"] == "" || p["status"] != float64(c.status) ||
				p["requestId"] != r.header.Get("X-Request-Id") || r.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %v", r.body, r.header)
			}
			if c.field != "" && !strings.Contains(string(r.body), `"field":"`+c.field+`"`) {
				t.Errorf("field %s is not named: %s", c.field, r.body)
			}
		})
	}
	if allow := h.call("PUT", "things", "{}").header.Values("Allow"); !strings.Contains(strings.Join(allow, ","), "POST") {
		t.Errorf("Allow: %v", allow)
	}
	if r := h.get("things?colour=red"); !strings.Contains(string(r.body), "after, limit, code, organisation") {
		t.Errorf("the known parameters are not named: %s", r.body)
	}
	h.call("POST", "things", `{"code":"a"}`, "Content-Type: text/plain").want(415)
	for header, want := range map[string]string{"vi": "Không tìm thấy", "vi-VN,en;q=0.5": "Không tìm thấy", "fr": "Not found", "": "Not found"} {
		if got := h.get("things/99", "Accept-Language: "+header).json()["title"]; got != want {
			t.Errorf("Accept-Language %q: %v", header, got)
		}
	}
	if id := h.get("things/99", "X-Request-Id: abc-1").header.Get("X-Request-Id"); id != "abc-1" {
		t.Errorf("the caller's request id became %q", id)
	}
}

// A panic is answered like any fault of the hub, logged with the request's id,
// and the next request is served.
func TestPanic(t *testing.T) {
	h := newHub(t, func(o *api.Options) {
		o.Status = func() api.Status { panic("secret inside") }
	})
	r := h.get("status").want(500)
	id := r.header.Get("X-Request-Id")
	if strings.Contains(string(r.body), "secret") || r.json()["requestId"] != id {
		t.Errorf("%s", r.body)
	}
	if log := h.logs.String(); !strings.Contains(log, "secret inside") || !strings.Contains(log, id) {
		t.Errorf("the log does not tell: %s", log)
	}
	h.get("things").want(200)
}

func TestHead(t *testing.T) {
	h := newHub(t)
	for _, path := range []string{"things", "/", "/api/openapi.json"} {
		if r := h.call(http.MethodHead, path, "").want(200); len(r.body) != 0 {
			t.Errorf("HEAD %s has a body", path)
		}
	}
}

// Pages name nothing outside the hub and run no inline script.
func TestPages(t *testing.T) {
	h := newHub(t, withApp)
	for path, want := range map[string]string{"/": `<div id="app">`, "/assets/app-1.js": "export", "/status": "System status", "/status?lang=vi": `<html lang="vi">`, "/api/docs": "/api/v1/datastreams/{id}/aggregates", "/page/status.js": "poll", "/sign-in": `autocomplete="current-password"`, "/set-up?lang=vi": "Tạo tài khoản đầu tiên", "/page/sign-in.js": "location.hash", "/page/style.css": "color"} {
		r := h.get(path).want(200)
		if !strings.Contains(string(r.body), want) {
			t.Errorf("%s: no %q", path, want)
		}
		for _, bad := range []string{"http://", "https://", "<script>", "style=", "onclick"} {
			if strings.Contains(string(r.body), bad) {
				t.Errorf("%s: has %q", path, bad)
			}
		}
		if csp := r.header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	if r := h.get("/status", "Accept-Language: vi"); !strings.Contains(string(r.body), "Tình trạng") {
		t.Error("the page does not speak Vietnamese")
	}
}

// A browser is told in words that there is no such page, a program by a problem.
func TestMissingPage(t *testing.T) {
	h := newHub(t)
	browser := "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
	if r := h.get("/nowhere", browser, "Accept-Language: vi").want(404); !strings.Contains(string(r.body), "Không có trang này") || r.header.Get("Content-Security-Policy") == "" {
		t.Errorf("%v %s", r.header, r.body)
	}
	for path, accept := range map[string]string{"/nowhere": "Accept: */*", "/api/v1/nowhere": browser, "/api/nowhere": browser} {
		if r := h.get(path, accept).want(404); r.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", path, r.header)
		}
	}
}

func TestMissingOption(t *testing.T) {
	if _, err := api.New(api.Options{}); err == nil || !strings.Contains(fmt.Sprint(err), "is missing") {
		t.Errorf("error %v", err)
	}
}
