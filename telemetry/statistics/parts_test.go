package statistics_test

import (
	"path/filepath"
	"testing"
	"time"

	"cityhub/database"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
	"cityhub/telemetry/sqlite"
)

var hanoi = time.FixedZone("Asia/Ho_Chi_Minh", 7*3600)

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, hanoi)
}

func openSQLite(b *testing.B) telemetry.Archive { return archiveIn(b) }

func archiveIn(t testing.TB) telemetry.Archive {
	t.Helper()
	a, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func historyOf(t testing.TB, archive telemetry.Archive) *telemetry.History {
	t.Helper()
	db, err := database.Open(t.Context(), database.Options{SQLitePath: filepath.Join(t.TempDir(), "hub.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &telemetry.History{Archive: archive, Journal: db.RollUpJournal(), IDs: db.IDBlocks(), Zone: hanoi}
}

// mark says up to when roll-ups are done.
func mark(t testing.TB, h *telemetry.History, to time.Time) {
	t.Helper()
	if _, err := h.Journal.Watermark(t.Context(), to.UnixNano()); err != nil {
		t.Fatal(err)
	}
}

func line(group, at int64, property string, v float64) telemetry.Line {
	return telemetry.Line{Group: group, Time: at, Fields: []telemetry.Field{{Property: property, Value: telemetry.NumberOf(v)}}}
}

// rolled is a roll-up of so many readings with a sum.
func rolled(group, at int64, count, sum float64) telemetry.Line {
	l := telemetry.Line{Group: group, Time: at}
	for suffix, v := range map[string]float64{"count": count, "sum": sum, "min": sum / count, "max": sum / count, "first": sum / count, "last": sum / count} {
		l.Fields = append(l.Fields, telemetry.Field{Property: "pm25_" + suffix, Value: telemetry.NumberOf(v)})
	}
	return l
}

// source is a station with one datastream, both of one number.
func source(id int64, lon, lat float64) devices.Measured {
	return devices.Measured{Group: id, Datastream: id, Station: &devices.Station{ID: id, Position: &geo.Position{Lon: lon, Lat: lat}}}
}

// square is a ward of a tenth of a degree.
func square(id int64, west, south float64) *geo.Shape {
	area := geo.Area{{{{west, south}, {west + 0.1, south}, {west + 0.1, south + 0.1}, {west, south + 0.1}, {west, south}}}}
	return &geo.Shape{Outline: geo.NewOutline(area), Ref: id, Zone: id, Kind: "ward", Code: time.Unix(id, 0).String()}
}
