package devices

// shortName is a name and its length, so that a map holds it by itself; to
// look at a text would touch memory elsewhere.
type shortName [24]byte

// names finds devices by code or DevEUI, of which nearly all are short.
type names struct {
	short map[shortName]*unit
	long  map[string]*unit
}

func newNames() names { return names{map[shortName]*unit{}, map[string]*unit{}} }

// shorten answers false for a name that is too long, or none.
func shorten(name string) (short shortName, ok bool) {
	if len(name) == 0 || len(name) >= len(short) {
		return short, false
	}
	copy(short[:], name)
	short[len(short)-1] = byte(len(name))
	return short, true
}

func (n *names) get(name string) *unit {
	if short, ok := shorten(name); ok {
		return n.short[short]
	}
	return n.long[name]
}

// put takes a name in; "" is none.
func (n *names) put(name string, u *unit) {
	if short, ok := shorten(name); ok {
		n.short[short] = u
	} else if name != "" {
		n.long[name] = u
	}
}

func (n *names) drop(name string) {
	if short, ok := shorten(name); ok {
		delete(n.short, short)
	}
	delete(n.long, name)
}
