package api_test

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"cityhub/api"
)

// withApp gives a hub pages as Vite builds them.
func withApp(o *api.Options) {
	o.App = fstest.MapFS{
		"index.html":       {Data: []byte(`<!doctype html><div id="app"></div><script type="module" src="/assets/app-1.js"></script>`)},
		"assets/app-1.js":  {Data: []byte("export const text = '" + strings.Repeat("wide ", 2_000) + "';")},
		"assets/app-1.css": {Data: []byte(`.a{color:red}@font-face{font-family:City;src:url(/assets/f-1.woff2)}@font-face{font-family:Other}`)},
		"assets/f-1.woff2": {Data: []byte("wOF2")},
	}
}

func TestAppFiles(t *testing.T) {
	h := newHub(t, withApp)
	for path, want := range map[string][2]string{
		"/":                 {"text/html; charset=utf-8", "no-cache"},
		"/assets/app-1.js":  {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/f-1.woff2": {"font/woff2", "public, max-age=31536000, immutable"},
	} {
		r := h.get(path, "Accept-Encoding: identity").want(200)
		if r.header.Get("Content-Type") != want[0] || r.header.Get("Cache-Control") != want[1] || r.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %v", path, r.header)
		}
		h.get(path, "Accept-Encoding: identity", "If-None-Match: "+r.header.Get("ETag")).want(304)
	}
	plain := h.get("/assets/app-1.js", "Accept-Encoding: identity").want(200)
	packed := h.get("/assets/app-1.js", "Accept-Encoding: gzip").want(200)
	if packed.header.Get("Content-Encoding") != "gzip" || packed.header.Get("ETag") == plain.header.Get("ETag") || len(packed.body) > len(plain.body)/5 {
		t.Errorf("%d bytes, %v", len(packed.body), packed.header)
	}
	unpacked, err := gzip.NewReader(strings.NewReader(string(packed.body)))
	check(t, err)
	if text, err := io.ReadAll(unpacked); err != nil || string(text) != string(plain.body) {
		t.Errorf("unpacked it is another: %v", err)
	}
	for _, path := range []string{"/assets/", "/assets/other.js", "/assets/../index.html", "/index.html", "/assets"} {
		h.get(path).want(404)
	}
}

// The pages that work without the app are written in its fonts, where it was built.
func TestFontsOfPages(t *testing.T) {
	const want = "@font-face{font-family:City;src:url(/assets/f-1.woff2)}\n@font-face{font-family:Other}"
	if r := newHub(t, withApp).get("/page/fonts.css").want(200); string(r.body) != want || r.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%v %s", r.header, r.body)
	}
	if r := newHub(t).get("/page/fonts.css").want(200); len(r.body) != 0 {
		t.Errorf("without the app: %s", r.body)
	}
}

// The page names some dozen files; they do not count against who has no account.
func TestAppFilesAreNotCounted(t *testing.T) {
	h := newHub(t, withApp, func(o *api.Options) { o.Rates.Anonymous = api.Rate{Second: 0.001, Burst: 2} })
	nobody := "Authorization: "
	for range 20 {
		h.get("/assets/app-1.js", nobody).want(200)
	}
	h.get("/", nobody).want(200)
	h.get("/", nobody).want(200)
	h.get("/", nobody).want(429)
}

func TestWithoutApp(t *testing.T) {
	h := newHub(t)
	for language, want := range map[string]string{"en": "make build", "vi": "chưa có bản đồ"} {
		if r := h.get("/?lang=" + language).want(200); !strings.Contains(string(r.body), want) {
			t.Errorf("%s: %s", language, r.body)
		}
	}
	h.get("/assets/app-1.js").want(404)
}
