package geo

import "math"

// Simplify says which of the positions of a line must stay, so that none of
// the others lies further from what is left than so many metres (Douglas and
// Peucker). The first and the last always stay.
func Simplify(line []Position, metres float64) []int {
	if len(line) < 3 || metres <= 0 {
		all := make([]int, len(line))
		for i := range all {
			all[i] = i
		}
		return all
	}
	stays := make([]bool, len(line))
	stays[0], stays[len(line)-1] = true, true
	open := [][2]int{{0, len(line) - 1}}
	for len(open) > 0 {
		first, last := open[len(open)-1][0], open[len(open)-1][1]
		open = open[:len(open)-1]
		far, at := furthest(line, first, last)
		if far <= metres {
			continue
		}
		stays[at] = true
		open = append(open, [2]int{first, at}, [2]int{at, last})
	}
	var kept []int
	for i, stay := range stays {
		if stay {
			kept = append(kept, i)
		}
	}
	return kept
}

// furthest finds the position between two that lies furthest from the straight
// way between them.
func furthest(line []Position, first, last int) (metres float64, at int) {
	p := planeAt(line[first])
	bx, by := p.metres(line[last])
	for i := first + 1; i < last; i++ {
		x, y := p.metres(line[i])
		if d := fromSegment(x, y, 0, 0, bx, by); d > metres {
			metres, at = d, i
		}
	}
	return metres, at
}

// plane is the Earth around a position, flat: good for some ten kilometres.
type plane struct {
	lon, lat, cos float64
}

func planeAt(p Position) plane { return plane{p.Lon, p.Lat, math.Cos(p.Lat * math.Pi / 180)} }

// metres gives a place's way east and north.
func (p plane) metres(q Position) (x, y float64) {
	const perDegree = meanRadius * math.Pi / 180
	return (q.Lon - p.lon) * p.cos * perDegree, (q.Lat - p.lat) * perDegree
}

// fromSegment is the distance of (x, y) from the segment a–b.
func fromSegment(x, y, ax, ay, bx, by float64) float64 {
	dx, dy := bx-ax, by-ay
	along := 0.0
	if length := dx*dx + dy*dy; length > 0 {
		along = min(max(((x-ax)*dx+(y-ay)*dy)/length, 0), 1)
	}
	return math.Hypot(x-ax-along*dx, y-ay-along*dy)
}
