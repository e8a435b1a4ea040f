package geofence

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cityhub/geo"
)

// path walks a machine that begins outside through sides, one a second: o, m
// and i; and tells its events as enter@first/confirmed.
func path(sides string, hold int64) string {
	s, events := State{}, []string{}
	for at, c := range sides {
		where := map[rune]side{'o': outside, 'm': margin, 'i': inside}[c]
		if crossed, when, _ := s.step(where, geo.Position{}, int64(at+1), hold); crossed {
			name := "leave"
			if s.Inside {
				name = "enter"
			}
			events = append(events, fmt.Sprintf("%s@%d/%d", name, when, at+1))
		}
	}
	return strings.Join(events, " ")
}

func TestCrossings(t *testing.T) {
	for _, c := range []struct {
		sides string
		hold  int64
		want  string
	}{
		{"ooo", 0, ""},
		{"oi", 0, "enter@2/2"},
		{"oiio", 0, "enter@2/2 leave@4/4"},
		{"oioioi", 0, "enter@2/2 leave@3/3 enter@4/4 leave@5/5 enter@6/6"},
		{"imimim", 0, "enter@1/1"},           // out by less than the distance
		{"immmmo", 0, "enter@1/1 leave@6/6"}, // drifts out
		{"ommmi", 0, "enter@5/5"},
		{"iiiii", 3, "enter@1/4"},
		{"iioiii", 3, ""},              // never for long enough
		{"iiiioioiii", 3, "enter@1/4"}, // out for a shorter time
		{"iiiiooooo", 3, "enter@1/4 leave@5/8"},
		{"iiiioomoo", 3, "enter@1/4"}, // a look at the margin begins anew
		{"iiiioomoooo", 3, "enter@1/4 leave@8/11"},
		{"imiiii", 3, "enter@3/6"},
	} {
		if got := path(c.sides, c.hold); got != c.want {
			t.Errorf("%s held %d: %q, want %q", c.sides, c.hold, got, c.want)
		}
	}
}

// reference says by the definition alone what happens: a crossing is the first
// position at which, over hold, all positions since the last crossing's
// confirmation lay on the other side; it is dated by the first of that run.
func reference(sides []side, times []int64, hold int64) (events []int64) {
	in, settled := false, -1
	for i := range sides {
		first := i + 1
		for j := i; j > settled && sides[j] != margin && (sides[j] == inside) != in; j-- {
			first = j
		}
		if first <= i && times[i]-times[first] >= hold {
			events = append(events, times[first], times[i])
			in, settled = !in, i
		}
	}
	return events
}

func TestCrossingsAreThoseOfTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hold := rapid.Int64Range(0, 20).Draw(t, "hold")
		steps := rapid.SliceOfN(rapid.Int64Range(1, 15), 0, 60).Draw(t, "steps")
		sides := make([]side, len(steps))
		times, at := make([]int64, len(steps)), int64(0)
		s, got := State{}, []int64{}
		for i, step := range steps {
			at += step
			sides[i], times[i] = side(rapid.IntRange(0, 2).Draw(t, "side")), at
			if crossed, when, _ := s.step(sides[i], geo.Position{}, at, hold); crossed {
				got = append(got, when, at)
			}
		}
		if want := reference(sides, times, hold); fmt.Sprint(got) != fmt.Sprint(want) && len(got)+len(want) > 0 {
			t.Fatalf("hold %d, sides %v at %v: %v, want %v", hold, sides, times, got, want)
		}
	})
}
