package archivetest

import (
	"errors"
	"testing"

	"cityhub/telemetry"
)

func ordersLines(t *testing.T, a telemetry.Archive) {
	var want []telemetry.Line
	for _, group := range []int64{1, 2, 9, 10, 11, 100, 1000, -1} {
		for i := range int64(20) {
			l := lineOf(group, start+i*24*60*Minute, number("a", float64(i)))
			if i%3 == 0 {
				l.Fields = append(l.Fields, number("b", 1))
			}
			if i%5 == 0 {
				l.Fields = l.Fields[1:]
				l.Fields = append(l.Fields, number("c", 2))
			}
			want = append(want, l)
		}
	}
	write(t, a, telemetry.Raw, shuffled(want)...)
	got := readAll(t, a)
	inOrder(t, got)
	same(t, got, want)
	got = read(t, a, telemetry.Query{Groups: []int64{1000, 2, 10}, From: start, To: latest})
	inOrder(t, got)
	same(t, got, append(append(append([]telemetry.Line{}, want[20:40]...), want[60:80]...), want[120:140]...))
}

// inOrder wants each group's lines together and ascending.
func inOrder(t *testing.T, lines []telemetry.Line) {
	t.Helper()
	finished := map[int64]bool{}
	for i := 1; i < len(lines); i++ {
		before, l := lines[i-1], lines[i]
		if before.Group == l.Group && before.Time >= l.Time {
			t.Fatalf("group %d: %d comes after %d", l.Group, l.Time, before.Time)
		}
		if before.Group != l.Group {
			finished[before.Group] = true
		}
		if finished[l.Group] {
			t.Fatalf("group %d comes in two parts", l.Group)
		}
	}
}

func halfOpen(t *testing.T, a telemetry.Archive) {
	lines := []telemetry.Line{
		lineOf(1, start-1, number("v", 1)), lineOf(1, start, number("v", 2)),
		lineOf(1, start+99, number("v", 3)), lineOf(1, start+100, number("v", 4))}
	write(t, a, telemetry.Raw, lines...)
	same(t, read(t, a, telemetry.Query{From: start, To: start + 100}), lines[1:3])
	same(t, read(t, a, telemetry.Query{From: start - 1, To: start}), lines[:1])
	same(t, read(t, a, telemetry.Query{From: start + 100, To: start + 101, Groups: []int64{1}}), lines[3:])
	same(t, read(t, a, telemetry.Query{From: start, To: start}), nil)
	same(t, read(t, a, telemetry.Query{From: start + 5, To: start}), nil)
}

func nanoseconds(t *testing.T, a telemetry.Archive) {
	var want []telemetry.Line
	for i := range int64(1000) {
		want = append(want, lineOf(1, start+i, number("v", float64(i))))
	}
	for _, at := range []int64{0, -1, 1, 1e9, -1e9, 10, 100, 123456789, -62e15, 4e18} {
		want = append(want, lineOf(2, at, number("v", 1)))
	}
	write(t, a, telemetry.Raw, want...)
	got := readAll(t, a)
	inOrder(t, got)
	same(t, got, want)
}

func extremesOfTime(t *testing.T, a telemetry.Archive) {
	lines := []telemetry.Line{
		lineOf(1, earliest, number("v", 1)), lineOf(1, earliest+1, number("v", 2)), lineOf(1, 0, number("v", 3)),
		lineOf(1, latest-1, number("v", 4))}
	write(t, a, telemetry.Raw, lines...)
	same(t, read(t, a, telemetry.Query{From: -1 << 63, To: 1<<63 - 1}), lines)
	same(t, read(t, a, telemetry.Query{From: earliest, To: earliest + 1}), lines[:1])
	same(t, read(t, a, telemetry.Query{From: latest - 1, To: 1<<63 - 1, Groups: []int64{1}}), lines[3:])
	same(t, readLatest(t, a, -1<<63), lines[3:])
}

func filtersProperties(t *testing.T, a telemetry.Archive) {
	both := lineOf(1, start, number("pm25", 1), number("noise", 2), text("state", "x"))
	both.ID, both.Quality = 64, telemetry.Maintenance
	both.Fields[0].Quality = telemetry.Stuck
	other := lineOf(1, start+1, number("noise", 3))
	other.ID = 128
	third := lineOf(2, start, number("pm25", 4))
	write(t, a, telemetry.Raw, both, other, third)

	only := both
	only.Fields = both.Fields[:1]
	q := telemetry.Query{Properties: []string{"pm25"}, From: start, To: start + 10}
	same(t, read(t, a, q), []telemetry.Line{only, third})
	q.Groups = []int64{1}
	same(t, read(t, a, q), []telemetry.Line{only})
	q.Properties = []string{"noise", "state"}
	two := both
	two.Fields = both.Fields[1:]
	same(t, read(t, a, q), []telemetry.Line{two, other})
	q.Properties = []string{"pm"}
	same(t, read(t, a, q), nil)
	q.Properties = []string{`a") or true or (r._field == "`}
	same(t, read(t, a, q), nil)
}

func limits(t *testing.T, a telemetry.Archive) {
	var lines []telemetry.Line
	for group := range int64(3) {
		for i := range int64(50) {
			l := lineOf(group, start+i*Minute, number("noise", 1))
			l.ID = 1 + i
			if i%7 == 0 {
				l.Fields = append(l.Fields, number("pm25", float64(i)))
				l.Quality = telemetry.Maintenance
			}
			lines = append(lines, l)
		}
	}
	write(t, a, telemetry.Raw, lines...)
	q := telemetry.Query{From: start, To: start + 50*Minute, Limit: 10}
	same(t, read(t, a, q), append(append(append([]telemetry.Line{}, lines[:10]...), lines[50:60]...), lines[100:110]...))
	q.Groups, q.Limit = []int64{1}, 1
	same(t, read(t, a, q), lines[50:51])
	q.From, q.Limit = start+Minute, 1000
	same(t, read(t, a, q), lines[51:100])
	q.Properties, q.Limit = []string{"pm25"}, 3
	var want []telemetry.Line
	for _, i := range []int{57, 64, 71} {
		l := lines[i]
		l.Fields = l.Fields[1:]
		want = append(want, l)
	}
	same(t, read(t, a, q), want)
	q.Groups = nil
	if got := read(t, a, q); len(got) != 9 {
		t.Fatalf("3 lines of each of 3 groups: got %d", len(got))
	}
}

func selectsGroups(t *testing.T, a telemetry.Archive) {
	lines := []telemetry.Line{
		lineOf(1, start, number("v", 1)), lineOf(11, start, number("v", 2)), lineOf(2, start, number("v", 3))}
	write(t, a, telemetry.Raw, lines...)
	q := telemetry.Query{From: start, To: start + 1}
	same(t, read(t, a, q), lines)
	q.Groups = []int64{11}
	same(t, read(t, a, q), lines[1:2])
	q.Groups = []int64{2, 1, 77, 2}
	same(t, read(t, a, q), []telemetry.Line{lines[0], lines[2]})
	q.Groups = []int64{77}
	same(t, read(t, a, q), nil)
	q.Groups = []int64{}
	same(t, read(t, a, q), nil)
}

// manyGroups crosses whatever chunks an implementation cuts its questions in.
func manyGroups(t *testing.T, a telemetry.Archive) {
	var want []telemetry.Line
	var groups []int64
	for group := range int64(2600) {
		l := lineOf(group, start, number("v", float64(group)))
		write := l
		want = append(want, write, lineOf(group, start+Minute, number("w", 1)))
		if group%2 == 0 {
			groups = append(groups, group)
		}
	}
	write(t, a, telemetry.Raw, shuffled(want)...)
	got := read(t, a, telemetry.Query{From: start, To: start + 60*Minute})
	inOrder(t, got)
	same(t, got, want)
	var even []telemetry.Line
	for _, l := range want {
		if l.Group%2 == 0 {
			even = append(even, l)
		}
	}
	got = read(t, a, telemetry.Query{Groups: groups, From: start, To: start + 60*Minute})
	inOrder(t, got)
	same(t, got, even)
	if got := readLatest(t, a, start); len(got) != len(want) {
		t.Fatalf("latest: got %d lines, want %d", len(got), len(want))
	}
}

func stopsAtError(t *testing.T, a telemetry.Archive) {
	write(t, a, telemetry.Raw, lineOf(1, start, number("v", 1)), lineOf(1, start+1, number("v", 1)), lineOf(2, start, number("v", 1)))
	enough := errors.New("enough")
	calls := 0
	stop := func(*telemetry.Line) error { calls++; return enough }
	if err := a.Read(t.Context(), telemetry.Query{From: start, To: start + 10}, stop); !errors.Is(err, enough) || calls != 1 {
		t.Fatalf("read: got %v after %d calls", err, calls)
	}
	calls = 0
	if err := a.Latest(t.Context(), start, stop); !errors.Is(err, enough) || calls != 1 {
		t.Fatalf("latest: got %v after %d calls", err, calls)
	}
}

func emptyArchive(t *testing.T, a telemetry.Archive) {
	same(t, readAll(t, a), nil)
	same(t, read(t, a, telemetry.Query{Bucket: telemetry.Daily, Groups: []int64{1}, From: start, To: start + 1}), nil)
	same(t, readLatest(t, a, 0), nil)
	if err := a.Delete(t.Context(), telemetry.Raw, 1, start, start+1); err != nil {
		t.Fatalf("delete of nothing: %v", err)
	}
	write(t, a, telemetry.Raw)
	same(t, readAll(t, a), nil)
}
