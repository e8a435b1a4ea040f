package testbed

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// PostGIS is PostgreSQL with the extension postgis created in the database.
func PostGIS(t testing.TB) *Postgres {
	t.Helper()
	bin, ok := postgresPrograms()
	if !ok {
		absent(t, "postgresql", "apt-get install postgresql")
	}
	shares, err := exec.Command(filepath.Join(bin, "pg_config"), "--sharedir").Output()
	if err != nil {
		t.Fatal(err)
	}
	folder := strings.TrimSpace(string(shares))
	if found, _ := filepath.Glob(filepath.Join(folder, "extension", "postgis.control")); len(found) == 0 {
		absent(t, "postgis", "apt-get install postgresql-15-postgis-3")
	}
	p := PostgreSQL(t)
	shared.Lock()
	defer shared.Unlock()
	if err := shared.call("psql", "--quiet", "--dbname="+p.URL, "--command=CREATE EXTENSION postgis"); err != nil {
		t.Fatal(err)
	}
	return p
}
