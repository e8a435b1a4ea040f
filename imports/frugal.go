package imports

import (
	"runtime/debug"
	"sync"
)

// frugalPercent is how much garbage may pile up over what is in use while
// files are read and written. They make much of it, and a hub otherwise lets
// it grow to as much as is in use, for speed.
const frugalPercent = 15

// frugality counts who needs it, so that the last one ends it.
type frugality struct {
	mu    sync.Mutex
	users int
	was   int
}

// Frugal makes the process save memory until the function that it answers is
// called.
func (m *Imports) Frugal() (end func()) {
	f := &m.frugality
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users++; f.users == 1 {
		f.was = debug.SetGCPercent(frugalPercent)
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.users--; f.users == 0 {
			debug.SetGCPercent(f.was)
		}
	}
}
