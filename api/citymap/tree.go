package citymap

import (
	"cmp"
	"slices"

	"cityhub/geo"
)

// dotTree holds dots by their place on the map: every node is a cell, cut into
// quarters while it has more than leafDots. A node counts what changed below
// it, so that sums of it are known to hold as long as nothing has. Dots without
// a place have a tree of their own, in which their places mean nothing.
type dotTree struct {
	nodes []dotNode
	leaf  map[int64]int32 // group → node
}

const (
	leafDots = 48
	onMap    = 0 // the root of those that have a place
	nowhere  = 1 // the root of the others
)

type dotNode struct {
	cell    geo.Cell
	window  geo.Window
	parent  int32 // -1 of a root
	child   [4]int32
	inner   bool
	version uint32 // changes with the dots below; never 0
	dots    []dot  // of a leaf, by spot, thing and group
	dotText
}

func newDotTree() *dotTree {
	t := &dotTree{leaf: map[int64]int32{}}
	t.grow(-1, geo.Cell{})
	t.grow(-1, geo.Cell{})
	return t
}

// grow makes a node, a leaf without dots.
func (t *dotTree) grow(parent int32, c geo.Cell) int32 {
	w := c.Window()
	if c.Y == 0 { // what lies beyond the map stands on its edge
		w.MaxLat = 90
	}
	if c.Y == 1<<c.Level-1 {
		w.MinLat = -90
	}
	t.nodes = append(t.nodes, dotNode{cell: c, window: w, parent: parent, version: 1})
	return int32(len(t.nodes) - 1)
}

// put takes a dot in that the tree does not have.
func (t *dotTree) put(d *dot) {
	at := int32(nowhere)
	if d.placed {
		at = onMap
	}
	t.touch(t.below(at, d))
}

// below puts a dot into the leaf that it belongs to, and answers which.
func (t *dotTree) below(at int32, d *dot) int32 {
	for t.nodes[at].inner {
		at = t.quarter(at, d.spot)
	}
	n := &t.nodes[at]
	i, _ := slices.BinarySearchFunc(n.dots, d, func(a dot, b *dot) int {
		return cmp.Or(cmp.Compare(a.spot, b.spot), cmp.Compare(a.thing, b.thing), cmp.Compare(a.group, b.group))
	})
	n.dots = slices.Insert(n.dots, i, *d)
	t.leaf[d.group] = at
	if len(n.dots) > leafDots && n.cell.Level < spotLevel {
		t.split(at)
	}
	return t.leaf[d.group]
}

// quarter gives the child of a node in which a spot lies.
func (t *dotTree) quarter(at int32, spot geo.Spot) int32 {
	c := t.nodes[at].cell
	q := uint32(spot>>(2*(spotLevel-c.Level-1))) & 3
	if t.nodes[at].child[q] == 0 {
		grown := t.grow(at, geo.Cell{Level: c.Level + 1, X: c.X<<1 | q>>1, Y: c.Y<<1 | q&1})
		t.nodes[at].child[q] = grown
	}
	return t.nodes[at].child[q]
}

func (t *dotTree) split(at int32) {
	dots := t.nodes[at].dots
	t.nodes[at].dots, t.nodes[at].dotText, t.nodes[at].inner = nil, dotText{}, true
	for i := range dots {
		dots[i].from, dots[i].to, dots[i].written = 0, 0, false
		t.below(at, &dots[i])
	}
}

// find gives the leaf of a group and its place in it.
func (t *dotTree) find(group int64) (at int32, i int, known bool) {
	at, known = t.leaf[group]
	if !known {
		return 0, 0, false
	}
	i = slices.IndexFunc(t.nodes[at].dots, func(d dot) bool { return d.group == group })
	return at, i, true
}

func (t *dotTree) remove(group int64) {
	at, i, known := t.find(group)
	if !known {
		return
	}
	t.nodes[at].dots = slices.Delete(t.nodes[at].dots, i, i+1)
	delete(t.leaf, group)
	t.touch(at)
}

// touch notes that something changed in a leaf.
func (t *dotTree) touch(at int32) {
	for ; at >= 0; at = t.nodes[at].parent {
		if t.nodes[at].version++; t.nodes[at].version == 0 {
			t.nodes[at].version = 1
		}
	}
}
