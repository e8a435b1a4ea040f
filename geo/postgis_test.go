package geo_test

import (
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"cityhub/geo"
	"cityhub/testbed"
)

// wards reads the wards of Hanoi: in full where they lie beside the project,
// else the simplified ones of the demo.
func wards(t testing.TB) []geo.Feature {
	t.Helper()
	files := wardFiles()
	return wardsOf(t, files[len(files)-1])
}

// wardFiles are the demo's wards, and those in full where there are any.
func wardFiles() []string {
	files := []string{"../examples/hanoi/wards.geojson"}
	const full = "../../shared/data/hanoi/wards.geojson"
	if _, err := os.Stat(full); err == nil {
		files = append(files, full)
	}
	return files
}

func wardsOf(t testing.TB, file string) []geo.Feature {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	features, err := geo.ReadFeatures(text, geo.CRS{})
	if err != nil || len(features) != 126 {
		t.Fatalf("%d wards: %v", len(features), err)
	}
	t.Logf("%s", file)
	return features
}

// code is the ward's; the source has it as the feature's id or a property.
func code(f *geo.Feature, i int) string {
	if c := f.Text("code"); c != "" {
		return c
	}
	return fmt.Sprintf("w%03d", i)
}

// points are random ones of the city, and then so many on borders: corners, and
// places on edges as near as numbers come.
func points(features []geo.Feature, random, border int) []geo.Position {
	r := rand.New(rand.NewPCG(7, 9))
	all := make([]geo.Position, 0, random+border)
	for len(all) < random {
		all = append(all, geo.Position{Lon: 105.25 + r.Float64()*0.85, Lat: 20.5 + r.Float64()*0.95})
	}
	for len(all) < random+border {
		area := features[r.IntN(len(features))].Area
		ring := area[r.IntN(len(area))][0]
		i := r.IntN(len(ring)-1) + 1
		f := 0.0
		if r.IntN(2) == 0 {
			f = r.Float64()
		}
		a, b := ring[i-1], ring[i]
		all = append(all, geo.Position{Lon: a[0] + f*(b[0]-a[0]), Lat: a[1] + f*(b[1]-a[1])})
	}
	return all
}

// PostGIS is asked which wards cover each point, and which of these have it on
// their boundary. The hub must give a point exactly one of those that cover it,
// and none where none does; where several do, all must have it on their
// boundary, or else wards would overlap.
func TestPointsInWardsAgreeWithPostGIS(t *testing.T) {
	features := wards(t)
	db := postGIS(t, features)
	shapes, areas := geo.NewShapes(), map[string]geo.Area{}
	for i := range features {
		c := code(&features[i], i)
		areas[c] = features[i].Area
		shapes = shapes.With(&geo.Shape{Outline: geo.NewOutline(features[i].Area), Ref: int64(i), Kind: "ward", Code: c})
	}
	const random, border = 100_000, 50_000
	places := points(features, random, border)
	covered, edges := cover(t, db, places)
	onEdge, different, inside := 0, 0, 0
	for i, p := range places {
		mine, theirs := "", covered[i]
		if s := shapes.Of("ward", p, 0); s != nil {
			mine = s.Code
		}
		switch {
		case len(theirs) == 0 && mine == "", len(theirs) == 1 && theirs[0] == mine:
			if i < random && mine != "" {
				inside++
			}
		case slices.Contains(theirs, mine) && edges[i] == len(theirs):
			onEdge++ // on the boundary of all that cover it, and one of them has it
		default:
			different++
			t.Errorf("%.17g %.17g: %q, PostGIS says %q, on the boundary of %d", p.Lon, p.Lat, mine, theirs, edges[i])
		}
	}
	t.Logf("%d random points, %d of them inside a ward, and %d of borders: %d differences; %d on a boundary that wards share, each given to one of them", random, inside, border, different, onEdge)
	if onEdge < 1_000 || inside < random/4 {
		t.Errorf("only %d points lie on a boundary, %d inside", onEdge, inside)
	}
	compareAreas(t, db, areas)
}

// compareAreas holds the ellipsoid's surface against PostGIS, whose edges are
// geodesics and so are made short, and soundness against ST_IsValid.
func compareAreas(t *testing.T, db *sql.DB, areas map[string]geo.Area) {
	t.Helper()
	rows, err := db.Query("SELECT code, ST_Area(ST_Segmentize(shape, 0.0002)::geography), ST_IsValid(shape) FROM wards")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c string
		var want float64
		var valid bool
		if err := rows.Scan(&c, &want, &valid); err != nil {
			t.Fatal(err)
		}
		if got := areas[c].SquareMetres(); math.Abs(got-want) > 1e-6*want {
			t.Errorf("%s: %f m², PostGIS says %f", c, got, want)
		}
		if faults := geo.Check(areas[c]); (len(faults) == 0) != valid {
			t.Errorf("%s: PostGIS says valid %t, here %v", c, valid, faults)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func postGIS(t *testing.T, features []geo.Feature) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", testbed.PostGIS(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	execute(t, db, "CREATE TABLE wards (code text, shape geometry, edge geometry)")
	for i := range features {
		execute(t, db, "INSERT INTO wards SELECT $1, shape, ST_Boundary(shape) FROM ST_GeomFromText($2, 4326) AS of (shape)", code(&features[i], i), wkt(features[i].Area))
	}
	execute(t, db, "CREATE INDEX ON wards USING gist (shape)")
	return db
}

func execute(t *testing.T, db *sql.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.Exec(text, args...); err != nil {
		t.Fatal(err)
	}
}

// wkt writes all digits, unlike GeoJSON.
func wkt(a geo.Area) string {
	var polygons []string
	for _, polygon := range a {
		var rings []string
		for _, ring := range polygon {
			var points []string
			for _, p := range ring {
				points = append(points, fmt.Sprintf("%.17g %.17g", p[0], p[1]))
			}
			rings = append(rings, "("+strings.Join(points, ",")+")")
		}
		polygons = append(polygons, "("+strings.Join(rings, ",")+")")
	}
	return "MULTIPOLYGON(" + strings.Join(polygons, ",") + ")"
}

// cover gives the codes of the wards that cover each place, and how many of them
// have it on their boundary.
func cover(t *testing.T, db *sql.DB, places []geo.Position) (covered [][]string, edges []int) {
	t.Helper()
	lons, lats := make([]float64, len(places)), make([]float64, len(places))
	for i, p := range places {
		lons[i], lats[i] = p.Lon, p.Lat
	}
	execute(t, db, "CREATE TABLE places (n int, point geometry)")
	execute(t, db, `INSERT INTO places SELECT n - 1, ST_SetSRID(ST_Point(lon, lat), 4326)
		FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS place (lon, lat, n)`, lons, lats)
	execute(t, db, "CREATE INDEX ON places USING gist (point)")
	execute(t, db, "ANALYZE")
	rows, err := db.Query("SELECT n, code, ST_Intersects(edge, point) FROM wards JOIN places ON ST_Covers(shape, point)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	covered, edges = make([][]string, len(places)), make([]int, len(places))
	for rows.Next() {
		var i int
		var c string
		var edge bool
		if err := rows.Scan(&i, &c, &edge); err != nil {
			t.Fatal(err)
		}
		if covered[i] = append(covered[i], c); edge {
			edges[i]++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return covered, edges
}
