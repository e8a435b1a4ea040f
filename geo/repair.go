package geo

import (
	"slices"

	"github.com/paulmach/orb"
)

// Repair mends what can be mended without guessing: it closes rings, drops
// repeated points, spikes and rings without a surface, cuts a ring that
// crosses itself into rings that do not, makes shell and hole of what lies in
// what, and turns rings the right way round. Inside is what an odd number of
// the polygon's rings goes around. Whether that was enough is what Check says
// of the result.
func Repair(a Area) Area {
	var mended Area
	for _, polygon := range a {
		var loops []orb.Ring
		for _, ring := range polygon {
			loops = append(loops, untangle(tidy(ring))...)
		}
		mended = append(mended, nest(loops)...)
	}
	return Wound(mended)
}

// Wound gives the area with shells counter-clockwise and holes clockwise, as
// RFC 7946 wants them; rings that run so already are shared with a.
func Wound(a Area) Area {
	wound := make(Area, len(a))
	for p := range a {
		wound[p] = slices.Clone(a[p])
		for r, ring := range wound[p] {
			if (signedArea(ring) > 0) != (r == 0) {
				turned := slices.Clone(ring)
				slices.Reverse(turned)
				wound[p][r] = turned
			}
		}
	}
	return wound
}

// tidy closes a ring and takes out points that change nothing; nil when no
// surface is left.
func tidy(ring orb.Ring) orb.Ring {
	var kept orb.Ring
	for _, p := range ring {
		for {
			n := len(kept)
			if n > 0 && kept[n-1] == p {
				kept = kept[:n-1]
			} else if n > 1 && kept[n-2] == p {
				kept = kept[:n-1] // there and back again
				continue
			}
			break
		}
		kept = append(kept, p)
	}
	for len(kept) > 1 && kept[0] == kept[len(kept)-1] {
		kept = kept[:len(kept)-1]
	}
	for len(kept) > 2 && kept[0] == kept[len(kept)-2] { // a spike at the seam
		kept = kept[:len(kept)-2]
	}
	for len(kept) > 2 && kept[1] == kept[len(kept)-1] {
		kept = kept[1 : len(kept)-1]
	}
	if len(kept) < 3 {
		return nil
	}
	return append(kept, kept[0])
}

// maxCuts bounds the work on one ring; what is more tangled stays as it is,
// and Check refuses it.
const maxCuts = 1_000

// untangle cuts a ring where it meets itself.
func untangle(ring orb.Ring) []orb.Ring {
	var whole []orb.Ring
	todo := []orb.Ring{ring}
	for cuts := 0; len(todo) > 0; cuts++ {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		one, other, met := cut(last)
		if !met || cuts >= maxCuts {
			if signedArea(last) != 0 {
				whole = append(whole, last)
			}
			continue
		}
		todo = append(todo, tidy(one), tidy(other))
	}
	return whole
}

// cut parts a ring at the first place where it meets itself; false where it
// never does.
func cut(ring orb.Ring) (one, other orb.Ring, met bool) {
	ring = once(ring)
	all := segments(Area{{ring}})
	for i := range all {
		s := &all[i]
		for j := i + 1; j < len(all) && all[j].west() <= s.east(); j++ {
			t := &all[j]
			how, at := meet(s.a, s.b, t.a, t.b)
			if how == apart || how == touching && s.beside(t) {
				continue
			}
			low, high := min(s.at, t.at), max(s.at, t.at)
			one = append(orb.Ring{at}, ring[low+1:high+1]...)
			other = append(slices.Clone(ring[:low+1]), at)
			return append(one, at), append(other, ring[high+1:]...), true
		}
	}
	return nil, nil, false
}

// nest makes polygons of loops that do not cross: what lies in an even number
// of others is a shell, what lies in an odd number a hole of the smallest.
func nest(loops []orb.Ring) []orb.Polygon {
	size := func(r orb.Ring) float64 { return max(signedArea(r), -signedArea(r)) }
	slices.SortStableFunc(loops, func(a, b orb.Ring) int { return sign(size(b) - size(a)) })
	var polygons []orb.Polygon
	shellOf := make([]int, len(loops)) // the polygon that a loop is a part of
	depths := make([]int, len(loops))
	for i, loop := range loops {
		within := -1 // the smallest around it
		for j := range i {
			if _, in := outermost(NewOutline(Area{{loops[j]}}), loop, true); in {
				depths[i]++
				within = j
			}
		}
		if depths[i]%2 == 0 {
			shellOf[i] = len(polygons)
			polygons = append(polygons, orb.Polygon{loop})
			continue
		}
		shellOf[i] = shellOf[within]
		polygons[shellOf[i]] = append(polygons[shellOf[i]], loop)
	}
	return polygons
}
