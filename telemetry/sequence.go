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
	at      int64  // when last was measured
	missing []span // ascending, inclusive
	before  int64  // last as it was at the last snapshot
	doubt   int64  // so many after last may have come unnoticed, see Restore
}

type span struct{ from, to int64 }

// NewSequences watches nothing yet.
func NewSequences() *Sequences { return &Sequences{devices: map[int64]*sequence{}} }

// farBelow is so far below the last number that no repetition reaches there.
const farBelow = 10_000

// Note takes a device's number with the time of its reading, and answers how
// many the gap in front of it misses. clock says that the time is the device's
// own. A lower number that was measured later is a restart of the device's
// counter; without a clock 0 is, and one far below the last.
func (s *Sequences) Note(device, seq, at int64, clock bool) (missing int64) {
	if seq < 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[device]
	if d == nil {
		s.devices[device] = &sequence{last: seq, at: at, before: seq}
		return 0
	}
	switch {
	case seq > d.last:
		missing = max(0, seq-d.last-1-d.doubt)
		if missing > 0 {
			d.miss(span{seq - missing, seq - 1})
		}
		d.last, d.at, d.doubt = seq, max(d.at, at), 0
	case seq < d.last && !d.fill(seq) && d.restarted(seq, at, clock):
		*d = sequence{last: seq, at: at, before: seq}
	}
	return missing
}

func (d *sequence) restarted(seq, at int64, clock bool) bool {
	if clock {
		return at > d.at
	}
	return seq == 0 || seq < d.last-farBelow
}

func (d *sequence) miss(s span) {
	d.missing = append(d.missing, s)
	if len(d.missing) > maxMissing {
		d.missing = d.missing[1:]
	}
}

// fill takes a number out of a gap, and says whether it was in one.
func (d *sequence) fill(seq int64) bool {
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
		return true
	}
	return false
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
