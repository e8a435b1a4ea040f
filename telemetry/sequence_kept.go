package telemetry

// Counted is what is known of one device's numbers, to outlast a restart.
type Counted struct {
	Device  int64      `json:"d"`
	Last    int64      `json:"n"`
	At      int64      `json:"t"`           // when the last was measured
	Pace    int64      `json:"p,omitempty"` // numbers since the snapshot before
	Doubt   int64      `json:"u,omitempty"` // so many after the last may have come unnoticed
	Missing [][2]int64 `json:"m,omitempty"` // from, to
}

// Snapshot tells what is known of every device. It is taken at regular times.
func (s *Sequences) Snapshot() []Counted {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Counted, 0, len(s.devices))
	for device, d := range s.devices {
		c := Counted{Device: device, Last: d.last, At: d.at, Pace: max(0, d.last-d.before), Doubt: d.doubt}
		for _, m := range d.missing {
			c.Missing = append(c.Missing, [2]int64{m.from, m.to})
		}
		d.before = d.last
		all = append(all, c)
	}
	return all
}

// Restore takes a snapshot over from an earlier run; before the first Note
// only. One that was not the run's last word does not know what came after it:
// as many numbers as twice a device's pace, and one, are then not called
// missing when they do not come, for they may have.
func (s *Sequences) Restore(all []Counted, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range all {
		d := &sequence{last: c.Last, at: c.At, before: c.Last, doubt: c.Doubt}
		if !last {
			d.doubt += 2*c.Pace + 1
		}
		for _, m := range c.Missing {
			d.miss(span{m[0], m[1]})
		}
		s.devices[c.Device] = d
	}
}
