package influx

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"cityhub/telemetry"
)

// The hub's own fields.
const (
	fieldID       = "hub_id"
	fieldQuality  = "hub_q"
	fieldReceived = "hub_rt"
	fieldLon      = "hub_lon"
	fieldLat      = "hub_lat"
	fieldAlt      = "hub_alt"
	fieldTime     = "hub_time" // stands for the property time: InfluxDB drops fields of that name
	qualityOf     = "hub_q_"   // + the property's field
	ownPrefix     = "hub_"
)

// fieldOf gives the field that a property is kept in, propertyOf the way back.
func fieldOf(property string) string {
	if property == "time" {
		return fieldTime
	}
	return property
}

func propertyOf(field string) string {
	if field == fieldTime {
		return "time"
	}
	return field
}

// appendLine appends one line of line protocol, or says why the line can never
// be kept; what it has appended then is of no use.
func appendLine(b []byte, l *telemetry.Line) ([]byte, error) {
	if l.Time < minTime || l.Time > maxTime {
		return b, fmt.Errorf("group %d at %d: InfluxDB keeps no such time", l.Group, l.Time)
	}
	b = append(b, "observation,g="...)
	b = strconv.AppendInt(b, l.Group, 10)
	b = append(b, ' ')
	start := len(b)
	for i := range l.Fields {
		var err error
		if b, err = appendField(b, &l.Fields[i]); err != nil {
			return b, fmt.Errorf("group %d at %d: %w", l.Group, l.Time, err)
		}
	}
	if p := l.Position; p != nil {
		if !finite(p.Lon) || !finite(p.Lat) || !finite(p.Alt) {
			return b, fmt.Errorf("group %d at %d: position %v is not a place; send numbers", l.Group, l.Time, *p)
		}
		b = appendFloat(b, fieldLon, p.Lon)
		b = appendFloat(b, fieldLat, p.Lat)
		if p.Alt != 0 {
			b = appendFloat(b, fieldAlt, p.Alt)
		}
	}
	if len(b) == start {
		return b, fmt.Errorf("group %d at %d: the line has neither fields nor a position", l.Group, l.Time)
	}
	b = appendOwn(b, l)
	b[len(b)-1] = ' ' // the last comma
	b = strconv.AppendInt(b, l.Time, 10)
	return append(b, '\n'), nil
}

func appendOwn(b []byte, l *telemetry.Line) []byte {
	if l.ID != 0 {
		b = appendInt(b, fieldID, l.ID)
	}
	if l.Quality != 0 {
		b = appendInt(b, fieldQuality, int64(l.Quality))
	}
	if l.Quality&telemetry.Late != 0 && l.Received != 0 {
		b = appendInt(b, fieldReceived, l.Received)
	}
	return b
}

func appendField(b []byte, f *telemetry.Field) ([]byte, error) {
	if f.Property == "" || strings.HasPrefix(f.Property, ownPrefix) {
		return b, fmt.Errorf("field %q: property codes are not empty and do not begin with %s", f.Property, ownPrefix)
	}
	if !plain(f.Property) && strings.ContainsFunc(f.Property, unicode.IsControl) {
		return b, fmt.Errorf("field %q: property codes have no control characters", f.Property)
	}
	key := fieldOf(f.Property)
	switch f.Value.Kind {
	case telemetry.Number:
		if !finite(f.Value.Num) {
			return b, fmt.Errorf("field %s: %v is not a number", f.Property, f.Value.Num)
		}
		b = appendFloat(b, key, f.Value.Num)
	case telemetry.Boolean:
		b = append(appendKey(b, key), '=')
		b = append(strconv.AppendBool(b, f.Value.Num != 0), ',')
	case telemetry.Text:
		b = append(appendKey(b, key), '=', '"')
		b = append(appendText(b, f.Value.Text), '"', ',')
	default:
		return b, fmt.Errorf("field %s: unknown kind %q of value", f.Property, f.Value.Kind)
	}
	if f.Quality != 0 {
		b = append(b, qualityOf...)
		b = appendInt(b, key, int64(f.Quality))
	}
	return b, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func appendFloat(b []byte, key string, v float64) []byte {
	b = append(appendKey(b, key), '=')
	return append(appendNumber(b, v), ',')
}

// appendNumber appends digits that read back as exactly v. Sensors send few
// decimals: where n ÷ 10, ÷ 100 or ÷ 1000 is v itself, both exact doubles, then
// so is the decimal read back, and its digits cost a fifth of strconv's search.
func appendNumber(b []byte, v float64) []byte {
	const enough = 1 << 40
	if v <= -enough || v >= enough || v == 0 {
		return strconv.AppendFloat(b, v, 'g', -1, 64) // zero may have a sign
	}
	for _, d := range [...]struct {
		scale  float64
		digits int
	}{{1, 0}, {10, 1}, {100, 2}, {1000, 3}} {
		if n := math.Round(v * d.scale); n/d.scale == v {
			return appendDecimal(b, int64(n), d.digits)
		}
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// appendDecimal appends n with a point before its last digits.
func appendDecimal(b []byte, n int64, digits int) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	if digits == 0 {
		return strconv.AppendInt(b, n, 10)
	}
	scale := [...]int64{1, 10, 100, 1000}[digits]
	b = append(strconv.AppendInt(b, n/scale, 10), '.')
	for rest := n % scale; digits > 0; digits-- {
		scale /= 10
		b = append(b, byte('0'+rest/scale))
		rest %= scale
	}
	return b
}

func appendInt(b []byte, key string, v int64) []byte {
	b = append(appendKey(b, key), '=')
	return append(strconv.AppendInt(b, v, 10), 'i', ',')
}

// appendKey escapes what would end a field's key. Registered codes have none
// of it.
func appendKey(b []byte, key string) []byte {
	if plain(key) {
		return append(b, key...)
	}
	for i := range len(key) {
		if strings.IndexByte(",= ", key[i]) >= 0 {
			b = append(b, '\\')
		}
		b = append(b, key[i])
	}
	return b
}

// plain says that nothing of a key needs a second look; so it is with every
// code that the registry allows.
func plain(key string) bool {
	for i := range len(key) {
		if c := key[i]; c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// escape marks, within kept text, a carriage return (escape r) and itself
// (twice): InfluxDB's CSV answers lose carriage returns.
const escape = '\x1b'

func appendText(b []byte, s string) []byte {
	if !strings.ContainsAny(s, "\"\\\r\x1b") {
		return append(b, s...)
	}
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\r':
			b = append(b, escape, 'r')
		case escape:
			b = append(b, escape, escape)
		default:
			b = append(b, c)
		}
	}
	return b
}

var unescaper = strings.NewReplacer("\x1br", "\r", "\x1b\x1b", "\x1b")

// textOf undoes what appendText did beyond line protocol's own escaping.
func textOf(s string) string {
	if strings.IndexByte(s, escape) < 0 {
		return s
	}
	return unescaper.Replace(s)
}
