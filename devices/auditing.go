package devices

import (
	"context"
	"encoding/json"
	"math"

	"cityhub/access"
)

func action[T any](old *T) string {
	if old == nil {
		return "create"
	}
	return "edit"
}

// note writes the change into the audit log, for each organisation that it
// concerns.
func (n *Nouns[T]) note(ctx context.Context, w *work, what string, entity, old *T) error {
	if w.Log == nil {
		return nil
	}
	of := entity
	var before, after any
	if old != nil {
		before = old
	}
	if entity != nil {
		after = entity
	} else {
		of = old
	}
	owner := int64(0)
	if n.owners != nil {
		owners, err := n.owners(ctx, w, of)
		if err != nil {
			return err
		}
		if len(owners) > 0 {
			owner = owners[0]
		}
	}
	readers := []int64{owner}
	if n.own != nil && entity != nil && old != nil && *n.own(old) != owner {
		readers = append(readers, *n.own(old)) // who gave it away can read that it went
	}
	for _, reader := range readers {
		entry, err := access.Change(ctx, w.registry.now(), what, n.name, *n.id(of), reader, before, after)
		if err != nil {
			return err
		}
		if err := w.Log.Record(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSON writes an open end of the range as null, which JSON has no
// number for.
func (c Channel) MarshalJSON() ([]byte, error) {
	type plain Channel
	return json.Marshal(struct {
		plain
		Lo, Hi *float64
	}{plain(c), finite(c.Lo), finite(c.Hi)})
}

func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}
