package api_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"
)

const zoneA = `{"type":"Polygon","coordinates":[[[105,21],[106,21],[106,22],[105,22],[105,21]]]}`

// half is the western or the eastern half of zoneA.
func half(west float64) string {
	return fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%[1]v,21],[%[2]v,21],[%[2]v,22],[%[1]v,22],[%[1]v,21]]]}`, west, west+0.5)
}

// codesAt are the codes of the zones of a place.
func (h *hub) codesAt(query string) string {
	h.t.Helper()
	var codes []string
	for _, item := range h.get("zones/at?" + query).want(200).items() {
		codes = append(codes, item.(map[string]any)["code"].(string))
	}
	return strings.Join(codes, " ")
}

// A ward is split: what lay in it before still does when one asks for that day.
func TestAZoneThatIsSplit(t *testing.T) {
	h := newHub(t)
	h.post("zones", `{"code":"D","kind":"district","geometry":`+zoneA+`,"validFrom":"2000-01-01"}`).want(201)
	old := h.post("zones", `{"code":"W","kind":"ward","name":"Phường W","nameEn":"W Ward","parent":"D","geometry":`+zoneA+`,"validFrom":"2020-01-01"}`).want(201)
	if !strings.Contains(string(old.body), `"areaKm2":11473.0575`) || !strings.Contains(string(old.body), `"bbox":[105,21,106,22]`) || !strings.Contains(string(old.body), `"parent":"D"`) {
		t.Errorf("created as %s", old.body)
	}
	versions := fmt.Sprintf("zones/%d/versions", old.id())
	h.post(versions, `{"from":"2025-07-01","geometry":null}`).want(200)
	h.post("zones", `{"code":"E","kind":"ward","geometry":`+half(105.5)+`,"validFrom":"2025-07-01"}`).want(201)
	h.post("zones", `{"code":"V","kind":"ward","geometry":`+half(105)+`,"validFrom":"2025-07-01"}`).want(201)
	for query, want := range map[string]string{
		"lon=105.7&lat=21.5&date=2025-06-30": "D W",
		"lon=105.7&lat=21.5&date=2025-07-01": "D E",
		"lon=105.7&lat=21.5":                 "D E",
		"lon=105.2&lat=21.5":                 "D V",
		"lon=105.5&lat=21.5":                 "D E", // on the border between V and E
		"lon=105.7&lat=21.5&date=2019-12-31": "D",
		"lon=105.7&lat=21.5&date=1999-12-31": "",
		"lon=1&lat=1":                        "",
	} {
		if got := h.codesAt(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	items := h.get(versions).want(200).items()
	if first := items[0].(map[string]any); len(items) != 1 || first["from"] != "2020-01-01" || first["to"] != "2025-07-01" {
		t.Errorf("versions %v", items)
	}
	district := int64(h.get("zones?code=D").items()[0].(map[string]any)["id"].(float64))
	h.call(http.MethodDelete, fmt.Sprintf("zones/%d", district), "").want(409) // wards lie in it
	h.get("zones/at?lon=105&lat=21&date=x").want(400)
	h.get("zones/at?lon=105").want(400)
}

func TestVersionsOfAZone(t *testing.T) {
	h := newHub(t)
	at := h.post("zones", `{"code":"W","kind":"ward","geometry":`+zoneA+`,"validFrom":"2020-01-01"}`).want(201).header.Get("Location")
	spans := func() string {
		var all []string
		for _, item := range h.get(at + "/versions").want(200).items() {
			v := item.(map[string]any)
			all = append(all, fmt.Sprintf("%v…%v %.0f", v["from"], v["to"], v["areaKm2"]))
		}
		return strings.Join(all, ", ")
	}
	for _, step := range []struct{ body, want string }{
		{`{"from":"2022-01-01","geometry":` + half(105) + `}`, "2020-01-01…2022-01-01 11473, 2022-01-01…<nil> 5737"},
		{`{"from":"2022-01-01","geometry":` + half(105.5) + `}`, "2020-01-01…2022-01-01 11473, 2022-01-01…<nil> 5737"},
		{`{"from":"2021-01-01","geometry":` + half(105) + `}`, "2020-01-01…2021-01-01 11473, 2021-01-01…2022-01-01 5737, 2022-01-01…<nil> 5737"},
		{`{"from":"2010-01-01","geometry":` + half(105) + `}`, "2010-01-01…2020-01-01 5737, 2020-01-01…2021-01-01 11473, 2021-01-01…2022-01-01 5737, 2022-01-01…<nil> 5737"},
		{`{"from":"2021-06-01","geometry":null}`, "2010-01-01…2020-01-01 5737, 2020-01-01…2021-01-01 11473, 2021-01-01…2021-06-01 5737, 2022-01-01…<nil> 5737"},
	} {
		h.post(at[len("/api/v1/"):]+"/versions", step.body).want(200)
		if got := spans(); got != step.want {
			t.Errorf("after %.40s…: %s, want %s", step.body, got, step.want)
		}
	}
	first := int64(h.get(at + "/versions").items()[0].(map[string]any)["id"].(float64))
	h.call(http.MethodDelete, fmt.Sprintf("%s/versions/%d", at, first), "").want(204)
	h.call(http.MethodDelete, fmt.Sprintf("%s/versions/%d", at, first), "").want(404)
	if got := spans(); strings.Contains(got, "2010") {
		t.Errorf("a deleted version is there: %s", got)
	}
	h.post("zones/99/versions", `{"from":"2022-01-01","geometry":null}`).want(404)
	bad := h.post("zones", `{"code":"X","kind":"ward","validFrom":"2020-01-01","geometry":{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,2],[0,0]]]}}`).want(422)
	if !strings.Contains(string(bad.body), "polygon 1, the shell, near 1.000000 1.000000") {
		t.Errorf("%s", bad.body)
	}
	h.post("zones", `{"code":"X","kind":"ward","geometry":`+zoneA+`}`).want(422)
	h.call(http.MethodPatch, at, `{"code":"W2","geometry":`+zoneA+`,"validFrom":"2024-01-01"}`, "Content-Type: application/merge-patch+json").want(200)
	if got := h.codesAt("lon=105.2&lat=21.2"); got != "W2" {
		t.Errorf("after a change of code: %q", got)
	}
	h.call(http.MethodDelete, at, "").want(204)
	if got := h.codesAt("lon=105.2&lat=21.2"); got != "" {
		t.Errorf("a deleted zone holds a place: %q", got)
	}
}

// importZones sends a file of zones; fields are name and value in turn.
func (h *hub) importZones(text string, fields ...string) map[string]any {
	h.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	check(h.t, form.WriteField("kind", "zones"))
	for i := 0; i < len(fields); i += 2 {
		check(h.t, form.WriteField(fields[i], fields[i+1]))
	}
	w := must(form.CreateFormFile("file", "zones.geojson"))(h.t)
	_, err := w.Write([]byte(text))
	check(h.t, err)
	check(h.t, form.Close())
	sent := h.call(http.MethodPost, "imports", body.String(), "Content-Type: "+form.FormDataContentType())
	if sent.status != 202 {
		return map[string]any{"refused": string(sent.body)}
	}
	var state map[string]any
	eventually(h.t, "the import is done", func() bool {
		state = h.get(sent.header.Get("Location")).want(200).json()
		return state["state"] == "done"
	})
	return state
}

func TestImportOfTheWards(t *testing.T) {
	h := newHub(t)
	text := string(must(os.ReadFile("../examples/hanoi/wards.geojson"))(t))
	if state := h.importZones(text, "zoneKind", "ward", "validFrom", "2025-07-01"); state["created"] != 126.0 || state["failed"] != 0.0 {
		t.Fatalf("%v", state)
	}
	if state := h.importZones(text, "zoneKind", "ward", "validFrom", "2025-07-01"); state["unchanged"] != 126.0 {
		t.Errorf("again: %v", state)
	}
	if got := h.codesAt("lon=105.852&lat=21.028&date=2025-07-01"); got == "" || strings.Contains(got, " ") {
		t.Errorf("the lake lies in %q", got)
	}
	if got := h.codesAt("lon=105.852&lat=21.028&date=2025-06-30"); got != "" {
		t.Errorf("before the wards: %q", got)
	}
}

func TestImportsThatAreRefused(t *testing.T) {
	h := newHub(t)
	file := func(geometry string) string {
		return `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"ma":"1"},"geometry":` + geometry + `}]}`
	}
	const open = `{"type":"Polygon","coordinates":[[[105,21],[106,21],[106,22]]]}`
	const farOff = `{"type":"Polygon","coordinates":[[[175,-20],[-175,-20],[-175,10],[175,10],[175,-20]],[[-1e17,0],[-1e17,1],[-178,1],[-1e17,0]]]}`
	const metres = `{"type":"Polygon","coordinates":[[[588000,2325000],[589000,2325000],[589000,2326000],[588000,2325000]]]}`
	for name, c := range map[string]struct {
		text, want string
		fields     []string
	}{
		"no kind":      {file(zoneA), "zoneKind", nil},
		"no day":       {file(zoneA), "validFrom", []string{"zoneKind", "ward"}},
		"unknown crs":  {file(zoneA), "crs: EPSG code 3857", []string{"zoneKind", "ward", "validFrom", "2025-07-01", "crs", "3857"}},
		"no GeoJSON":   {"x", "file", []string{"zoneKind", "ward", "validFrom", "2025-07-01"}},
		"no code":      {file(zoneA), "name the property that holds it", []string{"zoneKind", "ward", "validFrom", "2025-07-01"}},
		"open ring":    {file(open), "polygon 1, the shell, near 106.000000 22.000000: the ring is not closed", []string{"zoneKind", "ward", "validFrom", "2025-07-01", "codeProperty", "ma"}},
		"far off":      {file(farOff), "polygon 1, hole 1", []string{"zoneKind", "ward", "validFrom", "2025-07-01", "codeProperty", "ma"}},
		"metres":       {file(metres), "name it by its EPSG code", []string{"zoneKind", "ward", "validFrom", "2025-07-01", "codeProperty", "ma"}},
		"mended":       {file(open), "created:1", []string{"zoneKind", "ward", "validFrom", "2025-07-01", "codeProperty", "ma", "repair", "true"}},
		"of VN-2000":   {strings.Replace(file(metres), `"1"`, `"2"`, 1), "created:1", []string{"zoneKind", "ward", "validFrom", "2025-07-01", "codeProperty", "ma", "crs", "5897"}},
		"unknown kind": {file(zoneA), "kind", []string{"zoneKind", "Phường", "validFrom", "2025-07-01", "codeProperty", "ma"}},
	} {
		t.Run(name, func(t *testing.T) {
			h.under(t)
			if state := fmt.Sprint(h.importZones(c.text, c.fields...)); !strings.Contains(state, c.want) {
				t.Errorf("%s, want %s", state, c.want)
			}
		})
	}
	if got := fmt.Sprint(h.get("zones?code=2").items()[0]); !strings.Contains(got, "105.848") {
		t.Errorf("the triangle of VN-2000: %s", got)
	}
}
