package telemetry

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"cityhub/geo"
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
// crosses the antimeridian, which no line of a map may (RFC 7946, 3.1.9): there
// both pieces have the place between.
func (t *Track) Pieces(gap time.Duration) [][]Place {
	var pieces [][]Place
	var piece []Place
	for i := range t.Places {
		b := &t.Places[i]
		if i > 0 {
			a := &t.Places[i-1]
			switch {
			case time.Duration(b.Time-a.Time) > gap:
				pieces, piece = append(pieces, piece), nil
			case math.Abs(b.Position.Lon-a.Position.Lon) > 180:
				west, east := crossing(a, b)
				pieces, piece = append(pieces, append(piece, west)), []Place{east}
			}
		}
		piece = append(piece, *b)
	}
	if len(piece) > 0 {
		pieces = append(pieces, piece)
	}
	return pieces
}

// crossing is where the way between two places goes over the antimeridian, as
// seen from the side of each.
func crossing(a, b *Place) (here, there Place) {
	side := math.Copysign(180, a.Position.Lon)
	share := (side - a.Position.Lon) / (b.Position.Lon + 2*side - a.Position.Lon)
	between := func(from, to float64) float64 { return from + share*(to-from) }
	here = Place{Time: a.Time + int64(share*float64(b.Time-a.Time)), Position: geo.Position{Lon: side,
		Lat: between(a.Position.Lat, b.Position.Lat), Alt: between(a.Position.Alt, b.Position.Alt)}}
	there = here
	there.Position.Lon = -side
	return here, there
}
