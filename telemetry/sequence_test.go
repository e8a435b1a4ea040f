package telemetry

import "testing"

func TestSequencesSeeGaps(t *testing.T) {
	type note struct{ seq, at int64 }
	for name, c := range map[string]struct {
		clock         bool
		notes         []note
		gaps, missing int64
	}{
		"in order":                           {true, []note{{5, 1}, {6, 2}, {7, 3}}, 0, 0},
		"one gap":                            {true, []note{{1, 1}, {2, 2}, {6, 6}}, 3, 3},
		"late ones fill it":                  {true, []note{{1, 1}, {5, 5}, {3, 3}, {2, 2}, {4, 4}}, 3, 0},
		"the middle splits it":               {true, []note{{1, 1}, {6, 6}, {3, 3}}, 4, 3},
		"a duplicate changes nothing":        {true, []note{{1, 1}, {2, 2}, {2, 2}, {1, 1}, {3, 3}}, 0, 0},
		"a restart from 0":                   {true, []note{{900, 1}, {0, 2}, {1, 3}}, 0, 0},
		"a restart from 1, and a gap":        {true, []note{{900, 1}, {1, 2}, {4, 5}}, 2, 2},
		"what was measured before is none":   {true, []note{{900, 9}, {1, 1}, {2, 2}, {901, 10}}, 0, 0},
		"a late 0 is no restart":             {true, []note{{900, 9}, {0, 1}, {901, 10}}, 0, 0},
		"no clock: a restart from 0":         {false, []note{{900, 1}, {0, 2}, {3, 3}}, 2, 2},
		"no clock: a restart far below":      {false, []note{{90_000, 1}, {1, 2}, {3, 3}}, 1, 1},
		"no clock: a repetition changes not": {false, []note{{900, 1}, {899, 2}, {901, 3}}, 0, 0},
		"no counter":                         {true, []note{{-1, 1}, {-1, 2}}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSequences()
			var gaps int64
			for _, n := range c.notes {
				gaps += s.Note(1, n.seq, n.at, c.clock)
			}
			if gaps != c.gaps || s.Missing(1) != c.missing || s.Missing(0) != c.missing {
				t.Errorf("gaps %d, missing %d; want %d, %d", gaps, s.Missing(1), c.gaps, c.missing)
			}
		})
	}
}
