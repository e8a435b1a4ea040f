package geo

import (
	"encoding/binary"
	"math"
	"strings"
)

// TileExtent is how many units a tile is wide and high.
const TileExtent = 1 << tileBits

const tileBits = 12

// TileLayer writes one layer of a vector tile (MVT 2.1): each feature is
// appended to one buffer as it comes, and equal values of all features stand
// in the tile once. A feature begins with Point or Area, then come its values,
// each named by its key's place among the layer's, and End. A layer that is
// begun anew with Reset needs no more memory than it has.
type TileLayer struct {
	name     string
	keys     []string
	features []byte
	values   []byte
	count    uint32 // of values
	texts    textTable
	numbers  numberTable
	ints     numberTable
	last     []lastText // of each key

	begin    int // of the feature's length in features
	tags     int // of the length of its tags
	kind     byte
	geometry []byte
}

// lastText is the text that a key had last: often the next feature's, too.
type lastText struct {
	text  string
	place uint32
	known bool
}

// The kinds of geometry of a tile.
const (
	tilePoint   = 1
	tilePolygon = 3
)

// NewTileLayer makes a layer of at most 127 keys.
func NewTileLayer(name string, keys ...string) *TileLayer {
	return &TileLayer{name: name, keys: keys, last: make([]lastText, len(keys)), texts: newTextTable()}
}

// Reset takes all features out.
func (l *TileLayer) Reset() {
	l.features, l.values, l.count = l.features[:0], l.values[:0], 0
	l.texts.reset()
	l.numbers.reset()
	l.ints.reset()
	clear(l.last)
}

// Empty says whether the layer has no feature.
func (l *TileLayer) Empty() bool { return len(l.features) == 0 }

// Point begins a feature at a place of the tile, in units from its north-west.
func (l *TileLayer) Point(id uint64, x, y int32) {
	l.feature(id, tilePoint)
	l.geometry = append(l.geometry[:0], 1<<3|1) // move to, once
	l.geometry = binary.AppendUvarint(l.geometry, zigzag(x))
	l.geometry = binary.AppendUvarint(l.geometry, zigzag(y))
}

func (l *TileLayer) feature(id uint64, kind byte) {
	l.begin, l.kind = len(l.features)+1, kind
	b := append(l.features, 2<<3|2, 0, 1<<3)
	b = binary.AppendUvarint(b, id)
	l.features = append(b, 2<<3|2, 0)
	l.tags = len(l.features) - 1
}

// Text gives the feature a text. What is not UTF-8 becomes U+FFFD, as a tile
// must not hold it.
func (l *TileLayer) Text(key int, v string) {
	last := &l.last[key]
	if !last.known || last.text != v {
		*last = lastText{v, l.place(v), true}
	}
	l.tag(key, last.place)
}

// place finds a text among the values, or adds it.
func (l *TileLayer) place(v string) uint32 {
	slot, known := l.texts.find(v, l.values)
	if !known {
		from := l.addText(v)
		*slot = textSlot{hash: slot.hash, turn: l.texts.turn, place: l.count - 1, from: from, size: uint32(len(l.values)) - from}
		l.texts.grow()
	}
	return slot.place
}

// OwnText is Text for what no other feature has, as a code: nobody looks
// whether one has it.
func (l *TileLayer) OwnText(key int, v string) {
	l.addText(v)
	l.tag(key, l.count-1)
}

// addText answers where the text begins in the values.
func (l *TileLayer) addText(v string) (from uint32) {
	v = strings.ToValidUTF8(v, "\uFFFD")
	b := append(l.values, 4<<3|2)
	b = binary.AppendUvarint(b, uint64(1+uvarintLen(uint64(len(v)))+len(v)))
	b = append(b, 1<<3|2)
	b = binary.AppendUvarint(b, uint64(len(v)))
	l.values = append(b, v...)
	l.count++
	return uint32(len(b))
}

// Number gives the feature a number.
func (l *TileLayer) Number(key int, v float64) {
	bits := math.Float64bits(v)
	slot, known := l.numbers.find(bits)
	if !known {
		slot.place = l.count
		l.count++
		b := append(l.values, 4<<3|2, 9, 3<<3|1)
		l.values = binary.LittleEndian.AppendUint64(b, bits)
	}
	l.tag(key, slot.place)
}

// Int gives the feature an integer.
func (l *TileLayer) Int(key int, v int64) {
	slot, known := l.ints.find(uint64(v))
	if !known {
		slot.place = l.count
		l.count++
		b := append(l.values, 4<<3|2, byte(1+uvarintLen(uint64(v))), 4<<3)
		l.values = binary.AppendUvarint(b, uint64(v))
	}
	l.tag(key, slot.place)
}

func (l *TileLayer) tag(key int, place uint32) {
	l.features = binary.AppendUvarint(append(l.features, byte(key)), uint64(place))
}

// End ends the feature.
func (l *TileLayer) End() {
	b := l.features
	if len(b) == l.tags+1 {
		b = b[:l.tags-1]
	} else {
		b = seal(b, l.tags)
	}
	b = append(b, 3<<3, l.kind, 4<<3|2)
	b = binary.AppendUvarint(b, uint64(len(l.geometry)))
	b = append(b, l.geometry...)
	l.features = seal(b, l.begin)
}

// seal writes the length of what stands behind the byte at, which was kept for
// it; what needs more bytes makes room.
func seal(b []byte, at int) []byte {
	n := len(b) - at - 1
	if n < 0x80 {
		b[at] = byte(n)
		return b
	}
	more := uvarintLen(uint64(n)) - 1
	b = append(b, make([]byte, more)...)
	copy(b[at+1+more:], b[at+1:at+1+n])
	binary.PutUvarint(b[at:], uint64(n))
	return b
}

// Append writes the layer as a part of a tile; nothing when it is empty.
func (l *TileLayer) Append(b []byte) []byte {
	if l.Empty() {
		return b
	}
	size := 2 + 1 + uvarintLen(uint64(len(l.name))) + len(l.name) + len(l.features) + len(l.values) + 1 + uvarintLen(TileExtent)
	for _, key := range l.keys {
		size += 1 + uvarintLen(uint64(len(key))) + len(key)
	}
	if cap(b)-len(b) < size+8 {
		b = append(make([]byte, 0, len(b)+size+8), b...)
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
