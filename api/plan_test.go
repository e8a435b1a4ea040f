package api_test

import (
	"path/filepath"
	"testing"
	"time"

	"cityhub/database"
	"cityhub/telemetry"
	"cityhub/telemetry/sqlite"
)

// plan says of what a hub is made. The zero plan is a new registry and archive
// in SQLite files, now.
type plan struct {
	database database.Options
	archive  func(t testing.TB) telemetry.Archive // nil: SQLite files
	now      time.Time                            // of the hub's clock at its start; zero: the present
}

func newHubOn(t testing.TB, options database.Options, setups ...setup) *hub {
	t.Helper()
	return newHubOf(t, plan{database: options}, setups...)
}

func (p *plan) openDatabase(t testing.TB, dir string) *database.Database {
	t.Helper()
	if p.database == (database.Options{}) {
		p.database.SQLitePath = filepath.Join(dir, "hub.db")
	}
	db := must(database.Open(t.Context(), p.database))(t)
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

func (p *plan) openArchive(t testing.TB, dir string, now func() time.Time) telemetry.Archive {
	t.Helper()
	if p.archive != nil {
		return p.archive(t)
	}
	a := must(sqlite.Open(t.Context(), sqlite.Options{Dir: filepath.Join(dir, "archive"), Now: now}))(t)
	t.Cleanup(func() { check(t, a.Close()) })
	return a
}

// set moves the hub's clock.
func (h *hub) set(now time.Time) { h.ahead.Store(int64(time.Until(now))) }
