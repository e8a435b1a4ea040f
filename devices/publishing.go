package devices

import (
	"context"

	"cityhub/access"
)

// Shelf selects datastreams for publishing; zero members select all that the
// context's scope may change.
type Shelf struct {
	Organisation int64
	Thing        int64
	Property     string
}

// Publish changes who may see the readings of the datastreams of a shelf, in
// pages of a thousand, each kept as a whole, and says how many have changed.
func (r *Registry) Publish(ctx context.Context, shelf Shelf, as access.Publication) (changed int, err error) {
	match := map[string]any{}
	if shelf.Thing != 0 {
		match["thing_id"] = shelf.Thing
	}
	if shelf.Property != "" {
		match["property"] = shelf.Property
	}
	for after := int64(0); ; {
		page, err := r.Datastreams.List(ctx, Page{After: after, Limit: loadPage, Match: match})
		if err != nil {
			return changed, err
		}
		n, err := r.publish(ctx, page, shelf.Organisation, as)
		if changed += n; err != nil || len(page) < loadPage {
			return changed, err
		}
		after = page[len(page)-1].ID
	}
}

// publish keeps one page's publication.
func (r *Registry) publish(ctx context.Context, page []Datastream, organisation int64, as access.Publication) (changed int, err error) {
	err = r.change(ctx, func(ctx context.Context, w *work) error {
		changed = 0
		for _, seen := range page {
			old, err := w.Datastreams.Get(ctx, seen.ID)
			if err != nil {
				return err
			}
			thing, err := w.Things.Get(ctx, old.ThingID)
			if err != nil {
				return err
			}
			if old.Retired || old.Publication == as || organisation != 0 && thing.OrganisationID != organisation {
				continue
			}
			next := old
			next.Publication = as
			if err := r.Datastreams.put(ctx, w, &next, &old); err != nil {
				return err
			}
			changed++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return changed, nil
}
