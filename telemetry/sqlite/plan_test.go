package sqlite

import (
	"strings"
	"testing"

	"cityhub/telemetry"
)

// TestPlans wants every question answered by seeking in the clustered table,
// without a sort and without a scan of all lines.
func TestPlans(t *testing.T) {
	a := open(t, Options{})
	mustWrite(t, a, telemetry.Raw, reading(1, at(week0), 1))
	f, err := a.files.acquire(periodOf(telemetry.Raw, at(week0)), false)
	if err != nil {
		t.Fatal(err)
	}
	defer a.files.release(f)
	for _, text := range []string{selectAll, selectSome, selectOne} {
		rows, err := f.reader.Query("EXPLAIN QUERY PLAN "+text, 0, 1, "[1,2]") //nolint:rowserrcheck // checked below
		if strings.Count(text, "?") == 2 {
			rows, err = f.reader.Query("EXPLAIN QUERY PLAN "+text, 0, 1) //nolint:rowserrcheck // checked below
		}
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(plan, "; ")
		if strings.Contains(all, "TEMP B-TREE") || strings.Contains(all, "SCAN l") || !strings.Contains(all, "PRIMARY KEY (g=? AND t>? AND t<?)") {
			t.Errorf("%s\n%s", text, all)
		}
	}
}
