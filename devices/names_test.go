package devices

import (
	"strings"
	"testing"
)

// Names are told apart whatever their length, and what follows them.
func TestNames(t *testing.T) {
	n := newNames()
	all := []string{"a", "a\x00", "device-1", strings.Repeat("x", 22), strings.Repeat("x", 23), strings.Repeat("x", 24), strings.Repeat("x", 200)}
	units := map[string]*unit{}
	for _, name := range all {
		units[name] = &unit{code: name}
		n.put(name, units[name])
	}
	n.put("", &unit{})
	for _, name := range all {
		if got := n.get(name); got != units[name] {
			t.Errorf("%q finds %v", name, got)
		}
	}
	for _, none := range []string{"", "b", "a\x00\x00", strings.Repeat("x", 21), strings.Repeat("x", 25)} {
		if got := n.get(none); got != nil {
			t.Errorf("%q finds %q", none, got.code)
		}
	}
	for i, name := range all {
		n.drop(name)
		for j, other := range all {
			if got := n.get(other); (got != nil) != (j > i) {
				t.Errorf("%q is dropped, and %q finds %v", name, other, got)
			}
		}
	}
}
