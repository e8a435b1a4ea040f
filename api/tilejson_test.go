package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
	"cityhub/api"
	"cityhub/geo"
)

func (h *hub) tileJSON(query string, headers ...string) (t api.TileJSON) {
	h.t.Helper()
	check(h.t, json.Unmarshal(h.get("tiles/"+query, headers...).want(200).body, &t))
	return t
}

// tileAt asks for a tile by a template, as maps do.
func (h *hub) tileAt(template string, c geo.Cell) reply {
	h.t.Helper()
	path := strings.TrimPrefix(template, h.url)
	return h.get(strings.NewReplacer("{z}", fmt.Sprint(c.Level), "{x}", fmt.Sprint(c.X), "{y}", fmt.Sprint(c.Y)).Replace(path))
}

func TestTileJSON(t *testing.T) {
	h := mapCity(t)
	stations, zones := h.tileJSON("stations.json?property=pm25&organisation=HN"), h.tileJSON("zones.json?kind=ward&date=2025-07-01")
	want := api.TileJSON{TileJSON: "3.0.0", Version: "1.0.0", Scheme: "xyz", Name: "ward", Description: "Zones of the kind ward",
		Tiles: []string{h.url + "/api/v1/tiles/zones/{z}/{x}/{y}.mvt?date=2025-07-01&kind=ward"}, MaxZoom: 14,
		Bounds: []float64{105.8, 21, 106, 21.1}, Center: []float64{105.9, 21.05, 11},
		Layers: []api.TileLayer{{ID: "zones", Description: "Zones", MaxZoom: 14, Fields: map[string]string{"code": "String", "name": "String", "name_en": "String"}}}}
	if diff := cmp.Diff(want, zones); diff != "" {
		t.Error(diff)
	}
	if got, want := stations.Tiles[0], h.url+"/api/v1/tiles/stations/{z}/{x}/{y}.mvt?organisation=HN&property=pm25"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := fmt.Sprint(stations.Layers[0].Fields), "map[name:String state:String text:String thing:String time:Number value:Number]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	at := geo.Position{Lon: 105.8501, Lat: 21.0301}
	for _, set := range []api.TileJSON{stations, zones} {
		h.tileAt(set.Tiles[0], geo.CellOf(at, set.MinZoom)).want(200)
		h.tileAt(set.Tiles[0], geo.CellOf(at, set.MaxZoom)).want(200)
	}
	h.get("tiles/stations.json?property=none").want(404)
	for _, bad := range []string{"stations.json", "stations.json?property=pm25&zone=nowhere", "stations.json?property=pm25&kind=ward", "zones.json", "zones.json?kind=ward&date=today"} {
		h.get("tiles/" + bad).want(400)
	}
	if none := h.tileJSON("zones.json?kind=district"); none.Bounds != nil || none.Center != nil {
		t.Errorf("bounds of nothing: %+v", none)
	}
}

// Bounds hold what the caller sees, and nothing that they do not.
func TestTileJSONIsOfWhatTheCallerSees(t *testing.T) {
	h := mapCity(t)
	of := func(code string) string {
		return "Authorization: Bearer " + h.newKey(access.Viewer, h.idOf("organisations", code))
	}
	holds := func(b []float64, lon, lat float64) bool {
		return len(b) == 4 && b[0] <= lon && lon <= b[2] && b[1] <= lat && lat <= b[3]
	}
	one, other := h.tileJSON("stations.json?property=pm25", of("HN")), h.tileJSON("stations.json?property=pm25", of("XX"))
	if !holds(one.Bounds, 105.8501, 21.0301) || !holds(one.Bounds, 105.8502, 21.0302) || holds(one.Bounds, 106.7, 20.8) || one.Bounds[2]-one.Bounds[0] > 0.03 {
		t.Errorf("HN: %v", one.Bounds)
	}
	if !holds(other.Bounds, 105.8503, 21.0303) || !holds(other.Bounds, 106.7, 20.8) {
		t.Errorf("XX: %v", other.Bounds)
	}
	nobody := h.tileJSON("stations.json?property=pm25", "Authorization: ")
	if nobody.Bounds != nil {
		t.Errorf("without a key: %v", nobody.Bounds)
	}
	before := h.get("tiles/stations.json?property=pm25", of("HN")).header.Get("ETag")
	h.get("tiles/stations.json?property=pm25", of("HN"), "If-None-Match: "+before).want(http.StatusNotModified)
}

// The address of the tiles is the one that the caller came by.
func TestTileJSONBehindAProxy(t *testing.T) {
	const tiles = "/api/v1/tiles/zones/{z}/{x}/{y}.mvt?kind=ward"
	proxied := []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example, map.city.example"}
	for name, c := range map[string]struct {
		setup setup
		want  string
	}{
		"nobody is trusted":   {func(*api.Options) {}, ""},
		"the proxy is":        {func(o *api.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }, "https://map.city.example"},
		"a public address":    {func(o *api.Options) { o.PublicURL = "https://hub.city.example/iot/" }, "https://hub.city.example/iot"},
		"with an attribution": {func(o *api.Options) { o.Attribution = "© Hà Nội" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, c.setup)
			if c.want == "" {
				c.want = h.url
			}
			got := h.tileJSON("zones.json?kind=ward", proxied...)
			if got.Tiles[0] != c.want+tiles {
				t.Errorf("%s, want %s", got.Tiles[0], c.want+tiles)
			}
			if want := map[bool]string{true: "© Hà Nội"}[name == "with an attribution"]; got.Attribution != want {
				t.Errorf("attribution %q", got.Attribution)
			}
		})
	}
}
