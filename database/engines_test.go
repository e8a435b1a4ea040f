package database

import (
	"context"
	"path/filepath"
	"testing"

	"cityhub/testbed"
)

// onBothEngines runs a test on a fresh SQLite file and on a fresh PostgreSQL
// database. The options open the same store again and again.
func onBothEngines(t *testing.T, test func(t *testing.T, options Options)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(t, Options{SQLitePath: filepath.Join(t.TempDir(), "hub.db")})
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, Options{PostgresURL: testbed.PostgreSQL(t).URL})
	})
}

// withDatabase is onBothEngines for tests that need one open database.
func withDatabase(t *testing.T, test func(ctx context.Context, t *testing.T, d *Database)) {
	t.Helper()
	onBothEngines(t, func(t *testing.T, options Options) {
		test(t.Context(), t, open(t, options))
	})
}

func open(t testing.TB, options Options) *Database {
	t.Helper()
	d, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, d) })
	return d
}

func shut(t testing.TB, d *Database) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
