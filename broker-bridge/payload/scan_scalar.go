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
	if s.peek() != '"' {
		s.expected("a string")
		return ""
	}
	return s.quoted()
}

// quoted is str where the opening quote is at hand.
func (s *scanner) quoted() string {
	text, from := s.text, s.at+1
	i := from
	for i < len(text) && !ends[text[i]] {
		i++
	}
	if i < len(text) && text[i] == '"' {
		s.at = i + 1
		return text[from:i]
	}
	s.at = from
	return s.escaped(i)
}

// ends are the bytes that do not stand for themselves in a string.
var ends = func() (ends [256]bool) {
	for c := range ' ' {
		ends[c] = true
	}
	ends['"'], ends['\\'] = true, true
	return ends
}()

// escaped goes on with a string whose first byte that needs care is at i.
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

// powers are the powers of ten by which a plain number may be divided: a double
// holds them exactly, and so its quotient is the nearest there is.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15}

// number reads a number; what is none or does not fit a double is refused.
func (s *scanner) number() float64 {
	s.peek()
	if v, ok := s.plainNumber(); ok {
		return v
	}
	if s.notANumber() {
		return 0
	}
	start := s.at
	s.take('-')
	whole := s.digits()
	if whole == 0 || whole > 1 && s.text[s.at-whole] == '0' {
		s.expected("a value")
		return 0
	}
	if s.take('.') && s.digits() == 0 || s.exponent() && s.digits() == 0 {
		s.expected("a digit")
		return 0
	}
	return s.slowNumber(start)
}

// plainNumber reads what almost every number is: at most 15 digits, without an
// exponent. Anything else, right or wrong, it leaves where it is.
func (s *scanner) plainNumber() (float64, bool) {
	text, i := s.text, s.at
	negative := i < len(text) && text[i] == '-'
	if negative {
		i++
	}
	first, mantissa := i, uint64(0)
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		mantissa = mantissa*10 + uint64(text[i]-'0')
	}
	whole, fraction := i-first, 0
	if whole == 0 || whole > 1 && text[first] == '0' {
		return 0, false
	}
	if i < len(text) && text[i] == '.' {
		for i++; i < len(text) && text[i]-'0' <= 9; i++ {
			mantissa = mantissa*10 + uint64(text[i]-'0')
			fraction++
		}
		if fraction == 0 {
			return 0, false
		}
	}
	if whole+fraction > 15 || i < len(text) && text[i]|' ' == 'e' {
		return 0, false
	}
	s.at = i
	v := float64(mantissa) / powers[fraction]
	if negative {
		v = -v
	}
	return v, true
}

// slowNumber converts what plainNumber left.
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

// digits passes digits and says how many there were.
func (s *scanner) digits() int {
	start := s.at
	for s.at < len(s.text) && s.text[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at - start
}

// exponent passes the letter and sign of an exponent, if there is one.
func (s *scanner) exponent() bool {
	if !s.take('e') && !s.take('E') {
		return false
	}
	if !s.take('-') {
		s.take('+')
	}
	return true
}
