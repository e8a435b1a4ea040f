package telemetry

import (
	"context"
	"slices"
	"time"
)

// known tells new lines from those that the archive has already. A line newer
// than everything of its group is new without asking; only the others, which
// are few, are looked up.
type known struct {
	archive Archive
	newest  map[int64]int64 // group → time; complete since the recall
	ahead   map[int64]int64 // the same of the lines that suspects saw last, for keep
}

type instant struct{ group, time int64 }

// sort leaves out what the archive has with equal values, and turns other
// values for a known instant into corrections that keep the instant's id.
// suspects are those among the lines that it may have.
func (k *known) sort(ctx context.Context, lines []Line, suspects []instant) (fresh []Line, duplicates int, err error) {
	there, err := k.lookUp(ctx, suspects)
	if err != nil {
		return nil, 0, err
	}
	fresh = make([]Line, 0, len(lines))
	for i := range lines {
		at := instant{lines[i].Group, lines[i].Time}
		old, known := there[at]
		if !known {
			there[at] = &lines[i]
			fresh = append(fresh, lines[i])
			continue
		}
		switch rest := difference(&lines[i], old); {
		case len(rest.Fields) > 0, rest.Position != nil:
			fresh = append(fresh, rest)
			there[at] = merge(old, &rest)
		case lines[i].ID != old.ID:
			duplicates++
		}
	}
	return fresh, duplicates, nil
}

// suspects are the lines that may be in the archive already. inOrder says that
// there are none, and no instant twice among the lines themselves.
func (k *known) suspects(lines []Line) (list []instant, inOrder bool) {
	if k.ahead == nil {
		k.ahead = map[int64]int64{}
	}
	clear(k.ahead)
	inOrder = true
	for i := range lines {
		group, at := lines[i].Group, lines[i].Time
		before, seen := k.ahead[group]
		if !seen {
			before, seen = k.newest[group]
		}
		if !seen || at > before {
			k.ahead[group] = at
			continue
		}
		inOrder = false
		if newest, ok := k.newest[group]; ok && at <= newest {
			list = append(list, instant{group, at})
		}
	}
	return list, inOrder
}

// keep remembers what suspects saw last: it is archived, or on its way.
func (k *known) keep() {
	for group, newest := range k.ahead {
		k.newest[group] = newest
	}
}

// lookUp reads the suspects' instants, one query for each run of instants
// that lie close together, so that few lines are read for nothing.
func (k *known) lookUp(ctx context.Context, suspects []instant) (map[instant]*Line, error) {
	const close = int64(10 * time.Minute)
	slices.SortFunc(suspects, func(a, b instant) int { return int(min(max(a.time-b.time, -1), 1)) })
	there := map[instant]*Line{}
	for len(suspects) > 0 {
		n := 1
		for n < len(suspects) && suspects[n].time-suspects[n-1].time < close {
			n++
		}
		if err := k.read(ctx, suspects[:n], there); err != nil {
			return nil, err
		}
		suspects = suspects[n:]
	}
	return there, nil
}

func (k *known) read(ctx context.Context, run []instant, there map[instant]*Line) error {
	wanted := make(map[instant]bool, len(run))
	var groups []int64
	for _, s := range run {
		wanted[s] = true
		groups = append(groups, s.group)
	}
	slices.Sort(groups)
	query := Query{Bucket: Raw, Groups: slices.Compact(groups), From: run[0].time, To: run[len(run)-1].time + 1}
	return k.archive.Read(ctx, query, func(l *Line) error {
		if at := (instant{l.Group, l.Time}); wanted[at] {
			there[at] = copyLine(l)
		}
		return nil
	})
}

func copyLine(l *Line) *Line {
	c := *l
	c.Fields = slices.Clone(l.Fields)
	if l.Position != nil {
		position := *l.Position
		c.Position = &position
	}
	return &c
}

// difference is what a line says that the known one does not. What of it is
// late is so by itself: the rest of the line stays as it was.
func difference(line, old *Line) Line {
	rest := *line
	rest.ID, rest.Fields = old.ID, nil
	late := line.Quality & Late &^ old.Quality
	if rest.Quality = old.Quality | line.Quality&^Late; old.Quality&Late != 0 {
		rest.Received = old.Received
	}
	if line.Position != nil && old.Position != nil && *line.Position == *old.Position {
		rest.Position = nil
	}
	for _, f := range line.Fields {
		i := slices.IndexFunc(old.Fields, func(o Field) bool { return o.Property == f.Property })
		if i >= 0 && old.Fields[i].Value == f.Value {
			continue
		}
		if i >= 0 {
			f.Quality |= Corrected
		}
		f.Quality |= late
		rest.Fields = append(rest.Fields, f)
	}
	return rest
}

func merge(old, rest *Line) *Line {
	merged := copyLine(old)
	if rest.Position != nil {
		merged.Position = rest.Position
	}
	for _, f := range rest.Fields {
		if i := slices.IndexFunc(merged.Fields, func(o Field) bool { return o.Property == f.Property }); i >= 0 {
			merged.Fields[i] = f
		} else {
			merged.Fields = append(merged.Fields, f)
		}
	}
	return merged
}
