package payload

import (
	"strconv"

	"cityhub/telemetry"
)

// kind is what a node of a JSON text is.
type kind uint8

const (
	absent kind = iota // no such member; also the zero node
	null
	boolean
	number
	text
	list
	object
)

// node is a parsed JSON value, for the formats that are too nested or too
// loose to be read in one flat walk.
type node struct {
	kind  kind
	num   float64 // number; 0 or 1 for boolean
	text  string
	items []node // of a list; of an object, beside keys
	keys  []string
}

// parse reads a whole payload as one JSON value, under the scanner's limits.
func parse(payload []byte) (node, error) {
	s, err := scan(payload)
	if err != nil {
		return node{}, err
	}
	n := s.node()
	s.end()
	return n, s.err
}

// parseObject is parse for formats whose payloads are objects.
func parseObject(payload []byte) (node, error) {
	n, err := parse(payload)
	if err == nil && n.kind != object {
		err = undecodable("the payload is not a JSON object")
	}
	return n, err
}

func (s *scanner) node() node {
	switch s.peek() {
	case '{':
		n := node{kind: object}
		s.object(func(key string) {
			n.keys = append(n.keys, key)
			n.items = append(n.items, s.node())
		})
		return n
	case '[':
		n := node{kind: list}
		s.array(func(int) { n.items = append(n.items, s.node()) })
		return n
	case '"':
		return node{kind: text, text: s.str()}
	case 't':
		s.word("true")
		return node{kind: boolean, num: 1}
	case 'f':
		s.word("false")
		return node{kind: boolean}
	case 'n':
		s.word("null")
		return node{kind: null}
	}
	return node{kind: number, num: s.number()}
}

// get gives a member of an object, step by step; the zero node if any is
// missing.
func (n node) get(path ...string) node {
	for _, key := range path {
		found := node{}
		for i, k := range n.keys {
			if k == key {
				found = n.items[i]
			}
		}
		n = found
	}
	return n
}

// empty says whether nothing is told: missing, null, or without members.
func (n node) empty() bool {
	return n.kind <= null || n.kind >= list && len(n.items) == 0
}

// measured gives a number, nil for anything else.
func (n node) measured() *float64 {
	if n.kind != number {
		return nil
	}
	return shared(n.num)
}

// counter gives a whole number from 0, or otherwise when it is none.
func (n node) counter(otherwise int64) int64 {
	if n.kind != number || n.num < 0 || n.num >= 1<<53 {
		return otherwise
	}
	return int64(n.num)
}

// flatten appends every number, truth value and text below n to m under the
// path of keys that leads to it, joined with dots; elements of lists count
// from 0. What is null counts as unknown.
func (n node) flatten(path string, m *telemetry.Measurement) {
	var v telemetry.Value
	switch n.kind {
	case object:
		for i, key := range n.keys {
			n.items[i].flatten(join(path, key), m)
		}
		return
	case list:
		for i, item := range n.items {
			item.flatten(join(path, strconv.Itoa(i)), m)
		}
		return
	case number:
		v = telemetry.NumberOf(n.num)
	case boolean:
		v = telemetry.BooleanOf(n.num != 0)
	case text:
		v = telemetry.TextOf(n.text)
	}
	if n.kind <= null || path == "" {
		m.Unknown++
		return
	}
	m.Values = append(m.Values, telemetry.KeyedValue{Key: path, Value: v})
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
