package geo

import "math"

// Place gives the place of a position in a tile, in units from its north-west.
func (c Cell) Place(p Position) (x, y int32) {
	n := float64(uint64(1) << (c.Level + tileBits))
	px, py := mercator(p.Lon, p.Lat)
	return int32(int64(math.Floor(px*n)) - int64(c.X)<<tileBits), int32(int64(math.Floor(py*n)) - int64(c.Y)<<tileBits)
}

// SpotPlace is Place for a spot, which is already on the map: the same to the
// unit down to SpotLevel, and to the north-western unit of the spot below it.
func (c Cell) SpotPlace(s Spot) (x, y int32) {
	px, py := int64(gather(uint64(s>>1))), int64(gather(uint64(s)))
	if down := gridBits - tileBits - c.Level; down >= 0 {
		px, py = px>>down, py>>down
	} else {
		px, py = px<<-down, py<<-down
	}
	return int32(px - int64(c.X)<<tileBits), int32(py - int64(c.Y)<<tileBits)
}

// SpotLevel is the deepest level at which a tile's units are no smaller than a
// spot.
const SpotLevel = gridBits - tileBits

// gather is the way back from spread.
func gather(v uint64) uint64 {
	v &= 0x5555555555555555
	v = (v | v>>1) & 0x3333333333333333
	v = (v | v>>2) & 0x0f0f0f0f0f0f0f0f
	v = (v | v>>4) & 0x00ff00ff00ff00ff
	v = (v | v>>8) & 0x0000ffff0000ffff
	return (v | v>>16) & 0x00000000ffffffff
}
