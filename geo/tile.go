package geo

import (
	"encoding/binary"
	"math"
)

// TileExtent is how many units a tile is wide and high.
const TileExtent = 4096

// TileLayer writes one layer of a vector tile (MVT 2.1): each feature is
// appended to one buffer, and equal values of all features stand in the tile
// once. A feature begins with Point or Area, then come its values, and End.
type TileLayer struct {
	name     string
	keys     []string
	features []byte

	values  []byte
	count   uint32
	texts   map[string]uint32
	numbers map[uint64]uint32
	ints    map[int64]uint32

	id       uint64
	kind     byte
	tags     []byte
	geometry []byte
	feature  []byte
}

// The kinds of geometry of a tile.
const (
	tilePoint   = 1
	tilePolygon = 3
)

// NewTileLayer makes a layer; values name their keys by their place here.
func NewTileLayer(name string, keys ...string) *TileLayer {
	return &TileLayer{name: name, keys: keys, texts: map[string]uint32{}, numbers: map[uint64]uint32{}, ints: map[int64]uint32{}}
}

// Empty says whether the layer has no feature.
func (l *TileLayer) Empty() bool { return len(l.features) == 0 }

// Point begins a feature at a place of the tile, in units from its north-west.
func (l *TileLayer) Point(id uint64, x, y int32) {
	l.id, l.kind, l.tags = id, tilePoint, l.tags[:0]
	l.geometry = append(l.geometry[:0], 1<<3|1) // move to, once
	l.geometry = binary.AppendUvarint(l.geometry, zigzag(x))
	l.geometry = binary.AppendUvarint(l.geometry, zigzag(y))
}

// Text gives the feature a text.
func (l *TileLayer) Text(key int, v string) {
	at, known := l.texts[v]
	if !known {
		at = l.next()
		l.texts[v] = at
		l.values = append(l.values, 4<<3|2)
		l.values = binary.AppendUvarint(l.values, uint64(1+uvarintLen(uint64(len(v)))+len(v)))
		l.values = append(l.values, 1<<3|2)
		l.values = binary.AppendUvarint(l.values, uint64(len(v)))
		l.values = append(l.values, v...)
	}
	l.tag(key, at)
}

// Number gives the feature a number.
func (l *TileLayer) Number(key int, v float64) {
	bits := math.Float64bits(v)
	at, known := l.numbers[bits]
	if !known {
		at = l.next()
		l.numbers[bits] = at
		l.values = append(l.values, 4<<3|2, 9, 3<<3|1)
		l.values = binary.LittleEndian.AppendUint64(l.values, bits)
	}
	l.tag(key, at)
}

// Int gives the feature an integer.
func (l *TileLayer) Int(key int, v int64) {
	at, known := l.ints[v]
	if !known {
		at = l.next()
		l.ints[v] = at
		l.values = append(l.values, 4<<3|2, byte(1+uvarintLen(uint64(v))), 4<<3)
		l.values = binary.AppendUvarint(l.values, uint64(v))
	}
	l.tag(key, at)
}

func (l *TileLayer) next() uint32 {
	l.count++
	return l.count - 1
}

func (l *TileLayer) tag(key int, value uint32) {
	l.tags = append(l.tags, byte(key)) // layers have fewer than 128 keys
	l.tags = binary.AppendUvarint(l.tags, uint64(value))
}

// End ends the feature.
func (l *TileLayer) End() {
	f := append(l.feature[:0], 1<<3)
	f = binary.AppendUvarint(f, l.id)
	if len(l.tags) > 0 {
		f = append(f, 2<<3|2)
		f = binary.AppendUvarint(f, uint64(len(l.tags)))
		f = append(f, l.tags...)
	}
	f = append(f, 3<<3, l.kind, 4<<3|2)
	f = binary.AppendUvarint(f, uint64(len(l.geometry)))
	f = append(f, l.geometry...)
	l.feature = f
	l.features = append(l.features, 2<<3|2)
	l.features = binary.AppendUvarint(l.features, uint64(len(f)))
	l.features = append(l.features, f...)
}

// Append writes the layer as a part of a tile.
func (l *TileLayer) Append(b []byte) []byte {
	size := 2 + 1 + uvarintLen(uint64(len(l.name))) + len(l.name) + len(l.features) + len(l.values) + 1 + uvarintLen(TileExtent)
	for _, key := range l.keys {
		size += 1 + uvarintLen(uint64(len(key))) + len(key)
	}
	b = append(b, 3<<3|2)
	b = binary.AppendUvarint(b, uint64(size))
	b = append(b, 15<<3, 2)
	b = appendField(b, 1, l.name)
	b = append(b, l.features...)
	for _, key := range l.keys {
		b = appendField(b, 3, key)
	}
	b = append(b, l.values...)
	b = append(b, 5<<3)
	return binary.AppendUvarint(b, TileExtent)
}

func appendField(b []byte, field byte, text string) []byte {
	b = append(b, field<<3|2)
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

func zigzag(v int32) uint64 { return uint64(uint32(v<<1) ^ uint32(v>>31)) }

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// Place gives the place of a position in a tile, in units from its north-west.
func (c Cell) Place(p Position) (x, y int32) {
	n := float64(uint64(1) << c.Level)
	px, py := mercator(p.Lon, p.Lat)
	return int32(math.Floor((px*n - float64(c.X)) * TileExtent)), int32(math.Floor((py*n - float64(c.Y)) * TileExtent))
}
