package database

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cityhub/devices"
)

// Both folders must make the same tables; the engines' words for types differ.
func TestBothEnginesHaveTheSameSchema(t *testing.T) {
	names := map[string][]string{}
	for _, engine := range []string{"sqlite", "postgres"} {
		files, err := fs.Glob(migrationFiles, "migrations/"+engine+"/*.sql")
		must(t, err)
		for _, file := range files {
			text, err := migrationFiles.ReadFile(file)
			must(t, err)
			names[engine] = append(names[engine], filepath.Base(file))
			names[engine] = append(names[engine], regexp.MustCompile(`(?m)^(CREATE TABLE \w+|    [a-z]\w+)`).FindAllString(string(text), -1)...)
		}
	}
	if diff := cmp.Diff(names["sqlite"], names["postgres"]); diff != "" {
		t.Error(diff)
	}
}

// Every column that a list may be matched by must lead to an index.
func TestMatchesUseAnIndex(t *testing.T) {
	d := open(t, Options{SQLitePath: filepath.Join(t.TempDir(), "x.db")})
	s := d.outside()
	matches[devices.Organisation, organisationRow](t, s, organisations())
	matches[devices.Thing, thingRow](t, s, things())
	matches[devices.HistoricalLocation, historicalLocationRow](t, s, historicalLocations())
	matches[devices.ObservedProperty, propertyRow](t, s, properties())
	matches[devices.Sensor, sensorRow](t, s, sensors())
	matches[devices.Group, groupRow](t, s, groups())
	matches[devices.Datastream, datastreamRow](t, s, datastreams())
	matches[devices.Device, deviceRow](t, s, deviceNoun())
	matches[devices.Deployment, deploymentRow](t, s, deployments())
	matches[devices.DeviceEvent, deviceEventRow](t, s, deviceEvents())
	matches[devices.Visit, visitRow](t, s, visits())
	matches[devices.VisitNote, visitNoteRow](t, s, visitNotes())
	matches[devices.VisitPhoto, visitPhotoRow](t, s, visitPhotos())
	matches[devices.Zone, zoneRow](t, s, zones())
	matches[devices.ZoneVersion, zoneVersionRow](t, s, zoneVersions())
}

func matches[E, R any](t *testing.T, s *session, n noun[E, R]) {
	t.Helper()
	for _, column := range n.match {
		rows, err := s.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+
			table[E, R]{n, s}.selectText("id > 0 AND "+column+" = 1 ORDER BY id LIMIT 9"))
		must(t, err)
		for rows.Next() {
			var a, b, c, plan string
			must(t, rows.Scan(&a, &b, &c, &plan))
			if strings.HasPrefix(plan, "SCAN") || strings.HasPrefix(plan, "SEARCH") && !strings.Contains(plan, column+"=?") {
				t.Errorf("%s by %s: %s", n.name, column, plan)
			}
		}
		must(t, rows.Err())
		must(t, rows.Close()) //nolint:sqlclosecheck // one of many, closed before the next
	}
}
