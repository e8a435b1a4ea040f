package wards

// crossesItself says whether two edges of a ring cross. It looks at all pairs:
// a ward has some hundreds of edges.
func crossesItself(ring Ring) bool {
	n := len(ring)
	for i := range n {
		for j := i + 2; j < n; j++ {
			if cross(ring[i], ring[i+1], ring[j], ring[(j+1)%n]) {
				return true
			}
		}
	}
	return false
}

// cross says whether two stretches cross properly, not just touch.
func cross(a, b, c, d Point) bool {
	if max(a[0], b[0]) < min(c[0], d[0]) || max(c[0], d[0]) < min(a[0], b[0]) {
		return false
	}
	return turn(a, b, c)*turn(a, b, d) < 0 && turn(c, d, a)*turn(c, d, b) < 0
}

// turn is positive where the way from p over q to r turns left.
func turn(p, q, r Point) float64 {
	return (q[0]-p[0])*(r[1]-p[1]) - (q[1]-p[1])*(r[0]-p[0])
}
