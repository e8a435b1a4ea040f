//go:build peers

package api_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"
	"github.com/valyala/fasthttp"

	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
	"cityhub/testbed"
	"cityhub/testbed/race"
)

// middle is a tile of Hanoi in which peerStations stand.
var middle = geo.Cell{Level: 14, X: 13009, Y: 7215}

const peerStations = 10_000

// peerStation is what each encoder begins with.
type peerStation struct {
	lon, lat    float64
	spot        geo.Spot // as the hub keeps it
	code, state string
	value       float64
	time        int64
}

func newPeerStations() []peerStation {
	w := middle.Window()
	all := make([]peerStation, peerStations)
	for i := range all {
		at := geo.Position{Lon: w.MinLon + (w.MaxLon-w.MinLon)*(float64(i%100)+0.5)/100, Lat: w.MinLat + (w.MaxLat-w.MinLat)*(float64(i/100)+0.5)/100}
		all[i] = peerStation{at.Lon, at.Lat, geo.SpotOf(at), fmt.Sprintf("c%d", i), "ok", float64(i%500) + 0.25, time.Now().Unix() - int64(i%60)}
	}
	return all
}

// TestPeersTiles is D1, D2 and E: tiles and GeoJSON of 10,000 stations beside
// orb and PostGIS, and a kept tile beside one drawn for each request; all from
// the same values, in turns, in one run: `make race`.
func TestPeersTiles(t *testing.T) {
	stations := newPeerStations()
	r := &tileRace{t: t}
	r.report.Note("D1, D2 and E are of %d stations, in ms; the fastest of %d rounds by turns counts", peerStations, tileRounds)
	r.tiles(stations)
	r.requests(stations)
	r.report.End(t, fmt.Sprintf("%s, %s", time.Now().Format(time.DateOnly), runtime.Version()))
}

// tileRace fills the rows of tiles and GeoJSON.
type tileRace struct {
	t      *testing.T
	report race.Report
	answer bytes.Buffer
}

func (r *tileRace) row(what string, hub, peer time.Duration, goal float64) {
	ratio := float64(peer) / float64(hub)
	w := race.Row{What: what, Hub: ms(hub), Peer: ms(peer), Ratio: ratio}
	if goal > 0 {
		w.Goal, w.Met = fmt.Sprintf("≥ %.0f", goal), ratio >= goal
	}
	r.report.Add(w)
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

const tileRounds = 9

// inTurns runs each in turns, so often a round, and gives what one run took in
// the fastest round of each: the one that other programs disturbed least.
func inTurns(times int, runs ...func()) []time.Duration {
	took := make([][]time.Duration, len(runs))
	for range tileRounds {
		for i, run := range runs {
			runtime.GC() // of what the one before has left
			began := time.Now()
			for range times {
				run()
			}
			took[i] = append(took[i], time.Since(began)/time.Duration(times))
		}
	}
	all := make([]time.Duration, len(runs))
	for i := range took {
		all[i] = slices.Min(took[i])
	}
	return all
}

// tiles is D1.
func (r *tileRace) tiles(stations []peerStation) {
	l := geo.NewTileLayer("stations", "thing", "value", "time", "state")
	var tile []byte
	hub := func() { tile = drawPeer(l, stations, fromDegrees) }
	ready := orbFeatures(stations)
	built := func() { r.orbTile(orbFeatures(stations)) }
	only := func() {
		for i := range stations {
			ready.Features[i].Geometry = orb.Point{stations[i].lon, stations[i].lat} // as projecting replaces it
		}
		r.orbTile(ready)
	}
	took := inTurns(10, hub, built, only)
	r.row("D1 tile, orb from the same structs", took[0], took[1], 10)
	r.row("the same, orb's features made beforehand", took[0], took[2], 10)
	if layers, err := mvt.Unmarshal(tile); err != nil || len(layers) != 1 || len(layers[0].Features) != peerStations {
		r.t.Fatalf("the tile is not whole: %v", err)
	}
	r.postGIS(stations, l)
}

// fromDegrees and fromMap place a station in the tile, as a peer does that
// begins with the same.
func fromDegrees(s *peerStation) (x, y int32) {
	return middle.Place(geo.Position{Lon: s.lon, Lat: s.lat})
}

func fromMap(s *peerStation) (x, y int32) { return middle.SpotPlace(s.spot) }

func drawPeer(l *geo.TileLayer, stations []peerStation, place func(*peerStation) (x, y int32)) []byte {
	l.Reset()
	for i := range stations {
		s := &stations[i]
		x, y := place(s)
		l.Point(uint64(i), x, y)
		l.OwnText(0, s.code)
		l.Number(1, s.value)
		l.Int(2, s.time)
		l.Text(3, s.state)
		l.End()
	}
	return l.Append(nil)
}

func orbFeatures(stations []peerStation) *geojson.FeatureCollection {
	all := geojson.NewFeatureCollection()
	for i := range stations {
		s := &stations[i]
		f := geojson.NewFeature(orb.Point{s.lon, s.lat})
		f.ID = i
		f.Properties = geojson.Properties{"thing": s.code, "value": s.value, "time": s.time, "state": s.state}
		all.Append(f)
	}
	return all
}

func (r *tileRace) orbTile(all *geojson.FeatureCollection) {
	layer := mvt.NewLayer("stations", all)
	layer.ProjectToTile(maptile.New(middle.X, middle.Y, maptile.Zoom(middle.Level)))
	layer.Clip(mvt.MapboxGLDefaultExtentBound)
	if _, err := mvt.Marshal(mvt.Layers{layer}); err != nil {
		r.t.Fatal(err)
	}
}

// The ways in which PostGIS is asked: from degrees or from a column that is on
// the map already, by one process or several; and what the hub begins with
// beside it.
var tileForms = []struct {
	name, column, setting string
	place                 func(*peerStation) (x, y int32)
}{
	{"degrees", "ST_Transform(degrees, 3857)", oneProcess, fromDegrees},
	{"degrees, parallel", "ST_Transform(degrees, 3857)", processes, fromDegrees},
	{"Mercator column", "mercator", oneProcess, fromMap},
	{"Mercator column, parallel", "mercator", processes, fromMap},
}

const (
	oneProcess = "SET max_parallel_workers_per_gather = 0"
	processes  = "SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0"
)

// postGIS is D1 beside ST_AsMVT: the server's own time by EXPLAIN ANALYZE, and
// that of the whole question; of each the form counts that is best for PostGIS.
func (r *tileRace) postGIS(stations []peerStation, l *geo.TileLayer) {
	db := r.fill(stations)
	var server, trip pair
	for _, form := range tileForms {
		r.execute(db, form.setting)
		query := fmt.Sprintf(`SELECT ST_AsMVT(q, 'stations', 4096, 'geom', 'id') FROM (SELECT id, thing, value, time, state,
			ST_AsMVTGeom(%s, ST_TileEnvelope(%d, %d, %d), 4096, 64, true) AS geom FROM stations) AS q`, form.column, middle.Level, middle.X, middle.Y)
		var own []time.Duration
		took := inTurns(3, func() { drawPeer(l, stations, form.place) }, func() { r.asked(db, query) }, func() { own = append(own, r.explained(db, query)) })
		r.t.Logf("PostGIS, %s: hub %.2f ms, server %.2f ms, round trip %.2f ms", form.name, ms(took[0]), ms(slices.Min(own)), ms(took[1]))
		server.least(pair{took[0], slices.Min(own)})
		trip.least(pair{took[0], took[1]})
	}
	r.row("D1 tile, PostGIS ST_AsMVT, server's time", server.hub, server.peer, 8)
	r.row("the same, round trip", trip.hub, trip.peer, 8)
}

// pair is what the hub and a peer took for the same.
type pair struct{ hub, peer time.Duration }

// least keeps the pair of which the peer is nearest to the hub.
func (p *pair) least(other pair) {
	if p.hub == 0 || float64(other.peer)/float64(other.hub) < float64(p.peer)/float64(p.hub) {
		*p = other
	}
}

func (r *tileRace) fill(stations []peerStation) *sql.DB {
	db, err := sql.Open("pgx", testbed.PostGIS(r.t).URL)
	check(r.t, err)
	r.t.Cleanup(func() { check(r.t, db.Close()) })
	db.SetMaxOpenConns(1) // so that settings hold
	r.execute(db, "SET jit = off")
	r.execute(db, "CREATE TABLE stations (id int8, thing text, value float8, time int8, state text, degrees geometry(Point, 4326), mercator geometry(Point, 3857))")
	text, err := json.Marshal(rowsOf(stations))
	check(r.t, err)
	r.execute(db, `INSERT INTO stations SELECT id, thing, value, time, state, p, ST_Transform(p, 3857)
		FROM (SELECT *, ST_SetSRID(ST_Point(lon, lat), 4326) AS p FROM json_to_recordset($1) AS s (id int8, thing text, value float8, time int8, state text, lon float8, lat float8)) AS s`, string(text))
	r.execute(db, "VACUUM ANALYZE stations")
	return db
}

func rowsOf(stations []peerStation) []map[string]any {
	rows := make([]map[string]any, len(stations))
	for i, s := range stations {
		rows[i] = map[string]any{"id": i, "thing": s.code, "value": s.value, "time": s.time, "state": s.state, "lon": s.lon, "lat": s.lat}
	}
	return rows
}

func (r *tileRace) execute(db *sql.DB, text string, args ...any) {
	r.t.Helper()
	_, err := db.Exec(text, args...)
	check(r.t, err)
}

func (r *tileRace) asked(db *sql.DB, query string) {
	var tile []byte
	check(r.t, db.QueryRow(query).Scan(&tile))
	if len(tile) < 10*peerStations {
		r.t.Fatalf("PostGIS gave a tile of %d bytes", len(tile))
	}
}

func (r *tileRace) explained(db *sql.DB, query string) time.Duration {
	var plan []byte
	check(r.t, db.QueryRow("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "+query).Scan(&plan))
	var said []struct {
		Time float64 `json:"Execution Time"`
	}
	check(r.t, json.Unmarshal(plan, &said))
	return time.Duration(said[0].Time * 1e6)
}

// requests is D2 and E, through the hub's HTTP handler.
func (r *tileRace) requests(stations []peerStation) {
	h := newHub(r.t)
	h.city()
	rows, lines := make([]devices.Row, len(stations)), make([]telemetry.Line, len(stations))
	for i, s := range stations {
		rows[i] = devices.Row{Device: s.code, Model: "air", Station: s.code, StationName: fmt.Sprintf("Trạm %d", i), Lon: fmt.Sprint(s.lon), Lat: fmt.Sprint(s.lat)}
	}
	_, errs := h.registry.ImportRows(r.t.Context(), rows)
	for _, err := range errs {
		check(r.t, err)
	}
	now := time.Now()
	tell := func() {
		now = now.Add(time.Millisecond)
		for i, s := range stations {
			lines[i].Time, lines[i].Received = now.UnixNano(), now.UnixNano()
			lines[i].Fields = []telemetry.Field{{Property: "pm25", Value: telemetry.NumberOf(s.value)}}
		}
		h.latest.Tell(lines)
		h.server.Tell(lines)
	}
	for i, s := range stations {
		lines[i].Group = must(h.registry.Resolve(s.code, now.Add(time.Hour)))(r.t).Series.ID
	}
	tell()
	handler := h.server.Handler()
	ask := func(address string) []byte { return r.ask(handler, h.key, address) }

	r.geoJSON(h, ask, tell)
	tile := fmt.Sprintf("/api/v1/tiles/stations/%d/%d/%d.mvt?property=pm25", middle.Level, middle.X, middle.Y)
	if layers, err := mvt.UnmarshalGzipped(ask(tile)); err != nil || layers[0].Name != "stations" || len(layers[0].Features) != peerStations {
		r.t.Fatalf("the hub's tile is not whole: %v", err)
	}
	kept := inTurns(50, func() { ask(tile) })
	drawn := inTurns(3, func() { h.server.ForgetTiles(); ask(tile) })
	r.row("E tile of a request, kept beside drawn and packed each time", kept[0], drawn[0], 40)
}

// geoJSON is D2: the newest values with all their properties, written from
// the stations, beside orb's MarshalJSON of the same, read beforehand; and what
// a request of all takes, with texts that are kept and when every value is new.
func (r *tileRace) geoJSON(h *hub, ask func(string) []byte, tell func()) {
	const address = "/api/v1/latest?property=pm25"
	all, err := geojson.UnmarshalFeatureCollection(ask(address))
	if err != nil || len(all.Features) != peerStations {
		r.t.Fatalf("the hub's GeoJSON is not whole: %v", err)
	}
	if again, err := geojson.UnmarshalFeatureCollection(h.server.Encode(nil, "pm25")); err != nil || len(again.Features) != peerStations {
		r.t.Fatalf("the hub's GeoJSON is not whole: %v", err)
	}
	var fresh []time.Duration
	var buffer []byte // who appends may write again where it wrote before
	took := inTurns(3, func() { buffer = h.server.Encode(buffer[:0], "pm25") }, func() {
		_, err := all.MarshalJSON()
		check(r.t, err)
	}, func() { ask(address) }, func() {
		tell()
		began := time.Now()
		ask(address)
		fresh = append(fresh, time.Since(began))
	})
	r.row("D2 GeoJSON, orb's MarshalJSON of features made beforehand", took[0], took[1], 10)
	r.row("the hub's whole request of it, asked again", took[2], took[1], 0)
	r.row("the hub's whole request of it, every value new", slices.Min(fresh), took[1], 0)
}

// ask gives the body of the answer, until the next one. It is written as to a
// connection, header and all, into memory that is kept from answer to answer:
// Response.Body would put one that is sent in parts together in memory that it
// grows anew each time, which took ten times as long as all else.
func (r *tileRace) ask(handler fasthttp.RequestHandler, key, address string) []byte {
	var request fasthttp.Request
	request.SetRequestURI(address)
	request.Header.Set("Authorization", "Bearer "+key)
	if strings.Contains(address, "/tiles/") {
		request.Header.Set("Accept-Encoding", "gzip")
	}
	var ctx fasthttp.RequestCtx
	ctx.Init(&request, nil, nil)
	handler(&ctx)
	r.answer.Reset()
	w := bufio.NewWriter(&r.answer)
	check(r.t, ctx.Response.Write(w))
	check(r.t, w.Flush())
	_, body, _ := bytes.Cut(r.answer.Bytes(), []byte("\r\n\r\n"))
	if ctx.Response.StatusCode() != fasthttp.StatusOK || len(body) != ctx.Response.Header.ContentLength() {
		r.t.Fatalf("%s: %d %s", address, ctx.Response.StatusCode(), body)
	}
	return body
}
