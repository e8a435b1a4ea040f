package geo

// gridBits are those of each axis of a Spot: the map is cut 31 times.
const gridBits = 31

// Spot is a place on the map of the web (Mercator), such that all places of
// one map cell, of whatever zoom, have neighbouring numbers: the bits of x
// and y take turns, the highest first.
type Spot uint64

// SpotOf gives a position's; what lies beyond 85° is moved there.
func SpotOf(p Position) Spot {
	x, y := mercator(p.Lon, p.Lat)
	const cells = 1 << gridBits
	clamp := func(v float64) uint64 { return uint64(min(max(v*cells, 0), cells-1)) }
	return Spot(spread(clamp(x))<<1 | spread(clamp(y)))
}

// spread puts a zero before each bit of a number of 32 bits.
func spread(v uint64) uint64 {
	v = (v | v<<16) & 0x0000ffff0000ffff
	v = (v | v<<8) & 0x00ff00ff00ff00ff
	v = (v | v<<4) & 0x0f0f0f0f0f0f0f0f
	v = (v | v<<2) & 0x3333333333333333
	return (v | v<<1) & 0x5555555555555555
}

// Cell is a square of the map: of the 4^Level into which it is cut at a
// level, the one in column X from the west and row Y from the north.
type Cell struct {
	Level int
	X, Y  uint32
}

// CellOf gives the cell of a level in which a position lies.
func CellOf(p Position, level int) Cell {
	x, y := mercator(p.Lon, p.Lat)
	n := float64(uint64(1) << level)
	clamp := func(v float64) uint32 { return uint32(min(max(v*n, 0), n-1)) }
	return Cell{Level: level, X: clamp(x), Y: clamp(y)}
}

// Window is what the cell covers.
func (c Cell) Window() Window {
	n := float64(uint64(1) << c.Level)
	west, north := unmercator(float64(c.X)/n, float64(c.Y)/n)
	east, south := unmercator(float64(c.X+1)/n, float64(c.Y+1)/n)
	return Window{west, south, east, north}
}

// Holds says whether a spot lies in the cell.
func (c Cell) Holds(s Spot) bool {
	return s>>(2*(gridBits-c.Level)) == Spot(spread(uint64(c.X))<<1|spread(uint64(c.Y)))
}
