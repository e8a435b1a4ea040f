package api_test

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cityhub/geo"
	"cityhub/testbed"
)

// troubled finds what GDAL complains of.
var troubled = regexp.MustCompile(`(?i)warning|error|invalid`)

// asked gives what ogrinfo says, which must not complain and must say all of
// the texts.
func asked(t *testing.T, texts []string, args ...string) {
	t.Helper()
	said := testbed.OGRInfo(t, args...)
	if complaint := troubled.FindString(said); complaint != "" {
		t.Errorf("GDAL complains of %q:\n%s", complaint, said)
	}
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Errorf("GDAL does not say %q:\n%s", text, said)
		}
	}
}

// byKey lets GDAL ask the hub itself.
func (h *hub) byKey() []string {
	return []string{"--config", "GDAL_HTTP_HEADERS", "Authorization: Bearer " + h.key}
}

// GDAL reads what the hub answers as GeoJSON, from the hub itself.
func TestAnswersAreReadByGDAL(t *testing.T) {
	h := mapCity(t)
	thing, _ := h.bus("dev-1")
	h.drive(60*time.Minute, 105.80, 21.00)
	h.drive(59*time.Minute, 105.81, 21.00)
	h.drive(10*time.Minute, 105.82, 21.00)
	for address, texts := range map[string][]string{
		"latest?property=pm25":                {"Feature Count: 5", "Geometry: Point", "thing: String", "value: Integer", "time: DateTime", "quality: StringList", "state: String", "POINT (105.8501 21.0301)"},
		"latest?property=pm25&limit=1":        {"Feature Count: 1"},
		"latest?property=pm25&bbox=1,1,2,2":   {"Feature Count: 0"},
		"map/clusters?property=pm25&zoom=0":   {"Feature Count: 1", "mean: Real", "worst: String"},
		fmt.Sprintf("things/%d/track", thing): {"Feature Count: 1", "MULTILINESTRING ((105.8 21.0,105.81 21.0),(105.82 21.0,105.82 21.0))"},
	} {
		asked(t, append(texts, "using driver `GeoJSON'"), append(h.byKey(), "-ro", "-al", h.url+"/api/v1/"+address)...)
	}
}

// GDAL opens the hub's tiles from the hub itself, by their TileJSON: it knows
// from that which tiles there are and what the layers' fields are.
func TestTilesAreOpenedByGDAL(t *testing.T) {
	h := mapCity(t)
	set := func(layer, query string, zoom int) []string {
		return append(h.byKey(), "-ro", fmt.Sprintf("MVT:%s/api/v1/tiles/%s/%d", h.url, layer, zoom), "-oo", "TILE_EXTENSION=mvt?"+query,
			"-oo", fmt.Sprintf("METADATA_FILE=%s/api/v1/tiles/%s.json?%s", h.url, layer, query))
	}
	stations := set("stations", "property=pm25", 16)
	asked(t, []string{"Layer name: stations", "Feature Count: 4", "WGS 84 / Pseudo-Mercator", "thing: String", "value: Real", "time: Real", "state: String", "Layer name: clusters"},
		append(stations, "-al", "-so")...)
	asked(t, []string{"n (Integer) = 1"}, append(stations, "-dialect", "SQLite", "-sql", `SELECT COUNT(*) AS n FROM stations WHERE thing = 'd' AND value = 5 AND state = 'ok'
		AND abs(ST_X(ST_Transform(geometry, 4326)) - 106.7) < 0.000002 AND abs(ST_Y(ST_Transform(geometry, 4326)) - 20.8) < 0.000002`)...)
	asked(t, []string{"Layer name: zones", "Feature Count: 2", "code: String", "name_en: String"}, append(set("zones", "kind=ward", 8), "-al", "-so")...)
	one := append(h.byKey(), "-ro", "MVT:"+h.url+"/api/v1/tiles/stations/8/203/112.mvt?property=pm25", "-al")
	asked(t, []string{"Layer name: clusters", "count (Integer) = 3", "mean (Real) = 30", "worst (String) = stale"}, one...)
}

// What browsers' maps decode of a live tile is what /latest says, each station
// within one unit of its place.
func TestTilesAreReadByBrowsers(t *testing.T) {
	h := mapCity(t)
	var latest struct {
		Features []struct {
			ID         int64
			Geometry   struct{ Coordinates []float64 }
			Properties struct {
				Thing, Name, State string
				Value              float64
				Time               time.Time
			}
		}
	}
	check(t, json.Unmarshal(h.get("latest?property=pm25").want(200).body, &latest))
	if len(latest.Features) != 4 {
		t.Fatalf("%d stations", len(latest.Features))
	}
	template := h.tileJSON("stations.json?property=pm25").Tiles[0]
	for _, f := range latest.Features {
		c := geo.CellOf(geo.Position{Lon: f.Geometry.Coordinates[0], Lat: f.Geometry.Coordinates[1]}, 16)
		x, y := inTile(c, f.Geometry.Coordinates)
		want := fmt.Sprintf("%s %s %v %d %s", f.Properties.Thing, f.Properties.Name, f.Properties.Value, f.Properties.Time.Unix(), f.Properties.State)
		found := false
		for _, s := range decoded(t, h.tileAt(template, c).want(200).body)["stations"] {
			p := s.Properties
			found = found || s.ID == f.ID && math.Abs(s.Geometry[0][0][0]-x) <= 1 && math.Abs(s.Geometry[0][0][1]-y) <= 1 &&
				fmt.Sprintf("%s %s %v %.0f %s", p["thing"], p["name"], p["value"], p["time"], p["state"]) == want
		}
		if !found {
			t.Errorf("%v is not in the tile %v at %f %f", f, c, x, y)
		}
	}
}

// shown is a feature as the decoder of browsers' maps gives it.
type shown struct {
	ID         int64
	Properties map[string]any
	Geometry   [][][2]float64
}

// decoded gives the features of a tile's layers.
func decoded(t *testing.T, tile []byte) map[string][]shown {
	t.Helper()
	var layers []struct {
		Name     string
		Features []shown
	}
	check(t, json.Unmarshal(testbed.Node(t, filepath.FromSlash("../web/tools/tile.mjs"), tile), &layers))
	all := map[string][]shown{}
	for _, l := range layers {
		all[l.Name] = l.Features
	}
	return all
}

// inTile is the formula of web maps.
func inTile(c geo.Cell, p []float64) (x, y float64) {
	n := math.Exp2(float64(c.Level))
	x = ((p[0]+180)/360*n - float64(c.X)) * geo.TileExtent
	y = ((1-math.Asinh(math.Tan(p[1]*math.Pi/180))/math.Pi)/2*n - float64(c.Y)) * geo.TileExtent
	return x, y
}
