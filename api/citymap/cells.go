package citymap

import (
	"math"

	"cityhub/access"
	"cityhub/geo"
)

// look says what of a layer is looked at, by whom.
type look struct {
	scope  *access.Scope
	keep   *Keeper
	window geo.Window
	within *geo.Cell // where not nil, this cell of the map instead of the window
	level  int       // of the map's cells
	now    int64
}

// everywhere is the window without a bbox.
var everywhere = geo.Window{MinLon: -180, MinLat: -90, MaxLon: 180, MaxLat: 90}

// dotSum is the summary of a node, and its station when it has one only.
type dotSum struct {
	geo.Summary
	group   int64
	version uint32 // of the node; 0: never made
	until   int64  // the instant from which on a state is another
}

func (s *dotSum) join(o *dotSum) {
	s.Join(&o.Summary)
	s.until = min(s.until, o.until)
	if o.Count > 0 {
		s.group = o.group
	}
}

// dotWalk is one look at a tree, in a view of it.
type dotWalk struct {
	*look
	property string
	tree     *dotTree
	view     *dotView
	parts    []geo.Window
	each     func(s *dotSum)
}

// cells calls each with the summary of every cell of the map that has
// stations to be seen. The layer is held.
func (l *dotLayer) cells(q *look, each func(s *dotSum)) {
	v := l.views.of(q, l.property, len(l.tree.nodes))
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fit(len(l.tree.nodes))
	w := dotWalk{look: q, property: l.property, tree: l.tree, view: v, each: each}
	w.aim()
	w.down(onMap, false)
}

// aim cuts a window across the antimeridian in two.
func (w *dotWalk) aim() {
	w.parts = []geo.Window{w.window}
	if w.window.MinLon > w.window.MaxLon {
		east, west := w.window, w.window
		east.MaxLon, west.MinLon = 180, -180
		w.parts = []geo.Window{east, west}
	}
}

// down looks at a node.
func (w *dotWalk) down(at int32, whole bool) {
	n := &w.tree.nodes[at]
	if !whole {
		var meets bool
		if meets, whole = w.meets(n); !meets {
			return
		}
	}
	level := w.level
	if w.within != nil {
		level = max(level, w.within.Level)
	}
	switch {
	case n.cell.Level >= level:
		sum := dotSum{until: math.MaxInt64}
		w.gather(at, whole, &sum)
		w.tell(&sum)
	case n.inner:
		for _, c := range n.child {
			if c != 0 {
				w.down(c, whole)
			}
		}
	default:
		w.leaf(n, level, whole)
	}
}

// leaf tells the cells within a leaf.
func (w *dotWalk) leaf(n *dotNode, level int, whole bool) {
	shift := 2 * (spotLevel - level)
	for i := 0; i < len(n.dots); {
		to := i + 1
		for to < len(n.dots) && n.dots[to].spot>>shift == n.dots[i].spot>>shift {
			to++
		}
		sum := dotSum{until: math.MaxInt64}
		w.add(n.dots[i:to], whole, &sum)
		w.tell(&sum)
		i = to
	}
}

func (w *dotWalk) tell(sum *dotSum) {
	if sum.Count > 0 {
		w.each(sum)
	}
}

// gather sums up what of a node lies in the window.
func (w *dotWalk) gather(at int32, whole bool, sum *dotSum) {
	n := &w.tree.nodes[at]
	if !whole {
		var meets bool
		if meets, whole = w.meets(n); !meets {
			return
		}
	}
	switch {
	case whole:
		sum.join(w.sum(at))
	case n.inner:
		for _, c := range n.child {
			if c != 0 {
				w.gather(c, false, sum)
			}
		}
	default:
		w.add(n.dots, false, sum)
	}
}

// sum is the summary of a whole node, made anew where it has changed.
func (w *dotWalk) sum(at int32) *dotSum {
	n, kept := &w.tree.nodes[at], &w.view.sums[at]
	if kept.version == n.version && w.now < kept.until {
		return kept
	}
	sum := dotSum{version: n.version, until: math.MaxInt64}
	if n.inner {
		for _, c := range n.child {
			if c != 0 {
				sum.join(w.sum(c))
			}
		}
	} else {
		w.add(n.dots, true, &sum)
	}
	*kept = sum
	return kept
}

// add sums up the stations of some dots.
func (w *dotWalk) add(dots []dot, whole bool, sum *dotSum) {
	w.stations(dots, whole, func(d *dot, state uint8, until int64, kept bool) {
		sum.until = min(sum.until, until)
		if kept {
			sum.Add(d.position(), d.value, state)
			sum.group = d.group
		}
	})
}

// stations calls each with the newest of every station's dots that may be seen
// and lie in the window, and says whether the filter keeps it.
func (w *dotWalk) stations(dots []dot, whole bool, each func(d *dot, state uint8, until int64, kept bool)) {
	for i := 0; i < len(dots); {
		found := -1
		to := i
		for ; to < len(dots) && dots[to].thing == dots[i].thing; to++ {
			if (found < 0 || dots[to].time > dots[found].time) && w.reads(&dots[to]) {
				found = to
			}
		}
		i = to
		if found < 0 || !whole && !w.holds(&dots[found]) {
			continue
		}
		d := &dots[found]
		state, until := d.state(w.now)
		each(d, state, until, w.keep == nil || w.keeps(d, state))
	}
}

func (w *dotWalk) reads(d *dot) bool {
	return w.scope.All || w.scope.Reads(d.organisation, d.thing, w.property, publications[d.published])
}

func (w *dotWalk) keeps(d *dot, state uint8) bool {
	if !d.placed {
		return w.keep.Keeps(d.organisation, States[state], nil)
	}
	at := d.position()
	return w.keep.Keeps(d.organisation, States[state], &at)
}

// meets says whether a node has a part in the window, and whether it lies in it.
func (w *dotWalk) meets(n *dotNode) (meets, whole bool) {
	if in := w.within; in != nil {
		shift := in.Level - n.cell.Level
		if shift < 0 { // of what lies above, only what holds it was looked at
			return true, true
		}
		meets = in.X>>shift == n.cell.X && in.Y>>shift == n.cell.Y
		return meets, meets && shift == 0
	}
	for i := range w.parts {
		p, c := &w.parts[i], &n.window
		meets = meets || c.MinLon <= p.MaxLon && c.MaxLon >= p.MinLon && c.MinLat <= p.MaxLat && c.MaxLat >= p.MinLat
		whole = whole || c.MinLon >= p.MinLon && c.MaxLon <= p.MaxLon && c.MinLat >= p.MinLat && c.MaxLat <= p.MaxLat
	}
	return meets, whole
}

// holds says whether a dot lies in the window.
func (w *dotWalk) holds(d *dot) bool {
	if w.within != nil {
		return w.within.Holds(d.spot)
	}
	return w.window.Contains(d.position())
}
