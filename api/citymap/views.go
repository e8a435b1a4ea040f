package citymap

import (
	"fmt"
	"sync"

	"cityhub/access"
	"cityhub/geo"
)

// The views of a layer that are kept have so many sums together, which are some
// 100 bytes each; but a few are always kept. Beyond that the one longest unasked
// goes.
const (
	sumsKept  = 1 << 20
	viewsKept = 16
	viewsMost = 1_024
)

// dotViews are the sums of a tree's nodes, by who looks and what is kept: what
// one caller may read has other sums than what another may.
type dotViews struct {
	mu   sync.Mutex
	turn uint64
	all  map[string]*dotView
}

// dotView is one. Its sums are made when they are asked for, and hold until
// their node changes, or a station in it grows stale.
type dotView struct {
	asked uint64 // guarded by dotViews.mu

	mu   sync.Mutex
	sums []dotSum // by node
}

// of gives the view of a look at a tree of so many nodes.
func (v *dotViews) of(q *look, property string, nodes int) *dotView {
	key := ViewOf(q.scope, property, nil) + q.keep.key()
	v.mu.Lock()
	defer v.mu.Unlock()
	view := v.all[key]
	if view == nil {
		v.makeRoom(max(viewsKept, sumsKept/nodes))
		view = &dotView{}
		v.all[key] = view
	}
	v.turn++
	view.asked = v.turn
	return view
}

func (v *dotViews) makeRoom(most int) {
	if v.all == nil {
		v.all = map[string]*dotView{}
	}
	if len(v.all) < min(most, viewsMost) {
		return
	}
	oldest := ""
	for key, view := range v.all {
		if oldest == "" || view.asked < v.all[oldest].asked {
			oldest = key
		}
	}
	delete(v.all, oldest)
}

// clear forgets all sums: the tree is another.
func (v *dotViews) clear() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.all)
}

// fit makes room for the sums of so many nodes.
func (v *dotView) fit(nodes int) {
	if len(v.sums) < nodes {
		v.sums = append(v.sums, make([]dotSum, nodes-len(v.sums))...)
	}
}

// ViewOf names what a scope sees of a property in a window, nil for everywhere:
// it is equal for those that see the same.
func ViewOf(scope *access.Scope, property string, window *geo.Window) string {
	view := fmt.Sprintf("%s %t %v %v %t %t", property, scope.All, scope.Own, scope.Grants, scope.Public, scope.Internal)
	if window != nil {
		view += fmt.Sprint(*window)
	}
	return view
}
