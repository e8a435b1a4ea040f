package citymap

import (
	"sync"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/telemetry"
)

const (
	tellersKept = 1_024 // beyond it all are forgotten, and found out anew
	tellerStep  = 256   // values that are copied at once, while others wait
)

// teller is what is known of whether a scope reads any value of a property.
// That depends on the registry alone, so it is found out once, and after a
// change only of what has changed.
type teller struct {
	mu     sync.Mutex
	shown  int64  // a group that was read; 0: none
	looked int    // so many of the values are not read, as of …
	mark   uint64 // … this change of the registry
}

// Tells says whether a scope reads any value of a property.
func (m *Map) Tells(scope *access.Scope, property *devices.ObservedProperty) bool {
	t := m.teller(ViewOf(scope, property.Code, nil))
	t.mu.Lock()
	defer t.mu.Unlock()
	reads := func(group int64) bool {
		v, told := m.o.Latest.At(property.Code, group)
		return told && m.reads(scope, property, v)
	}
	if t.shown != 0 && reads(t.shown) {
		return true
	}
	groups, now, all := m.o.Registry.Since(t.mark)
	if t.shown != 0 || all { // of those behind it nothing is known
		t.looked, groups = 0, nil
	}
	t.shown, t.mark = 0, now
	for _, group := range groups {
		if reads(group) {
			t.shown = group
			return true
		}
	}
	some := make([]telemetry.LatestValue, tellerStep)
	for n := m.o.Latest.After(property.Code, t.looked, some); n > 0; n = m.o.Latest.After(property.Code, t.looked, some) {
		for i := range some[:n] {
			if m.reads(scope, property, some[i]) {
				t.shown = some[i].Group
				return true
			}
		}
		t.looked += n
	}
	return false
}

func (m *Map) reads(scope *access.Scope, property *devices.ObservedProperty, v telemetry.LatestValue) bool {
	_, ok := m.Feature(scope, property, v, 0)
	return ok
}

func (m *Map) teller(view string) *teller {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tellers[view]
	if t == nil {
		if m.tellers == nil || len(m.tellers) >= tellersKept {
			m.tellers = map[string]*teller{}
		}
		t = &teller{}
		m.tellers[view] = t
	}
	return t
}
