package devices

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// Fence has mobile things watched as they enter and leave a zone.
type Fence struct {
	ID             int64
	Code           string // unique, [A-Za-z0-9_-]
	Name           string
	ZoneID         int64
	OrganisationID int64         // whose things are watched; 0: everybody's, which only the city may
	Things         []int64       // watched ones, ascending; none: all mobile things of the organisation
	Metres         float64       // a thing has left from so far outside the zone on
	Hold           time.Duration // and has entered or left when it stays so long
	Since          time.Time     // when it was last changed: given by the register
}

const (
	maxFenceMetres = 10_000
	maxFenceHold   = 24 * time.Hour
	maxFenceThings = 10_000
)

func fenceID(f *Fence) *int64    { return &f.ID }
func fenceOwner(f *Fence) *int64 { return &f.OrganisationID }

func checkFence(ctx context.Context, w *work, f, _ *Fence) error {
	if err := checkCode(f.Code); err != nil {
		return err
	}
	if f.Name == "" {
		f.Name = f.Code
	}
	switch {
	case f.ZoneID == 0:
		return invalid("zone", "names the zone whose border is watched")
	case math.IsNaN(f.Metres) || f.Metres < 0 || f.Metres > maxFenceMetres:
		return invalid("distance", fmt.Sprintf("%v is not between 0 and %d metres", f.Metres, maxFenceMetres))
	case f.Hold < 0 || f.Hold > maxFenceHold:
		return invalid("time", fmt.Sprintf("%v is not between 0 and 86400 seconds", f.Hold.Seconds()))
	case len(f.Things) > maxFenceThings:
		return invalid("things", fmt.Sprintf("are more than %d; watch all of an organisation instead", maxFenceThings))
	}
	if _, err := w.Zones.Get(ctx, f.ZoneID); err != nil {
		return fmt.Errorf("zone: %w", err)
	}
	slices.Sort(f.Things)
	f.Things = slices.Compact(f.Things)
	for _, id := range f.Things {
		thing, err := w.Tables.Things.Get(ctx, id)
		if err != nil {
			return fmt.Errorf("things: %w", err)
		}
		if f.OrganisationID != 0 && thing.OrganisationID != f.OrganisationID {
			return invalid("things", fmt.Sprintf("%s is of another organisation than the fence", thing.Code))
		}
	}
	f.Since = w.registry.now().UTC()
	return nil
}

func (x *index) enterFence(f Fence) { x.fences[f.ID] = f }
func (x *index) leaveFence(f Fence) { delete(x.fences, f.ID) }

// Fences lists all fences, by id, whoever asks.
func (r *Registry) Fences() []Fence {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]Fence, 0, len(r.index.fences))
	for _, f := range r.index.fences {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Fence) int { return int(min(max(a.ID-b.ID, -1), 1)) })
	return all
}
