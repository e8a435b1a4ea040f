package statistics

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"time"

	"cityhub/geo"
	"cityhub/telemetry"
)

// maxSilence is how old a place may be that still says where something is.
const maxSilence = int64(5 * time.Minute)

// adrift is a reading of a mobile thing that does not tell where it was made:
// the position comes by messages, or by a device, of its own.
type adrift struct {
	source int
	told   telemetry.Told
}

// roam reads mobile things: reading by reading, for no roll-up tells where
// they were.
func (r *reading) roam(ctx context.Context, groups []int64) error {
	if len(groups) == 0 {
		return nil
	}
	var lost []adrift
	part := telemetry.Part{Bucket: telemetry.Raw, From: r.span.From, To: r.span.To}
	err := r.history.Tell(ctx, part, r.span.Property, r.need, groups, func(t *telemetry.Told) error {
		source := r.index[t.Group]
		if t.Position == nil {
			lost = append(lost, adrift{source, *t})
		} else {
			r.take(&piece{t, source, t.Position})
		}
		return r.count()
	})
	if err != nil || len(lost) == 0 {
		return err
	}
	tracks, err := r.tracks(ctx, lost)
	if err != nil {
		return err
	}
	for i := range lost {
		l := &lost[i]
		r.take(&piece{&l.told, l.source, lastPlace(tracks[r.span.Sources[l.source].Station.ID], l.told.Time)})
	}
	return nil
}

// tracks reads where the things of some readings were, ascending by time.
func (r *reading) tracks(ctx context.Context, lost []adrift) (map[int64][]telemetry.Place, error) {
	var groups []int64
	thing := map[int64]int64{} // by group
	for i := range lost {
		s := &r.span.Sources[lost[i].source]
		if _, known := thing[s.Group]; known {
			continue
		}
		for _, group := range s.Tracked {
			thing[group] = s.Station.ID
			groups = append(groups, group)
		}
		thing[s.Group] = s.Station.ID
	}
	slices.Sort(groups)
	tracks := map[int64][]telemetry.Place{}
	err := r.history.Places(ctx, slices.Compact(groups), r.span.From-maxSilence, r.span.To, func(group int64, p telemetry.Place) error {
		tracks[thing[group]] = append(tracks[thing[group]], p)
		return r.count()
	})
	for _, track := range tracks {
		slices.SortStableFunc(track, func(a, b telemetry.Place) int { return cmp.Compare(a.Time, b.Time) })
	}
	return tracks, err
}

// lastPlace is where something was at an instant; nil where that was not told
// shortly before.
func lastPlace(track []telemetry.Place, at int64) *geo.Position {
	i := sort.Search(len(track), func(i int) bool { return track[i].Time > at }) - 1
	if i < 0 || at-track[i].Time > maxSilence {
		return nil
	}
	return &track[i].Position
}
