package telemetry

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"
)

// Track is where a thing was over a span of time.
type Track struct {
	Places   []Place // ascending by time, no two of one instant
	Doubtful int     // positions within the span that are not to be believed, and left out
	End      int64   // up to where it is complete, nanoseconds; that of the span unless it is More
	More     bool    // limit was reached before the end
}

// Track gives the positions that groups of one thing told in [from, to): at
// most limit, and of more the earliest. What came late stands where it belongs.
func (h *History) Track(ctx context.Context, groups []int64, from, to time.Time, limit int) (Track, error) {
	t := Track{End: to.UnixNano()}
	count, group := 0, int64(0)
	var doubtful []int64
	query := Query{Bucket: Raw, Places: true, Groups: groups, From: from.UnixNano(), To: t.End, Limit: limit + 1}
	err := h.Archive.Read(ctx, query, func(l *Line) error {
		if count == 0 || group != l.Group {
			count, group = 0, l.Group
		}
		if count++; count > limit { // of this group there may be more from here on
			t.End, t.More = min(t.End, l.Time), true
		}
		if position, ok := l.Place(); ok {
			t.Places = append(t.Places, Place{position, l.Time})
		} else {
			doubtful = append(doubtful, l.Time)
		}
		return nil
	})
	if err != nil {
		return Track{}, err
	}
	t.join(doubtful, limit)
	return t, nil
}

// join brings the groups' positions in order and cuts what is not complete.
func (t *Track) join(doubtful []int64, limit int) {
	slices.SortStableFunc(t.Places, func(a, b Place) int { return cmp.Compare(a.Time, b.Time) })
	t.Places = slices.CompactFunc(t.Places, func(a, b Place) bool { return a.Time == b.Time })
	if len(t.Places) > limit {
		t.End, t.More = min(t.End, t.Places[limit].Time), true
	}
	t.Places = slices.DeleteFunc(t.Places, func(f Place) bool { return f.Time >= t.End })
	for _, at := range doubtful {
		if at < t.End {
			t.Doubtful++
		}
	}
}

// Pieces cuts a track where nothing was told for longer than gap, and where it
// crosses the antimeridian, which no line of a map may (RFC 7946, 3.1.9).
func (t *Track) Pieces(gap time.Duration) [][]Place {
	var pieces [][]Place
	start := 0
	for i := 1; i <= len(t.Places); i++ {
		if i < len(t.Places) && time.Duration(t.Places[i].Time-t.Places[i-1].Time) <= gap &&
			math.Abs(t.Places[i].Position.Lon-t.Places[i-1].Position.Lon) <= 180 {
			continue
		}
		pieces = append(pieces, t.Places[start:i])
		start = i
	}
	return pieces
}
