package telemetry

import "testing"

func TestSequencesOutlastARestart(t *testing.T) {
	for name, c := range map[string]struct {
		last          bool // word of the run
		first         int64
		gaps, missing int64
	}{
		"a clean stop, nothing lost":   {true, 101, 0, 2},
		"a clean stop, and a gap":      {true, 104, 3, 5},
		"a kill, nothing lost":         {false, 119, 0, 2}, // as many as came since the snapshot before may have come after it
		"a kill, and hours are lost":   {false, 5000, 4899 - 21, 4899 - 21 + 2},
		"a restart of the device, too": {true, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSequences()
			s.Note(1, 90, 90, true)
			s.Snapshot()
			s.Note(1, 93, 93, true) // 91 and 92 are missing
			s.Note(1, 100, 100, true)
			s.late(94, 99)
			again := NewSequences()
			again.Restore(s.Snapshot(), c.last)
			gaps := again.Note(1, c.first, 10_000, true)
			if gaps != c.gaps || again.Missing(1) != c.missing {
				t.Errorf("gaps %d, missing %d; want %d, %d", gaps, again.Missing(1), c.gaps, c.missing)
			}
			if gaps := again.Note(1, c.first+3, 10_001, true); gaps != 2 {
				t.Errorf("the gap after it has %d numbers, want 2", gaps)
			}
		})
	}
}

// late lets numbers arrive late.
func (s *Sequences) late(from, to int64) {
	for n := from; n <= to; n++ {
		s.Note(1, n, n, true)
	}
}

// A device that is not heard between two kills is still in doubt.
func TestDoubtStays(t *testing.T) {
	s := NewSequences()
	s.Note(1, 500_000, 1, true)
	for range 3 {
		again := NewSequences()
		again.Restore(s.Snapshot(), false)
		s = again
	}
	clean := NewSequences()
	clean.Restore(s.Snapshot(), true)
	if gaps := clean.Note(1, 500_006, 2, true); gaps != 2 {
		t.Errorf("%d are missing, want 2: three may have come unnoticed", gaps)
	}
}
