package payload

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"cityhub/telemetry"
)

// str reads a string. Without escapes it is a part of the scanned text.
func (s *scanner) str() string {
	if !s.accept('"') {
		s.expected("a string")
		return ""
	}
	for i := s.at; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			text := s.text[s.at:i]
			s.at = i + 1
			return text
		case c == '\\':
			return s.escaped(i)
		case c < ' ':
			s.at = i
			s.refuse(telemetry.Undecodable, "a bare control character in a string: write it as \\u%04x", c)
			return ""
		}
	}
	s.at = len(s.text)
	s.expected("the string's closing quote")
	return ""
}

// escaped goes on with a string whose first escape is at i.
func (s *scanner) escaped(i int) string {
	out := append(make([]byte, 0, 64), s.text[s.at:i]...)
	for s.at = i; s.at < len(s.text); {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return string(out)
		case c < ' ':
			s.refuse(telemetry.Undecodable, "a bare control character in a string: write it as \\u%04x", c)
			return ""
		case c == '\\':
			if out = s.escape(out); s.err != nil {
				return ""
			}
		default:
			out = append(out, c)
			s.at++
		}
	}
	s.expected("the string's closing quote")
	return ""
}

// escape appends what the escape at hand means.
func (s *scanner) escape(out []byte) []byte {
	const letters, means = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if s.at+1 < len(s.text) {
		if k := strings.IndexByte(letters, s.text[s.at+1]); k >= 0 {
			s.at += 2
			return append(out, means[k])
		}
	}
	r, ok := s.hexRune()
	if !ok {
		s.refuse(telemetry.Undecodable, "a broken escape in a string")
		return out
	}
	if utf16.IsSurrogate(r) {
		mark := s.at
		low, _ := s.hexRune()
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			s.at = mark // half a pair alone means U+FFFD, as elsewhere
		}
	}
	return utf8.AppendRune(out, r)
}

// hexRune consumes \uXXXX.
func (s *scanner) hexRune() (rune, bool) {
	if len(s.text)-s.at < 6 || s.text[s.at] != '\\' || s.text[s.at+1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(s.text[s.at+2:s.at+6], 16, 16)
	if err != nil {
		return 0, false
	}
	s.at += 6
	return rune(v), true
}

// powers are the powers of ten that a double holds exactly.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// number reads a number; what is none or does not fit a double is refused.
func (s *scanner) number() float64 {
	s.peek()
	if s.err != nil {
		return 0
	}
	start := s.at
	if s.notANumber() {
		return 0
	}
	negative := s.take('-')
	mantissa, whole := s.digits(0)
	if whole == 0 || whole > 1 && s.text[s.at-whole] == '0' {
		s.expected("a value")
		return 0
	}
	fraction := 0
	if s.take('.') {
		if mantissa, fraction = s.digits(mantissa); fraction == 0 {
			s.expected("a digit")
			return 0
		}
	}
	exponent, ok := s.exponent()
	if !ok {
		return 0
	}
	if whole+fraction > 15 || !exponent.small(fraction) {
		return s.slowNumber(start)
	}
	v := float64(mantissa)
	if e := exponent.value - fraction; e < 0 {
		v /= powers[-e]
	} else {
		v *= powers[e]
	}
	if negative {
		v = -v
	}
	return v
}

// slowNumber converts what the exact shortcut cannot.
func (s *scanner) slowNumber(start int) float64 {
	v, err := strconv.ParseFloat(s.text[start:s.at], 64)
	if err != nil || math.IsInf(v, 0) {
		s.refuse(telemetry.NotANumber, "%s is beyond double precision", quote(s.text[start:s.at]))
		return 0
	}
	return v
}

// notANumber refuses the words that some serialisers write and JSON lacks.
func (s *scanner) notANumber() bool {
	if s.at >= len(s.text) || s.text[s.at]-'0' <= 9 {
		return false
	}
	rest := s.text[s.at:]
	for _, word := range [...]string{"NaN", "nan", "Infinity", "inf", "-Infinity", "-inf", "-NaN", "-nan"} {
		if strings.HasPrefix(rest, word) {
			s.refuse(telemetry.NotANumber, "%s is no reading: leave the key out when there is none", word)
			return true
		}
	}
	return false
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// digits reads digits onto v and says how many there were; v is only right
// below 19 digits in all.
func (s *scanner) digits(v uint64) (uint64, int) {
	start := s.at
	for s.at < len(s.text) {
		d := s.text[s.at] - '0'
		if d > 9 {
			break
		}
		v = v*10 + uint64(d)
		s.at++
	}
	return v, s.at - start
}

// power is a decimal exponent, clipped: what is clipped is not small.
type power struct{ value int }

func (p power) small(fraction int) bool {
	e := p.value - fraction
	return e >= -22 && e <= 22
}

// exponent reads an optional exponent.
func (s *scanner) exponent() (power, bool) {
	if !s.take('e') && !s.take('E') {
		return power{}, true
	}
	minus := s.take('-')
	if !minus {
		s.take('+')
	}
	v, n := s.digits(0)
	if n == 0 {
		s.expected("a digit")
		return power{}, false
	}
	e := 1 << 20
	if n < 6 {
		e = int(v)
	}
	if minus {
		e = -e
	}
	return power{e}, true
}
