package citymap

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"cityhub/telemetry"
)

// AppendValue writes a value as JSON; null for a number that JSON has no word
// for.
func AppendValue(b []byte, v telemetry.Value) []byte {
	switch {
	case v.Kind == telemetry.Text:
		return AppendText(b, v.Text)
	case v.Kind == telemetry.Boolean:
		return strconv.AppendBool(b, v.Num != 0)
	case math.IsNaN(v.Num) || math.IsInf(v.Num, 0):
		return append(b, "null"...)
	}
	form := byte('f')
	if abs := math.Abs(v.Num); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(b, v.Num, form, -1, 64)
}

// AppendText writes a JSON string; text that needs no escape, which is nearly
// all, is copied as it is.
func AppendText(b []byte, text string) []byte {
	plain := true
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return appendEscaped(b, text)
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	if !plain && !utf8.ValidString(text) {
		return appendEscaped(b, text)
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func appendEscaped(b []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil { // a string always has a JSON form
		return append(b, `""`...)
	}
	return append(b, quoted...)
}
