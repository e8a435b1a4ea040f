package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"cityhub/geo"
	"cityhub/telemetry"
)

// A line's bytes: version, contents bits, id, quality, then what the bits
// announce, then the fields: a tag byte (kind and whether a quality follows),
// the property code, the quality, the value. Numbers that are whole and small
// take a varint, others their eight bytes.
const (
	blobVersion = 1

	hasReceived = 1 << 0
	hasPosition = 1 << 1

	tagFloat   = 0
	tagWhole   = 1
	tagFalse   = 2
	tagTrue    = 3
	tagText    = 4
	tagQuality = 0x80

	maxWhole = 1 << 40
)

var errBlob = errors.New("a line's bytes are damaged")

// appendLine appends a line without its group and time. The receipt is kept of
// late lines only; slots are not kept.
func appendLine(b []byte, l *telemetry.Line) []byte {
	contents := byte(0)
	if l.Quality&telemetry.Late != 0 && l.Received != 0 {
		contents |= hasReceived
	}
	if l.Position != nil {
		contents |= hasPosition
	}
	b = append(b, blobVersion, contents)
	b = binary.AppendVarint(b, l.ID)
	b = binary.AppendUvarint(b, uint64(l.Quality))
	if contents&hasReceived != 0 {
		b = binary.AppendVarint(b, l.Received)
	}
	if p := l.Position; p != nil {
		for _, v := range []float64{p.Lon, p.Lat, p.Alt} {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(l.Fields)))
	for i := range l.Fields {
		b = appendField(b, &l.Fields[i])
	}
	return b
}

func appendField(b []byte, f *telemetry.Field) []byte {
	tag := tagOf(f.Value)
	if f.Quality != 0 {
		b = append(b, tag|tagQuality)
	} else {
		b = append(b, tag)
	}
	b = appendString(b, f.Property)
	if f.Quality != 0 {
		b = binary.AppendUvarint(b, uint64(f.Quality))
	}
	switch tag {
	case tagFloat:
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f.Value.Num))
	case tagWhole:
		b = binary.AppendVarint(b, int64(f.Value.Num))
	case tagText:
		b = appendString(b, f.Value.Text)
	}
	return b
}

func tagOf(v telemetry.Value) byte {
	switch v.Kind {
	case telemetry.Text:
		return tagText
	case telemetry.Boolean:
		if v.Num != 0 {
			return tagTrue
		}
		return tagFalse
	}
	if v.Num == math.Trunc(v.Num) && math.Abs(v.Num) < maxWhole && !(v.Num == 0 && math.Signbit(v.Num)) {
		return tagWhole
	}
	return tagFloat
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decoder turns bytes back into lines. It keeps the property codes it has
// seen, so that a scan allocates none.
type decoder struct {
	b     []byte
	bad   bool
	codes map[string]string
}

// decode fills l except for its group and time; it reuses l.Fields.
func (d *decoder) decode(b []byte, l *telemetry.Line) error {
	d.b, d.bad = b, false
	version, contents := d.byte(), d.byte()
	if !d.bad && version != blobVersion {
		return fmt.Errorf("a line is of format %d, this program knows %d: use a newer one", version, blobVersion)
	}
	l.ID, l.Quality = d.varint(), telemetry.Quality(d.uvarint())
	l.Received, l.Position = 0, nil
	if contents&hasReceived != 0 {
		l.Received = d.varint()
	}
	if contents&hasPosition != 0 {
		l.Position = &geo.Position{Lon: d.float(), Lat: d.float(), Alt: d.float()}
	}
	l.Fields = l.Fields[:0]
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		l.Fields = append(l.Fields, d.field())
	}
	if d.bad || len(d.b) > 0 {
		return errBlob
	}
	return nil
}

func (d *decoder) field() telemetry.Field {
	tag := d.byte()
	f := telemetry.Field{Property: d.code()}
	if tag&tagQuality != 0 {
		f.Quality = telemetry.Quality(d.uvarint())
	}
	switch tag &^ tagQuality {
	case tagFloat:
		f.Value = telemetry.NumberOf(d.float())
	case tagWhole:
		f.Value = telemetry.NumberOf(float64(d.varint()))
	case tagFalse:
		f.Value = telemetry.BooleanOf(false)
	case tagTrue:
		f.Value = telemetry.BooleanOf(true)
	case tagText:
		f.Value = telemetry.TextOf(string(d.bytes()))
	default:
		d.bad = true
	}
	return f
}

func (d *decoder) code() string {
	raw := d.bytes()
	if known, ok := d.codes[string(raw)]; ok {
		return known
	}
	code := string(raw)
	if d.codes == nil || len(d.codes) > 4096 {
		d.codes = map[string]string{}
	}
	d.codes[code] = code
	return code
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	return advance(d, v, n)
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	return advance(d, v, n)
}

func advance[T int64 | uint64](d *decoder, v T, n int) T {
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) float() float64 {
	if len(d.b) < 8 {
		d.bad = true
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(d.b))
	d.b = d.b[8:]
	return v
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if d.bad || n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}
