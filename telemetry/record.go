package telemetry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"cityhub/geo"
)

// A record is what one group commit keeps in the spool: the lines it accepted
// and the messages it quarantined. The format carries a version, because a
// newer program must read what an older one left behind.
//
//	version 1 · properties: count, (length, bytes)… · lines: count, line… · quarantined: count, item…
//
// Integers are varints; times are differences to the line before.
const recordVersion = 1

var errRecord = errors.New("not a record of this program's format")

// kindCode is what a record says of a kind.
func kindCode(k Kind) byte { return byte(k - Number) }

const (
	hasPosition = 1 << iota
	hasQuality
)

// appendRecord appends the record of lines and items to buf.
func appendRecord(buf []byte, lines []Line, items []Quarantined) []byte {
	buf = append(buf, recordVersion)
	d := dictionary{of: map[string]int{}}
	for i := range lines {
		for j := range lines[i].Fields {
			d.number(lines[i].Fields[j].Property)
		}
	}
	buf = binary.AppendUvarint(buf, uint64(len(d.names)))
	for _, name := range d.names {
		buf = appendText(buf, name)
	}
	buf = binary.AppendUvarint(buf, uint64(len(lines)))
	var previous int64
	for i := range lines {
		buf = appendLine(buf, &lines[i], previous, &d)
		previous = lines[i].Time
	}
	buf = binary.AppendUvarint(buf, uint64(len(items)))
	for i := range items {
		buf = appendItem(buf, &items[i])
	}
	return buf
}

// dictionary numbers properties in the order in which they come.
type dictionary struct {
	names []string
	of    map[string]int
	next  int // lines of one model have the same properties in the same order
}

func (d *dictionary) number(property string) uint64 {
	at := d.next
	if at >= len(d.names) || d.names[at] != property {
		known := false
		if at, known = d.of[property]; !known {
			at = len(d.names)
			d.of[property] = at
			d.names = append(d.names, property)
		}
	}
	if d.next = at + 1; d.next >= len(d.names) {
		d.next = 0
	}
	return uint64(at)
}

func appendLine(buf []byte, l *Line, previous int64, d *dictionary) []byte {
	var flags byte
	if l.Position != nil {
		flags |= hasPosition
	}
	if l.Quality != 0 {
		flags |= hasQuality
	}
	buf = append(buf, flags)
	buf = binary.AppendVarint(buf, l.Group)
	buf = binary.AppendVarint(buf, l.Time-previous)
	buf = binary.AppendVarint(buf, l.Received-l.Time)
	buf = binary.AppendVarint(buf, l.ID)
	if l.Quality != 0 {
		buf = binary.AppendUvarint(buf, uint64(l.Quality))
	}
	if l.Position != nil {
		buf = appendFloat(appendFloat(appendFloat(buf, l.Position.Lon), l.Position.Lat), l.Position.Alt)
	}
	buf = binary.AppendUvarint(buf, uint64(len(l.Fields)))
	for i := range l.Fields {
		f := &l.Fields[i]
		buf = binary.AppendUvarint(buf, d.number(f.Property))
		buf = binary.AppendUvarint(buf, uint64(f.Slot))
		buf = binary.AppendUvarint(buf, uint64(f.Quality))
		buf = append(buf, kindCode(f.Value.Kind))
		if f.Value.Kind == Text {
			buf = appendText(buf, f.Value.Text)
		} else {
			buf = appendFloat(buf, f.Value.Num)
		}
	}
	return buf
}

func appendItem(buf []byte, q *Quarantined) []byte {
	buf = binary.AppendVarint(buf, q.Received.UnixNano())
	for _, text := range []string{q.Route, q.Topic, q.Sender, q.Device, string(q.Payload), string(q.Reason), q.Detail} {
		buf = appendText(buf, text)
	}
	return buf
}

func appendText(buf []byte, text string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(text))), text...)
}

func appendFloat(buf []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
}

// cursor reads a record; after the first fault it stays faulty.
type cursor struct {
	data []byte
	bad  bool
	room *room
}

func (c *cursor) fail() { c.bad, c.data = true, nil }

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.data)
	if n <= 0 {
		c.fail()
		return 0
	}
	c.data = c.data[n:]
	return v
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.data)
	if n <= 0 {
		c.fail()
		return 0
	}
	c.data = c.data[n:]
	return v
}

// count reads a number of things that take at least one byte each.
func (c *cursor) count() int {
	n := c.uvarint()
	if n > uint64(len(c.data)) {
		c.fail()
		return 0
	}
	return int(n)
}

func (c *cursor) byte() byte {
	if len(c.data) == 0 {
		c.fail()
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return b
}

func (c *cursor) text() string {
	n := c.count()
	s := string(c.data[:n])
	c.data = c.data[n:]
	return s
}

func (c *cursor) float() float64 {
	if len(c.data) < 8 {
		c.fail()
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(c.data))
	c.data = c.data[8:]
	return v
}

// readRecord reads what appendRecord wrote.
func readRecord(data []byte) ([]Line, []Quarantined, error) {
	return readInto([]Line{}, &room{}, data)
}

// readInto appends a record's lines, whose fields it takes from the room.
func readInto(lines []Line, from *room, data []byte) ([]Line, []Quarantined, error) {
	c := &cursor{data: data, room: from}
	if version := c.byte(); version != recordVersion {
		return nil, nil, fmt.Errorf("%w: version %d", errRecord, version)
	}
	names := make([]string, c.count())
	for i := range names {
		names[i] = c.text()
	}
	count, had := c.count(), len(lines)
	if more := had + count; more > cap(lines) {
		lines = slices.Grow(lines, max(count, 1024))
	}
	lines = lines[:had+count]
	var previous int64
	for i := had; i < len(lines); i++ {
		c.line(&lines[i], previous, names)
		previous = lines[i].Time
	}
	items := make([]Quarantined, c.count())
	for i := range items {
		c.item(&items[i])
	}
	if c.bad || len(c.data) != 0 {
		return nil, nil, errRecord
	}
	return lines, items, nil
}

func (c *cursor) line(l *Line, previous int64, names []string) {
	flags := c.byte()
	*l = Line{Group: c.varint()} // the memory had another before
	l.Time = previous + c.varint()
	l.Received = l.Time + c.varint()
	l.ID = c.varint()
	if flags&hasQuality != 0 {
		l.Quality = Quality(c.uvarint())
	}
	if flags&hasPosition != 0 {
		l.Position = &geo.Position{Lon: c.float(), Lat: c.float(), Alt: c.float()}
	}
	l.Fields = c.room.fields(c.count())
	for i := range l.Fields {
		c.field(&l.Fields[i], names)
	}
}

// room is memory for the fields of lines: one allocation for many. Its zero
// value is empty.
type room struct {
	pieces [][]Field // as they were made
	at     int       // the piece in use
	used   int       // of it
}

// pieceFields is how many fields a piece has.
const pieceFields = 1024

// fields gives n of them, all zero.
func (r *room) fields(n int) []Field {
	for r.at < len(r.pieces) && r.used+n > len(r.pieces[r.at]) {
		r.at, r.used = r.at+1, 0
	}
	if r.at == len(r.pieces) {
		r.pieces = append(r.pieces, make([]Field, max(n, pieceFields)))
	}
	given := r.pieces[r.at][r.used : r.used+n : r.used+n]
	r.used += n
	return given
}

// reuse takes all back, without what they hold on to.
func (r *room) reuse() {
	for i, piece := range r.pieces[:min(r.at+1, len(r.pieces))] {
		if i < r.at {
			clear(piece)
		} else {
			clear(piece[:r.used])
		}
	}
	r.at, r.used = 0, 0
}

func (c *cursor) field(f *Field, names []string) {
	property := c.uvarint()
	if property >= uint64(len(names)) {
		c.fail()
		return
	}
	f.Property, f.Slot, f.Quality = names[property], int(c.uvarint()), Quality(c.uvarint())
	switch c.byte() {
	case 0:
		f.Value = Value{Kind: Number, Num: c.float()}
	case 1:
		f.Value = Value{Kind: Boolean, Num: c.float()}
	case 2:
		f.Value = Value{Kind: Text, Text: c.text()}
	default:
		c.fail()
	}
}

func (c *cursor) item(q *Quarantined) {
	q.Received = time.Unix(0, c.varint()).UTC()
	q.Route, q.Topic, q.Sender, q.Device = c.text(), c.text(), c.text(), c.text()
	q.Payload, q.Reason, q.Detail = []byte(c.text()), Reason(c.text()), c.text()
}
