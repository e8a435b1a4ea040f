package geo

import (
	"math"
	"math/big"

	"github.com/paulmach/orb"
)

// orientError bounds the rounding of orient's quick way, relative to the sum
// of its products (Shewchuk's filter for doubles).
const orientError = 3.3306690738754716e-16

// orient says on which side of the line from a to b the point p lies: 1 left,
// -1 right, 0 on it. It is exact, so that the two zones that share a border
// agree on which of them holds a point.
func orient(a, b, p orb.Point) int {
	left := float64((a[0] - p[0]) * (b[1] - p[1])) // the conversions forbid fused operations
	right := float64((a[1] - p[1]) * (b[0] - p[0]))
	det := left - right
	if bound := orientError * (math.Abs(left) + math.Abs(right)); det > bound || -det > bound {
		return sign(det)
	}
	if p == a || p == b {
		return 0 // edges that follow each other are the most common case
	}
	if whole(a) && whole(b) && whole(p) {
		return sign(det) // as in a tile: nothing was rounded
	}
	return orientExactly(a, b, p)
}

// whole says whether both coordinates are integers so small that their
// differences and the products of those are exact.
func whole(p orb.Point) bool {
	const most = 1 << 25
	return p[0] == math.Trunc(p[0]) && p[1] == math.Trunc(p[1]) && math.Abs(p[0]) < most && math.Abs(p[1]) < most
}

func orientExactly(a, b, p orb.Point) int {
	minus := func(x, y float64) *big.Rat {
		return new(big.Rat).Sub(new(big.Rat).SetFloat64(x), new(big.Rat).SetFloat64(y))
	}
	left := minus(a[0], p[0])
	left.Mul(left, minus(b[1], p[1]))
	right := minus(a[1], p[1])
	right.Mul(right, minus(b[0], p[0]))
	return left.Cmp(right)
}

func sign(v float64) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// onSegment says whether p lies on the segment from a to b, ends included.
func onSegment(a, b, p orb.Point) bool {
	return p[0] >= min(a[0], b[0]) && p[0] <= max(a[0], b[0]) &&
		p[1] >= min(a[1], b[1]) && p[1] <= max(a[1], b[1]) && orient(a, b, p) == 0
}
