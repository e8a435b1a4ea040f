package check

import (
	"math"
	"sort"

	"cityhub/cmd/citysim/ledger"
)

// finding is what a comparison of one device's ledger with the hub says.
type finding struct {
	readable   int
	stored     int // unacked, and yet stored: harmless
	wrong      []ledger.Record
	missing    []ledger.Record
	duplicates []observation // each beyond the first of its instant
	foreign    int           // readings that the ledger does not know
}

// compare goes through a device's records and its readings, both ascending by
// time, once.
func compare(records []ledger.Record, stored []observation) finding {
	var f finding
	i := 0
	for _, r := range records {
		for i < len(stored) && stored[i].time < r.Time {
			f.foreign++
			i++
		}
		first := i
		for i < len(stored) && stored[i].time == r.Time {
			i++
		}
		f.judge(r, stored[first:i])
	}
	f.foreign += len(stored) - i
	return f
}

func (f *finding) judge(r ledger.Record, found []observation) {
	if len(found) > 1 {
		f.duplicates = append(f.duplicates, found[1:]...)
	}
	acked := r.State == ledger.Acked
	switch {
	case len(found) == 0 && acked:
		f.missing = append(f.missing, r)
	case len(found) == 0:
	case math.Abs(found[0].value-ledger.ValueOf(r.Seq)) > 1e-9:
		f.wrong = append(f.wrong, r)
	case acked:
		f.readable++
	default:
		f.stored++
	}
}

// byDevice cuts records into runs of one device, each ascending by time. It
// sorts them in place. A message that one run could not get acknowledged and
// that stands twice in the ledger counts once, as acked if it ever was.
func byDevice(records []ledger.Record) [][]ledger.Record {
	sort.Slice(records, func(i, j int) bool {
		a, b := records[i], records[j]
		if a.Device != b.Device {
			return a.Device < b.Device
		}
		if a.Time != b.Time {
			return a.Time < b.Time
		}
		return a.State < b.State
	})
	var runs [][]ledger.Record
	for start, i := 0, 1; i <= len(records); i++ {
		if i == len(records) || records[i].Device != records[start].Device {
			runs = append(runs, once(records[start:i]))
			start = i
		}
	}
	return runs
}

func once(run []ledger.Record) []ledger.Record {
	kept := run[:1]
	for _, r := range run[1:] {
		if r.Time != kept[len(kept)-1].Time {
			kept = append(kept, r)
		}
	}
	return kept
}
