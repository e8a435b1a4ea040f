package geo

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"
)

func TestReadFeatures(t *testing.T) {
	const file = "\xef\xbb\xbf" + `{"type":"FeatureCollection","features":[
		{"type":"Feature","properties":{"code":"00004","n":7},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0,9],[1,1],[0,0]]]}},
		{"type":"Feature","properties":null,"geometry":{"type":"MultiPolygon","coordinates":[[[[0,0]]],[]]}},
		{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[1,2]}},
		{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[[[1]]]}},
		{"type":"Feature","properties":{},"geometry":null}]}`
	features, err := ReadFeatures([]byte(file), CRS{})
	if err != nil {
		t.Fatal(err)
	}
	if f := features[0]; f.Text("code") != "00004" || f.Text("n") != "7" || f.Text("x") != "" {
		t.Errorf("properties %v", f.Properties)
	}
	if diff := cmp.Diff(Area{{{{0, 0}, {1, 0}, {1, 1}, {0, 0}}}}, features[0].Area); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Area{{{{0, 0}}}, {}}, features[1].Area); diff != "" {
		t.Error(diff)
	}
	for i, want := range map[int]string{2: `"Point"`, 3: "1 numbers", 4: `""`} {
		if err := features[i].Err; !errors.Is(err, ErrGeoJSON) || !strings.Contains(err.Error(), want) {
			t.Errorf("feature %d: %v", i, err)
		}
	}
	for _, bad := range []string{"", "[]", `{"type":"Feature"}`, `{"type":"FeatureCollection","crs":{"properties":{"name":"EPSG:9999"}}}`} {
		if _, err := ReadFeatures([]byte(bad), CRS{}); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// The wanted places are those of PROJ 9.1.
func TestReferenceSystems(t *testing.T) {
	for _, c := range []struct {
		crs      string
		from, to orb.Point
	}{
		{"", orb.Point{105, 21}, orb.Point{105, 21}},
		{"urn:ogc:def:crs:OGC:1.3:CRS84", orb.Point{105, 21}, orb.Point{105, 21}},
		{"EPSG:4326", orb.Point{105, 21}, orb.Point{105, 21}},
		{"5897", orb.Point{588_000, 2_325_000}, orb.Point{105.848436813996, 21.016377705261}},
		{"urn:ogc:def:crs:EPSG::3406", orb.Point{100_000, 1_200_000}, orb.Point{107.344611884645, 10.832735837092}},
	} {
		crs, err := ParseCRS(c.crs)
		if err != nil {
			t.Fatal(err)
		}
		const off = 1e-8 // a millimetre
		if got := crs.toWGS84(c.from); math.Abs(got[0]-c.to[0]) > off || math.Abs(got[1]-c.to[1]) > off {
			t.Errorf("%s: %v, want %v", c.crs, got, c.to)
		}
	}
	for _, bad := range []string{"x", "EPSG:", "3857"} {
		if _, err := ParseCRS(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	old := `{"type":"FeatureCollection","crs":{"properties":{"name":"urn:ogc:def:crs:EPSG::5897"}},"features":[
		{"geometry":{"type":"Polygon","coordinates":[[[588000,2325000]]]}}]}`
	features, err := ReadFeatures([]byte(old), CRS{})
	if err != nil || math.Abs(features[0].Area[0][0][0][1]-21.0163777) > 1e-6 {
		t.Errorf("%v %v", features, err)
	}
}

func TestDays(t *testing.T) {
	for _, text := range []string{"1970-01-01", "2025-07-01", "2028-02-29"} {
		if d, err := ParseDay(text); err != nil || d.String() != text {
			t.Errorf("%s became %s, %v", text, d, err)
		}
	}
	for _, bad := range []string{"", "2025-02-30", "1969-12-31", "2025-07-01T00:00:00Z"} {
		if d, err := ParseDay(bad); err == nil {
			t.Errorf("%q became %s", bad, d)
		}
	}
}
