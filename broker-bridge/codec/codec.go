// Package codec runs the JavaScript by which vendors describe how their
// devices' bytes are read. It owns the sandbox: the limits on time and memory,
// the globals that vendor files expect, and the shapes of functions and
// results that are in use. It refuses to know the registry and the transport.
//
// The engine's own limits are not enough: it looks at its clock only between
// bytecodes, so that one built-in over a huge array or string can run for
// hours, and a goroutine cannot be ended from outside. Sources therefore run
// in worker processes, copies of the program itself, which are killed when the
// engine does not stop by itself.
package codec

import (
	"time"

	"cityhub/telemetry"
)

// Limits bound one call. The zero of a member means its default.
type Limits struct {
	Time    time.Duration // for compiling, loading and running together; 100 ms
	Memory  int           // bytes of the JavaScript heap; 16 MiB
	Source  int           // bytes of a source; 512 KiB
	Workers int           // calls at a time, each in a process of its own; 2
	// A source that reached a limit thrice in a row is refused unrun for this
	// long, so that one bad model does not starve the others; 10 s. Negative:
	// never.
	Rest time.Duration
}

func (l Limits) withDefaults() Limits {
	if l.Time == 0 {
		l.Time = 100 * time.Millisecond
	}
	if l.Memory == 0 {
		l.Memory = 16 << 20
	}
	if l.Source == 0 {
		l.Source = 512 << 10
	}
	if l.Workers <= 0 {
		l.Workers = 2
	}
	if l.Rest == 0 {
		l.Rest = 10 * time.Second
	}
	return l
}

// hard is when a worker that has not answered is killed. The half above the
// engine's own limit is for stopping in good order.
func (l Limits) hard() time.Duration { return l.Time + l.Time/2 }

// Uplink is what a source is given to decode.
type Uplink struct {
	Bytes     []byte
	FPort     int
	RecvTime  time.Time // the zero time: now
	Variables map[string]string
}

// Result is what a source made of an uplink.
type Result struct {
	// Values has nested members under their path joined with dots, elements of
	// arrays under their index. Numbers are finite.
	Values   []telemetry.KeyedValue
	Warnings []string
	Time     time.Time // the member time beside data; zero when it told none
	Unknown  int       // members that are no values: null, functions
}
