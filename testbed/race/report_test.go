package race

import (
	"path/filepath"
	"strings"
	"testing"
)

// Two programs that measure one after the other make one table.
func TestAReportGoesOnWhereAnotherEnded(t *testing.T) {
	t.Setenv("CITYHUB_RACE", filepath.Join(t.TempDir(), "race.json"))
	first := &Report{}
	first.Note("a tile of 10,000 stations")
	first.Add(Row{What: "D1", Hub: 2, Peer: 50, Ratio: 25, Goal: "≥ 10", Met: true})
	first.End(t, "tiles")
	second := &Report{}
	second.Add(Row{What: "A1", Hub: 50_000, Peer: 16_000, Ratio: 3.125, Goal: "≥ 3", Met: true})
	second.Add(Row{What: "told only", Hub: 1})
	second.End(t, "drains")
	table := second.String()
	for _, want := range []string{"a tile of 10,000 stations\n", "D1 ", "25.0", "A1 ", "3.125", "told only", "2 of 2 goals are met"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
}

func TestAMissedGoalIsCounted(t *testing.T) {
	r := Report{Rows: []Row{{Goal: "≥ 3"}, {Goal: "≤ 1", Met: true}, {}}}
	if missed, goals := r.count(); missed != 1 || goals != 2 {
		t.Errorf("%d of %d goals are missed; want 1 of 2", missed, goals)
	}
}
