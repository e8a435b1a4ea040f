package telemetry

import "testing"

func TestSequencesSeeGaps(t *testing.T) {
	for name, c := range map[string]struct {
		seqs          []int64
		gaps, missing int64
	}{
		"in order":                    {[]int64{5, 6, 7}, 0, 0},
		"one gap":                     {[]int64{1, 2, 6}, 3, 3},
		"late ones fill it":           {[]int64{1, 5, 3, 2, 4}, 3, 0},
		"the middle splits it":        {[]int64{1, 6, 3}, 4, 3},
		"a duplicate changes nothing": {[]int64{1, 2, 2, 1}, 0, 0},
		"a restarted counter":         {[]int64{900, 0, 1}, 0, 0},
		"no counter":                  {[]int64{-1, -1}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSequences()
			var gaps int64
			for _, seq := range c.seqs {
				gaps += s.Note(1, seq)
			}
			if gaps != c.gaps || s.Missing(1) != c.missing || s.Missing(0) != c.missing {
				t.Errorf("gaps %d, missing %d; want %d, %d", gaps, s.Missing(1), c.gaps, c.missing)
			}
		})
	}
}
