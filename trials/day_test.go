package trials

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// TestATechniciansDayTwice plays a day by curl and a real MQTT publish, and
// plays it again with the same idempotency keys: the second run changes no row.
func TestATechniciansDayTwice(t *testing.T) {
	t.Parallel() // it waits more than it works
	h := startHub(t, t.TempDir(), nil)
	key := func(role string) string {
		return strings.TrimSpace(h.mustTool("cityhub", "keys", "add", "--role", role, "--org", "FIELD", "--name", role))
	}
	answer, err := h.ask(t.Context(), http.MethodPost, "/organisations", []byte(`{"code":"FIELD","name":"Phòng Tài nguyên"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	env := append(os.Environ(), "HUB=http://"+h.http, "MQTT="+h.mqt, "KEY="+key("technician"), "OFFICE="+key("organisation-admin"))
	phone := t.TempDir()
	day := func() string {
		c := exec.Command("../examples/technicians-day", phone)
		c.Env = env
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	t.Log("\n" + day())
	before := rowsOf(t, filepath.Join(h.data, "registry.db"))
	if again := day(); !strings.Contains(again, "the station has read: 12.5 13 14") {
		t.Error(again)
	}
	after := rowsOf(t, filepath.Join(h.data, "registry.db"))
	for table, rows := range before {
		if !slices.Equal(rows, after[table]) {
			t.Errorf("%s: %d rows became %d:\n%s\n%s", table, len(rows), len(after[table]),
				strings.Join(rows, "\n"), strings.Join(after[table], "\n"))
		}
	}
	if len(before) < 15 {
		t.Errorf("only %d tables were compared", len(before))
	}
}

// rowsOf reads every table of a store whole, but what counts by itself.
func rowsOf(t *testing.T, path string) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string][]string{}
	for _, name := range column(t, db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
		switch name {
		case "api_keys", "sessions": // when they were used last
			continue
		}
		all[name] = whole(t, db, name)
	}
	return all
}

func column(t *testing.T, db *sql.DB, query string) (values []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}

func whole(t *testing.T, db *sql.DB, table string) (all []string) {
	t.Helper()
	rows, err := db.Query("SELECT * FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		text := ""
		for i := range values {
			text += fmt.Sprintf("%s=%v ", names[i], *values[i].(*any))
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
