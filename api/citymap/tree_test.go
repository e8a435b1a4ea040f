package citymap

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/geo"
	"cityhub/telemetry"
)

// someDot is a dot of a small crowd: things of two dots, places shared by
// several things, texts, and things without a place.
func someDot(r *rand.Rand, group int64, now int64) dot {
	d := dot{group: group, thing: group / 2, value: math.Round(r.Float64() * 100), time: now - r.Int64N(int64(2*time.Hour)),
		fresh: int64(time.Hour), organisation: group / 2 % 5, published: uint8(r.IntN(3)), timed: group%3 > 0}
	if r.IntN(10) == 0 {
		d.value = math.NaN()
	}
	if r.IntN(20) == 0 {
		d.severity = telemetry.Severity(r.IntN(6))
	}
	spot := rand.New(rand.NewPCG(uint64(d.thing)/3, 7)) // three things stand on one place
	at := geo.Position{Lon: 105 + spot.Float64(), Lat: 20.5 + spot.Float64()}
	switch d.thing % 50 {
	case 0:
		at = geo.Position{Lon: spot.Float64()*360 - 180, Lat: spot.Float64()*180 - 90}
	case 1:
		d.place(nil)
		return d
	}
	d.place(&at)
	return d
}

// oneByOne sums up one dot after the other.
func oneByOne(dots map[int64]dot, q *look, property string) (cells map[string]geo.Summary) {
	newest := map[int64]dot{}
	for _, d := range dots {
		if old, had := newest[d.thing]; q.scope.Reads(d.organisation, d.thing, property, publications[d.published]) &&
			(!had || d.time > old.time || d.time == old.time && d.group < old.group) {
			newest[d.thing] = d
		}
	}
	cells = map[string]geo.Summary{}
	for _, d := range newest {
		state, _ := d.state(q.now)
		at := d.position()
		if !d.placed || !q.keep.Keeps(d.organisation, States[state], &at) ||
			q.within == nil && !q.window.Contains(at) || q.within != nil && !q.within.Holds(d.spot) {
			continue
		}
		key := fmt.Sprint(d.spot >> (2 * (spotLevel - q.level)))
		sum := cells[key]
		sum.Add(at, d.value, state)
		cells[key] = sum
	}
	return cells
}

// Whatever changes, and whoever looks where, the tree says what a count of all
// dots says.
func TestTheTreeCountsEveryStationOnce(t *testing.T) {
	const groups = 3_000
	r := rand.New(rand.NewPCG(11, 12))
	l := &dotLayer{property: "pm25"}
	l.plant(nil)
	dots := map[int64]dot{}
	now := time.Now().UnixNano()
	scopes := []*access.Scope{{All: true}, {Own: []int64{2}, Public: true, Internal: true}, {Public: true}, {Own: []int64{1, 3}},
		{Own: []int64{1}, Grants: []access.Grant{{Owner: 4}, {Owner: 2, Thing: 57}, {Owner: 3, Property: "noise"}}}}
	windows := []geo.Window{everywhere, {MinLon: 105.2, MinLat: 20.7, MaxLon: 105.6, MaxLat: 21}, {MinLon: 170, MinLat: -80, MaxLon: -100, MaxLat: 80}, {MinLon: 105.31, MinLat: 20.81, MaxLon: 105.33, MaxLat: 20.85}}
	keepers := []*Keeper{nil, {state: -1, filter: Filter{Organisation: 3}}, {state: 2, filter: Filter{State: "stale"}}, {state: 0, filter: Filter{State: "ok"}}}
	for round := range 40 {
		now += int64(5 * time.Minute)
		for range groups / 8 {
			group := r.Int64N(groups)
			if l.tree.remove(group); r.IntN(8) == 0 {
				delete(dots, group)
				continue
			}
			d := someDot(r, group, now)
			dots[group] = d
			l.tree.put(&d)
		}
		for range 10 {
			q := look{scope: scopes[r.IntN(len(scopes))], window: windows[r.IntN(len(windows))], keep: keepers[r.IntN(len(keepers))], level: []int{0, 3, 9, 12, 15, 18, 31}[r.IntN(7)], now: now}
			if r.IntN(3) == 0 {
				q.within = &geo.Cell{Level: 9, X: 405 + uint32(r.IntN(3)), Y: 225 + uint32(r.IntN(2))}
				q.level = max(q.level, 9)
			}
			want := oneByOne(dots, &q, "pm25")
			l.cells(&q, func(s *dotSum) {
				key := fmt.Sprint(geo.SpotOf(l.one(s.group).position()) >> (2 * (spotLevel - q.level)))
				w := want[key]
				if s.Count != w.Count || s.Numbers != w.Numbers || s.Min != w.Min || s.Max != w.Max || s.Worst != w.Worst ||
					w.Numbers > 0 && math.Abs(s.Mean()-w.Mean()) > 1e-9 || math.Abs(s.Middle().Lon-w.Middle().Lon) > 1e-9 {
					t.Errorf("round %d, %+v, cell %s: %+v, want %+v", round, q, key, s.Summary, w)
				}
				delete(want, key)
			})
			if len(want) > 0 {
				t.Fatalf("round %d, %+v: %d cells are missing", round, q, len(want))
			}
		}
	}
	if n := len(l.tree.leaf); n != len(dots) {
		t.Errorf("%d dots in the tree, %d were put there", n, len(dots))
	}
}

// one gives a group's dot.
func (l *dotLayer) one(group int64) *dot {
	at, i, _ := l.tree.find(group)
	return &l.tree.nodes[at].dots[i]
}

// A sum is made anew below a change alone, and when a station grows stale.
func TestSumsHoldUntilSomethingChanges(t *testing.T) {
	now := time.Now().UnixNano()
	r := rand.New(rand.NewPCG(1, 2))
	var all []dot
	for group := range int64(2_000) {
		d := someDot(r, group*2, now)
		d.time, d.published = now+group, 2
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b dot) int { return int(min(max(int64(a.spot)-int64(b.spot), -1), 1)) })
	l := &dotLayer{property: "pm25"}
	l.plant(all)
	q := look{scope: &access.Scope{All: true}, window: everywhere, level: 0, now: now}
	sum := func(at int64) (s dotSum) {
		q.now = at
		l.cells(&q, func(c *dotSum) { s = *c })
		return s
	}
	first := sum(now)
	view := l.views.of(&q, "pm25", len(l.tree.nodes))
	for i := range view.sums { // what is asked for again shows this mark
		view.sums[i].Worst = 99
	}
	if s := sum(now + 1); s.Worst != 99 || s.Count != first.Count {
		t.Errorf("nothing changed, and the sum was made anew: %+v", s)
	}
	l.tree.touch(l.tree.leaf[100])
	anew := 0
	sum(now + 1)
	for i := range view.sums {
		if view.sums[i].Worst != 99 {
			anew++
		}
	}
	if levels := 31; anew == 0 || anew > levels {
		t.Errorf("%d of %d sums were made anew", anew, len(view.sums))
	}
	if s := sum(now + int64(2*time.Hour)); s.Worst == 99 || s.Worst == 0 {
		t.Errorf("all is old, and the worst state is %d", s.Worst)
	}
}
