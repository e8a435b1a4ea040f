package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	ulidA = "01K8ZS2V1Q0000000000000001"
	ulidB = "01K8ZS2V1Q0000000000000002"
	ulidC = "01K8ZS2V1Q0000000000000003"
)

func TestAVisitFromOpeningToClosing(t *testing.T) {
	h := newHub(t)
	h.city()
	first := h.post("visits", `{"clientId":"`+strings.ToLower(ulidA)+`","thing":"st-1","reason":"thay lọc bụi"}`).want(201)
	at := first.header.Get("Location")
	if again := h.post("visits", `{"clientId":"`+ulidA+`","thing":"st-1","reason":"thay lọc bụi"}`).want(201); !bytes.Equal(again.body, first.body) {
		t.Errorf("sent again: %s; want %s", again.body, first.body)
	}
	h.post("things", `{"code":"st-2"}`).want(201)
	h.post("visits", `{"clientId":"`+ulidA+`","thing":"st-2"}`).want(409)

	for range 2 {
		h.post(at+"/notes", `{"clientId":"`+ulidB+`","text":"lọc rất bẩn"}`).want(201)
	}
	h.call("PATCH", at, `{"reason":"thay lọc"}`).want(200)
	h.call("PATCH", at, `{"outcome":"xong"}`).want(422)
	h.call("PATCH", at, `{"closed":"2026-01-01T00:00:00Z"}`).want(422)
	if n := len(h.get("visits?open=true&thing=st-1&organisation=HN").want(200).items()); n != 1 {
		t.Errorf("%d open visits", n)
	}
	done := h.post(at+"/close", `{"outcome":"đã thay"}`).want(200)
	if again := h.post(at+"/close", `{"outcome":"đã thay"}`).want(200); !bytes.Equal(again.body, done.body) {
		t.Errorf("closed again: %s; want %s", again.body, done.body)
	}
	h.post(at+"/close", `{"outcome":"chưa thay"}`).want(409)
	if n := len(h.get("visits?open=true").want(200).items()); n != 0 {
		t.Errorf("%d open visits", n)
	}
	v := h.get(at).want(200).json()
	got := map[string]any{"reason": v["reason"], "outcome": v["outcome"], "open": v["open"], "thing": v["thing"],
		"notes": len(v["notes"].([]any)), "note": v["notes"].([]any)[0].(map[string]any)["text"], "by": v["openedBy"]}
	if diff := cmp.Diff(map[string]any{"reason": "thay lọc", "outcome": "đã thay", "open": false, "thing": "st-1",
		"notes": 1, "note": "lọc rất bẩn", "by": "city-admin"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h.call("DELETE", "things/1", "").want(409)
}

func TestVisitsThatCannotBe(t *testing.T) {
	h := newHub(t)
	h.city()
	at := h.post("visits", `{"thing":"st-1"}`).want(201).header.Get("Location")
	soon := time.Now().Add(time.Hour).Format(time.RFC3339)
	for name, c := range map[string]struct {
		path, body string
		status     int
		says       string
	}{
		"no such thing":         {"visits", `{"thing":"nowhere"}`, 422, "nowhere"},
		"a clientId of letters": {"visits", `{"thing":"st-1","clientId":"abc"}`, 422, "clientId"},
		"opened tomorrow":       {"visits", `{"thing":"st-1","opened":"` + soon + `"}`, 422, "opened"},
		"closed before":         {at + "/close", `{"closed":"2020-01-01T00:00:00Z"}`, 422, "closed"},
		"an empty note":         {at + "/notes", `{"text":" "}`, 422, "text"},
		"no such visit":         {"visits/99/notes", `{"text":"x"}`, 404, "99"},
		"closing none":          {"visits/99/close", `{}`, 404, "99"},
	} {
		if r := h.post(c.path, c.body); r.status != c.status || !strings.Contains(string(r.body), c.says) {
			t.Errorf("%s: %d: %s", name, r.status, r.body)
		}
	}
	h.get("visits?open=maybe").want(400)
	h.get("visits/99").want(404)
}

func TestListsOfVisitsArePaged(t *testing.T) {
	h := newHub(t)
	h.city()
	for i := range 5 {
		h.post("visits", fmt.Sprintf(`{"thing":"st-1","reason":"%d"}`, i)).want(201)
	}
	seen, next := 0, "/api/v1/visits?limit=2&open=true"
	for next != "" {
		page := h.get(next).want(200)
		seen += len(page.items())
		next, _ = page.json()["next"].(string)
	}
	if seen != 5 {
		t.Errorf("%d of 5 visits", seen)
	}
	h.post("organisations", `{"code":"HP"}`).want(201)
	if n := len(h.get("visits?organisation=HP").want(200).items()); n != 0 {
		t.Errorf("%d visits at another organisation's things", n)
	}
}

// picture is a JPEG with an Exif block that h knows by "GPS".
func picture(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30)), nil))
	exif := "Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x00 GPS 21.0285 105.8542"
	return bytes.Join([][]byte{b.Bytes()[:2], {0xff, 0xe1, 0, byte(2 + len(exif))}, []byte(exif), b.Bytes()[2:]}, nil)
}

// photo sends a picture, with fields, name and value in turn.
func (h *hub) photo(at string, body []byte, fields ...string) reply {
	h.t.Helper()
	var text bytes.Buffer
	form := multipart.NewWriter(&text)
	for i := 0; i < len(fields); i += 2 {
		check(h.t, form.WriteField(fields[i], fields[i+1]))
	}
	w := must(form.CreateFormFile("file", `../..\evil".html`))(h.t)
	_ = must(w.Write(body))(h.t)
	check(h.t, form.Close())
	return h.call(http.MethodPost, at+"/photos", text.String(), "Content-Type: "+form.FormDataContentType())
}

func TestPhotosOfAVisit(t *testing.T) {
	h := newHub(t)
	h.city()
	at := h.post("visits", `{"thing":"st-1"}`).want(201).header.Get("Location")
	first := h.photo(at, picture(t), "clientId", ulidC, "caption", "trước").want(201)
	if again := h.photo(at, picture(t), "clientId", ulidC, "caption", "trước").want(201); !bytes.Equal(again.body, first.body) {
		t.Errorf("sent again: %s; want %s", again.body, first.body)
	}
	shown := first.json()
	if shown["width"] != 40.0 || shown["height"] != 30.0 || shown["positionStripped"] != true || shown["mediaType"] != "image/jpeg" {
		t.Errorf("%v", shown)
	}
	href := shown["href"].(string)
	r := h.get(href).want(200)
	if bytes.Contains(r.body, []byte("GPS")) || r.header.Get("Content-Type") != "image/jpeg" ||
		r.header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(r.header.Get("Content-Disposition"), `attachment; filename="visit-`) ||
		!strings.Contains(r.header.Get("Cache-Control"), "private") {
		t.Errorf("%v %q", r.header, r.body[:60])
	}
	h.get(href, "If-None-Match: "+r.header.Get("ETag")).want(304)
	whole := h.photo(at, picture(t), "stripPosition", "false").want(201).json()["href"].(string)
	if !bytes.Equal(h.get(whole).want(200).body, picture(t)) {
		t.Error("a picture that was to stay has changed")
	}
	if n := len(h.get(at).want(200).json()["photos"].([]any)); n != 2 {
		t.Errorf("%d photos; want 2", n)
	}
	other := h.post("visits", `{"thing":"st-1"}`).want(201).header.Get("Location")
	h.get(strings.Replace(href, at, other, 1)).want(404)
	h.call("DELETE", strings.Replace(href, at, other, 1), "").want(404)
	h.call("DELETE", href, "").want(204)
	h.get(href).want(404)
}

func TestPhotosThatAreRefused(t *testing.T) {
	h := newHub(t)
	h.city()
	at := h.post("visits", `{"thing":"st-1"}`).want(201).header.Get("Location")
	for name, c := range map[string]struct {
		r      reply
		status int
	}{
		"a page":           {h.photo(at, []byte("<script>alert(1)</script>")), 422},
		"ten MiB and more": {h.photo(at, append(picture(t), make([]byte, 10<<20)...)), 422},
		"an unknown field": {h.photo(at, picture(t), "colour", "red"), 422},
		"strip perhaps":    {h.photo(at, picture(t), "stripPosition", "perhaps"), 422},
		"no such visit":    {h.photo("/api/v1/visits/99", picture(t)), 404},
		"no form":          {h.post(at+"/photos", "{}"), 415},
	} {
		if c.r.status != c.status {
			t.Errorf("%s: status %d, want %d: %s", name, c.r.status, c.status, c.r.body)
		}
	}
	// Of what is far too large not a byte is waited for.
	conn := must(net.Dial("tcp", strings.TrimPrefix(h.url, "http://")))(t)
	defer conn.Close()
	_ = must(fmt.Fprintf(conn, "POST %s/photos HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n", at, 12<<20))(t)
	if line := must(bufio.NewReader(conn).ReadString('\n'))(t); !strings.Contains(line, "413") {
		t.Errorf("12 MiB: %s", line)
	}
	if _, ok := h.get(at).want(200).json()["photos"]; ok {
		t.Error("something refused was kept")
	}
}

func TestReadingsDuringAVisitAreUnderMaintenance(t *testing.T) {
	h := newHub(t)
	h.city()
	now := time.Now().UTC().Truncate(time.Second)
	at := func(minutes int) string { return now.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339) }
	visit := h.post("visits", `{"thing":"st-1","opened":"`+at(-30)+`"}`).want(201).header.Get("Location")
	h.post(visit+"/close", `{"closed":"`+at(-20)+`"}`).want(200)
	h.post("visits", `{"thing":"st-1","opened":"`+at(-1)+`"}`).want(201)
	for i, minutes := range []int{-31, -30, -25, -20, -10, 0} { // the first is late for the visit, and so are most
		h.post("ingest", fmt.Sprintf(`{"device":"dev-1","time":"%s","values":{"pm25":%d}}`, at(minutes), i)).want(202)
	}
	h.stored()
	var flagged []float64
	path := fmt.Sprintf("datastreams/%d/observations?datetime=%s/..", h.stream("st-1", "pm25"), at(-60))
	for _, item := range h.get(path).want(200).items() {
		if o := item.(map[string]any); strings.Contains(fmt.Sprint(o["quality"]), "maintenance") {
			flagged = append(flagged, o["result"].(float64))
		}
	}
	if diff := cmp.Diff([]float64{1, 2, 5}, flagged); diff != "" {
		t.Errorf("readings under maintenance (-want +got):\n%s", diff)
	}
}
