package payload

import (
	"slices"
	"strings"
	"unicode/utf8"

	"cityhub/telemetry"
)

// scanner walks JSON text once, strictly: RFC 8259 grammar, valid UTF-8, no
// key twice in an object, no number beyond double precision, bounded depth.
// Its first refusal stays in err and leaves no text, so that every later call
// finds its end and does nothing: callers check once, when they are done.
//
// Keys and plain texts are parts of the scanned string: no allocation each.
type scanner struct {
	text  string
	at    int
	depth int
	key   string // the last key read, for messages
	err   error
}

// scan starts a walk over a payload, which it copies once.
func scan(payload []byte) (scanner, error) {
	if err := checkSize(payload); err != nil {
		return scanner{}, err
	}
	s := scanner{text: string(payload)}
	if !utf8.ValidString(s.text) {
		return s, undecodable("byte %d is not UTF-8: send JSON in UTF-8", badByte(s.text))
	}
	return s, nil
}

// badByte gives the offset of the first byte that is not UTF-8.
func badByte(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}

// refuse keeps the first refusal, with where it happened.
func (s *scanner) refuse(reason telemetry.Reason, format string, args ...any) {
	if s.err != nil {
		return
	}
	where := "at byte %d: "
	args = append([]any{s.at}, args...)
	if s.key != "" {
		where = "at byte %d, key %s: "
		args = append([]any{args[0], quote(s.key)}, args[1:]...)
	}
	s.err = refuse(reason, where+format, args...)
	s.text, s.at = "", 0
}

// expected refuses the byte at hand.
func (s *scanner) expected(what string) {
	if s.at >= len(s.text) {
		s.refuse(telemetry.Undecodable, "the text ends where %s should be", what)
		return
	}
	s.refuse(telemetry.Undecodable, "%s instead of %s", quote(s.text[s.at:min(len(s.text), s.at+1)]), what)
}

// peek gives the next byte that is not white space; 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.text) && s.text[s.at] > ' ' {
		return s.text[s.at]
	}
	return s.pastSpace()
}

func (s *scanner) pastSpace() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// accept consumes c if it comes next.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// end refuses whatever follows the value.
func (s *scanner) end() {
	if s.peek(); s.at < len(s.text) {
		s.key = ""
		s.expected("the end")
	}
}

// object reads an object and calls each at every key's value, which it must
// consume.
func (s *scanner) object(each func(key string)) {
	var seen keySet
	for more := s.open('{', '}', "an object"); more; more = s.more('}', "',' or '}'") {
		if s.peek() != '"' {
			s.expected("a key in double quotes")
			return
		}
		key := s.quoted()
		s.key = key
		if !seen.add(key) {
			s.refuse(telemetry.DuplicateKey, "named twice in one object: keep one")
		}
		if !s.accept(':') {
			s.expected("':'")
			return
		}
		each(key)
	}
}

// array reads an array and calls each at every element, which it must consume.
func (s *scanner) array(each func(index int)) {
	i := 0
	for more := s.open('[', ']', "an array"); more; more = s.more(']', "',' or ']'") {
		each(i)
		i++
	}
}

// open enters an object or array, and says whether anything is in it.
func (s *scanner) open(opening, closing byte, what string) bool {
	if !s.accept(opening) {
		s.expected(what)
		return false
	}
	if s.depth++; s.depth > MaxDepth {
		s.refuse(telemetry.TooDeep, "nested deeper than %d: send flatter objects", MaxDepth)
		return false
	}
	if s.accept(closing) {
		s.depth--
		return false
	}
	return true
}

// more goes on behind a member or element, and says whether another follows.
func (s *scanner) more(closing byte, what string) bool {
	switch s.peek() {
	case ',':
		s.at++
		return true
	case closing:
		s.at++
		s.depth--
	default:
		s.expected(what)
	}
	return false
}

// members guesses how many members the object at hand has, for its room: from
// the colons up to the first bracket that could be its end.
func (s *scanner) members() int {
	const most = 16
	rest := s.text[s.at:]
	if end := strings.IndexByte(rest, '}'); end >= 0 {
		rest = rest[:end]
	}
	return min(strings.Count(rest, ":"), most)
}

// word consumes one of the literal words of JSON.
func (s *scanner) word(word string) {
	if strings.HasPrefix(s.text[s.at:], word) {
		s.at += len(word)
		return
	}
	if !s.notANumber() {
		s.expected("a value")
	}
}

// skip consumes any value, as strictly as if it were read.
func (s *scanner) skip() {
	switch c := s.peek(); {
	case c == '{':
		s.object(func(string) { s.skip() })
	case c == '[':
		s.array(func(int) { s.skip() })
	case c == '"':
		s.str()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.number()
	}
}

// keySet tells whether a key came before; small objects cost no allocation.
type keySet struct {
	lengths uint64 // a bit for the length of each, which tells most apart
	few     [12]string
	n       int
	many    map[string]struct{}
}

// add answers false when the key is there already.
func (k *keySet) add(key string) bool {
	length := uint64(1) << (len(key) % 64)
	if k.lengths&length != 0 && slices.Contains(k.few[:k.n], key) {
		return false
	}
	k.lengths |= length
	if k.n < len(k.few) {
		k.few[k.n] = key
		k.n++
		return true
	}
	if _, ok := k.many[key]; ok {
		return false
	}
	if k.many == nil {
		k.many = map[string]struct{}{}
	}
	k.many[key] = struct{}{}
	return true
}
