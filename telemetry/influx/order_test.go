package influx

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"cityhub/telemetry"
)

// A series' lines must stand together, by time, and equal ones as they came: of
// two values for one instant InfluxDB keeps the later.
func TestTheOrderOfARequest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var order ordering // its memory is used again
	for round := range 50 {
		lines := make([]telemetry.Line, r.IntN(200))
		for i := range lines {
			lines[i] = telemetry.Line{Group: r.Int64N(9), Time: int64(i), ID: int64(i)}
			if round%2 == 1 {
				lines[i].Time = r.Int64N(20)
			}
		}
		places := slices.Clone(order.bySeries(lines))
		if len(places) != len(lines) {
			t.Fatalf("%d places for %d lines", len(places), len(lines))
		}
		var groups []int64
		for i, p := range places {
			line := &lines[p.index]
			if len(groups) == 0 || groups[len(groups)-1] != line.Group {
				groups = append(groups, line.Group)
				continue
			}
			before := &lines[places[i-1].index]
			if cmp.Or(cmp.Compare(before.Time, line.Time), cmp.Compare(before.ID, line.ID)) >= 0 {
				t.Errorf("round %d: of group %d, %d/%d stands before %d/%d", round, line.Group, before.Time, before.ID, line.Time, line.ID)
			}
		}
		slices.Sort(groups)
		if len(slices.Compact(slices.Clone(groups))) != len(groups) {
			t.Errorf("round %d: a series is torn apart", round)
		}
	}
}

// Pieces have all lines in their order, none of them a series that another has.
func TestPiecesOfARequest(t *testing.T) {
	for _, c := range []struct{ lines, groups, want int }{
		{1, 1, 1}, {worthwhile - 1, 100, 1}, {2*worthwhile - 1, 100, 1}, {2 * worthwhile, 100, 2},
		{20_000, 1000, 4}, {20_000, 2, 2}, {20_000, 1, 1}, {100_000, 10, 4},
	} {
		lines := make([]telemetry.Line, c.lines)
		for i := range lines {
			lines[i] = telemetry.Line{Group: int64(i % c.groups), Time: int64(i)}
		}
		order := new(ordering).bySeries(lines)
		pieces := cut(order)
		if len(pieces) != c.want {
			t.Errorf("%d lines of %d series go in %d pieces, want %d", c.lines, c.groups, len(pieces), c.want)
		}
		var all []place
		for i, piece := range pieces {
			if len(piece) == 0 || i > 0 && all[len(all)-1].group == piece[0].group {
				t.Errorf("%d lines of %d series: piece %d is empty or begins within a series", c.lines, c.groups, i)
			}
			all = append(all, piece...)
		}
		if !slices.Equal(all, order) {
			t.Errorf("%d lines of %d series: the pieces are not all", c.lines, c.groups)
		}
	}
}
