package telemetry

import "sync"

// maxMissing bounds what is remembered of one device's gaps.
const maxMissing = 32

// Sequences watches the devices' own counters, so that what was lost before
// it reached the hub is seen. Numbers that arrive late leave the gap again.
type Sequences struct {
	mu      sync.Mutex
	devices map[int64]*sequence
}

type sequence struct {
	last    int64
	missing []span // ascending, inclusive
}

type span struct{ from, to int64 }

// NewSequences watches nothing yet.
func NewSequences() *Sequences { return &Sequences{devices: map[int64]*sequence{}} }

// Note takes a device's number and answers how many the gap in front of it
// misses. A number far below the last is a restart of the device's counter.
func (s *Sequences) Note(device, seq int64) (missing int64) {
	if seq < 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[device]
	if d == nil {
		s.devices[device] = &sequence{last: seq}
		return 0
	}
	switch {
	case seq == d.last+1:
		d.last = seq
	case seq > d.last+1:
		missing = seq - d.last - 1
		d.missing = append(d.missing, span{d.last + 1, seq - 1})
		if len(d.missing) > maxMissing {
			d.missing = d.missing[1:]
		}
		d.last = seq
	case seq == 0:
		*d = sequence{last: 0}
	default:
		d.fill(seq)
	}
	return missing
}

func (d *sequence) fill(seq int64) {
	for i, m := range d.missing {
		if seq < m.from || seq > m.to {
			continue
		}
		rest := append([]span{}, d.missing[:i]...)
		if seq > m.from {
			rest = append(rest, span{m.from, seq - 1})
		}
		if seq < m.to {
			rest = append(rest, span{seq + 1, m.to})
		}
		d.missing = append(rest, d.missing[i+1:]...)
		return
	}
}

// Missing is how many numbers of a device, or of all where device is 0, never
// arrived as far as is remembered.
func (s *Sequences) Missing(device int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for id, d := range s.devices {
		if device != 0 && id != device {
			continue
		}
		for _, m := range d.missing {
			n += m.to - m.from + 1
		}
	}
	return n
}
