package geo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cityhub/geo"
	"cityhub/testbed"
)

// troubled finds what GDAL complains of.
var troubled = regexp.MustCompile(`(?i)warning|error|invalid`)

func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// asked gives what ogrinfo says, which must not complain and must say all of
// the texts.
func asked(t *testing.T, texts []string, args ...string) string {
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
	return said
}

// GDAL opens tiles of wards at every zoom, finds each ward once, and takes all
// polygons for valid.
func TestZoneTilesAreOpenedByGDAL(t *testing.T) {
	all := areas(wards(t))
	for level := 5; level <= 14; level++ {
		cells := cellsOf(level)
		c := cells[len(cells)/2]
		tile := zoneTile(c, all)
		if len(tile) == 0 {
			continue
		}
		path := file(t, "zones.mvt", tile)
		place := []string{"-ro", path, "-oo", fmt.Sprint("X=", c.X), "-oo", fmt.Sprint("Y=", c.Y), "-oo", fmt.Sprint("Z=", c.Level), "-oo", "CLIP=NO"} // clipped, what lies in the margin alone is empty
		said := asked(t, []string{"Layer name: zones", "WGS 84 / Pseudo-Mercator", "n: Integer"}, append(place, "-al", "-so")...)
		count := regexp.MustCompile(`Feature Count: (\d+)`).FindStringSubmatch(said)
		if count == nil || count[1] == "0" {
			t.Fatalf("%v: no zone:\n%s", c, said)
		}
		query := "SELECT COUNT(*) AS sound, COUNT(DISTINCT n) AS zones FROM zones WHERE ST_IsValid(geometry) = 1"
		asked(t, []string{"sound (Integer) = " + count[1], "zones (Integer) = " + count[1]}, append(place, "-dialect", "SQLite", "-sql", query)...)
	}
}

// GDAL reads the hub's points from a tile, and they are where they were put.
func TestPointTilesAreOpenedByGDAL(t *testing.T) {
	c := geo.Cell{Level: 10, X: 812, Y: 450}
	l := geo.NewTileLayer("stations", "thing", "value", "time", "state")
	for i := range 100 {
		x, y := c.Place(geo.Position{Lon: 105.5 + float64(i)/1000, Lat: 21})
		l.Point(uint64(i+1), x, y)
		l.OwnText(0, fmt.Sprintf("trạm-%d", i))
		l.Number(1, float64(i)+0.25)
		l.Int(2, 1_780_000_000)
		l.Text(3, "ok")
		l.End()
	}
	path := file(t, "stations.mvt", l.Append(nil))
	place := []string{"-ro", path, "-oo", "X=812", "-oo", "Y=450", "-oo", "Z=10"}
	asked(t, []string{"Geometry: Point", "Feature Count: 100", "thing: String", "value: Real", "time: Integer", "state: String"}, append(place, "-al", "-so")...)
	asked(t, []string{"n (Integer) = 100"}, append(place, "-dialect", "SQLite", "-sql",
		`SELECT COUNT(*) AS n FROM stations WHERE thing = 'trạm-' || (mvt_id - 1) AND value = mvt_id - 0.75
		AND abs(ST_X(ST_Transform(geometry, 4326)) - (105.5 + (mvt_id - 1) / 1000.0)) < 0.0001
		AND abs(ST_Y(ST_Transform(geometry, 4326)) - 21) < 0.0001`)...)
}

// GDAL reads what is written as GeoJSON, over the antimeridian too.
func TestGeoJSONIsReadByGDAL(t *testing.T) {
	fiji, err := geo.ReadArea([]byte(`{"type":"Polygon","coordinates":[[[177,-19],[-178,-19],[-178,-16],[177,-16],[177,-19]]]}`), geo.CRS{})
	if err != nil {
		t.Fatal(err)
	}
	var extent geo.Extent
	extent.Add(geo.Position{Lon: 179.5, Lat: -17})
	extent.Add(geo.Position{Lon: -179.5, Lat: -18})
	text := []byte(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"zone"},"geometry":`)
	text = geo.AppendArea(text, fiji)
	text = append(text, `},{"type":"Feature","properties":{"name":"way"},"geometry":`...)
	text = geo.AppendTrack(text, [][]geo.Position{{{Lon: 179.5, Lat: -17, Alt: 2}, {Lon: 180, Lat: -17.5, Alt: 1}}, {{Lon: -180, Lat: -17.5, Alt: 1}, {Lon: -179.5, Lat: -18}}})
	text = append(text, `},{"type":"Feature","properties":{"name":"nowhere"},"geometry":`...)
	text = geo.AppendPoint(text, nil)
	text = extent.AppendMember(append(text, "}]"...))
	path := file(t, "all.geojson", append(text, '}'))
	asked(t, []string{"using driver `GeoJSON'", "Feature Count: 3", "(-180.000000, -19.000000) - (180.000000, -16.000000)"}, "-ro", "-al", "-so", path)
	asked(t, []string{"MULTIPOLYGON", "MULTILINESTRING"}, "-ro", "-al", path)
}
