package telemetry

import (
	"context"
	"fmt"
	"testing"
)

// shelf is an archive of which only Read is asked.
type shelf struct {
	Archive
	lines []Line
	asked int
}

func (s *shelf) Read(_ context.Context, q Query, each func(*Line) error) error {
	s.asked++
	for i := range s.lines {
		if l := &s.lines[i]; l.Time >= q.From && l.Time < q.To {
			if err := each(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// What is newer than all of its group is new without asking; what is not is
// looked up, in the archive and among the lines themselves.
func TestKnownLines(t *testing.T) {
	line := func(group, time, id int64, value float64) Line {
		return Line{Group: group, Time: time, ID: id, Fields: []Field{{Property: "pm25", Value: NumberOf(value)}}}
	}
	old := line(1, 10, 100, 5)
	for _, c := range []struct {
		name              string
		lines             []Line
		fresh, duplicates int
		asked             int
	}{
		{"all newer", []Line{line(1, 11, 1, 1), line(2, 1, 2, 1), line(1, 12, 3, 1), line(2, 2, 4, 1)}, 4, 0, 0},
		{"out of order among themselves", []Line{line(1, 13, 1, 1), line(1, 12, 2, 1)}, 2, 0, 0},
		{"one twice among themselves", []Line{line(1, 13, 1, 1), line(1, 13, 2, 1)}, 1, 1, 0},
		{"another value for an instant among themselves", []Line{line(1, 13, 1, 1), line(1, 13, 2, 3)}, 2, 0, 0},
		{"there already", []Line{line(1, 10, 1, 5), line(1, 11, 2, 1)}, 1, 1, 1},
		{"corrected", []Line{line(1, 10, 1, 6)}, 1, 0, 1},
		{"older and missing", []Line{line(1, 9, 1, 6)}, 1, 0, 1},
		{"delivered again", []Line{old}, 0, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &shelf{lines: []Line{old}}
			k := known{archive: s, newest: map[int64]int64{1: 10}}
			fresh, duplicates := c.lines, 0
			suspects, inOrder := k.suspects(c.lines)
			var err error
			if !inOrder {
				fresh, duplicates, err = k.sort(t.Context(), c.lines, suspects)
			}
			if err != nil || len(fresh) != c.fresh || duplicates != c.duplicates || s.asked != c.asked {
				t.Fatalf("%d fresh, %d duplicates, %d times asked, %v; want %d, %d, %d", len(fresh), duplicates, s.asked, err, c.fresh, c.duplicates, c.asked)
			}
			k.keep()
			want := map[int64]int64{1: 10}
			for _, l := range c.lines {
				want[l.Group] = max(want[l.Group], l.Time)
			}
			if fmt.Sprint(k.newest) != fmt.Sprint(want) {
				t.Errorf("remembered %v, want %v", k.newest, want)
			}
		})
	}
}
