package trials

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// wardFiles are the 126 wards of Hanoi: those of the demo and, where they lie
// beside the project, those that they were simplified from, with what their
// properties are called.
var wardFiles = map[string][]string{
	"../examples/hanoi/wards.geojson":       nil,
	"../../shared/data/hanoi/wards.geojson": {"--name-property", "fullName", "--name-en-property", "nameEn"},
}

type ring [][2]float64

// holds says by a ray to the east whether a place lies in a ring.
func (r ring) holds(lon, lat float64) bool {
	in := false
	for i := 1; i < len(r); i++ {
		a, b := r[i-1], r[i]
		if (a[1] > lat) != (b[1] > lat) && lon < a[0]+(lat-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
			in = !in
		}
	}
	return in
}

// ward is one of a file.
type ward struct {
	code  string
	parts [][]ring
}

func (w *ward) holds(lon, lat float64) bool {
	in := false
	for _, part := range w.parts {
		for _, r := range part {
			in = in != r.holds(lon, lat)
		}
	}
	return in
}

func readWards(t *testing.T, file string) []ward {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Features []struct {
			Properties struct{ Code string }
			Geometry   struct {
				Type        string
				Coordinates json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	wards := make([]ward, len(all.Features))
	for i, f := range all.Features {
		w := &wards[i]
		w.code = f.Properties.Code
		if f.Geometry.Type == "Polygon" {
			w.parts = make([][]ring, 1)
			err = json.Unmarshal(f.Geometry.Coordinates, &w.parts[0])
		} else {
			err = json.Unmarshal(f.Geometry.Coordinates, &w.parts)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return wards
}

// The wards come in by the command, and every station in the city is counted
// in one of them: by the newest values of each ward, by the statistics of all,
// and by a count of the stations' own places that the hub has no part in.
func TestTheWardsCountEveryStationOfTheCity(t *testing.T) {
	t.Parallel() // it waits more than it works
	for file, args := range wardFiles {
		if _, err := os.Stat(file); err != nil {
			t.Logf("%v: the demo's copy of these wards is held alone", err)
			continue
		}
		t.Run(file, func(t *testing.T) {
			wards := readWards(t, file)
			h := startHub(t, t.TempDir(), nil)
			h.mustTool("cityhub", append([]string{"import", "zones", file, "--kind", "ward", "--valid-from", "2025-07-01"}, args...)...)
			stations := pick(2_000, 20_000)
			h.registerAround(stations)
			flood(t, "tcp://"+h.mqt, filepath.Join(t.TempDir(), "ledger"), "--devices", strconv.Itoa(stations), "--count", strconv.Itoa(stations), "--rate", "0")()
			h.drained(time.Minute)
			inside, newest := h.inWards(t, wards, stations)
			var statistics struct{ Items []struct{ Stations int } }
			if !h.get("/zones/statistics?kind=ward&property=pm25&fn=count", &statistics) {
				t.Fatal("no statistics")
			}
			counted := 0
			for _, item := range statistics.Items {
				counted += item.Stations
			}
			t.Logf("%d wards, %d of %d stations in the city; %d by newest values, %d by statistics", len(wards), inside, stations, newest, counted)
			if len(wards) != 126 || len(statistics.Items) != 126 {
				t.Errorf("%d wards, %d rows", len(wards), len(statistics.Items))
			}
			if inside == 0 || inside == stations || newest != inside || counted != inside {
				t.Error("they differ")
			}
		})
	}
}

// registerAround registers the devices that citysim flood publishes for, every
// tenth of them a degree farther west: some of these stand outside the city.
func (h *hub) registerAround(n int) {
	h.t.Helper()
	lines := strings.Split(mustTool(h.t, "citysim", "stations", "--flood", strconv.Itoa(n)), "\n")
	lon := slices.Index(strings.Split(lines[0], ","), "lon")
	for i := 1; i < len(lines)-1; i += 10 {
		fields := strings.Split(lines[i], ",")
		fields[lon] = strings.Replace(fields[lon], "105.", "104.", 1)
		lines[i] = strings.Join(fields, ",")
	}
	file := filepath.Join(h.t.TempDir(), "around.csv")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.mustTool("cityhub", "import", "devices", file)
}

// inWards counts the stations in the city by where they stand, and by asking
// for each ward.
func (h *hub) inWards(t *testing.T, wards []ward, stations int) (inside, newest int) {
	t.Helper()
	type collection struct {
		Features []struct {
			Geometry   struct{ Coordinates [2]float64 }
			Properties struct{ Thing string }
		}
	}
	var all collection
	if !h.get("/latest?property=pm25", &all) || len(all.Features) != stations {
		t.Fatalf("%d stations", len(all.Features))
	}
	for _, f := range all.Features {
		at := f.Geometry.Coordinates
		for i := range wards {
			if wards[i].holds(at[0], at[1]) {
				inside++
				break
			}
		}
	}
	for i := range wards {
		var of collection
		if !h.get("/latest?property=pm25&zone="+wards[i].code, &of) {
			t.Fatalf("ward %s does not answer", wards[i].code)
		}
		newest += len(of.Features)
		for _, f := range of.Features {
			if !wards[i].holds(f.Geometry.Coordinates[0], f.Geometry.Coordinates[1]) {
				t.Errorf("%s is told in %s, and stands elsewhere", f.Properties.Thing, wards[i].code)
			}
		}
	}
	return inside, newest
}
