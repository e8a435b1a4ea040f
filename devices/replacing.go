package devices

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Change is how a replacement differs from the datastreams it takes over.
type Change string

// The changes. A property has one kind for all models, so kinds cannot differ.
const (
	Missing   Change = "missing"    // the new device does not measure the property
	Added     Change = "added"      // the station has no such datastream yet
	OtherUnit Change = "other-unit" // the new device measures it in another unit
)

// Difference is one property that does not simply go on.
type Difference struct {
	Property string
	Change   Change
	Was, Now string // units; "" where there is none
}

func (d Difference) String() string {
	switch d.Change {
	case Missing:
		return fmt.Sprintf("%s is not measured any more", d.Property)
	case Added:
		return fmt.Sprintf("%s comes anew", d.Property)
	}
	return fmt.Sprintf("%s comes in %q instead of %q", d.Property, d.Now, d.Was)
}

// DifferencesError is an ErrConflict: a replacement would not simply go on
// with the station's series.
type DifferencesError struct{ Differences []Difference }

// Error says it in a sentence.
func (e *DifferencesError) Error() string {
	texts := make([]string, len(e.Differences))
	for i, d := range e.Differences {
		texts[i] = d.String()
	}
	return "the new device does not measure what the old one did: " + strings.Join(texts, "; ") +
		". Take another device, or accept the differences (acceptDifferences: true)"
}

// Unwrap gives the kind.
func (e *DifferencesError) Unwrap() error { return ErrConflict }

// Replace puts another device in the place of one that stands at a thing. The
// station's series go on where property and unit are equal. What differs is
// refused with a DifferencesError, or accepted: then the missing datastreams
// end, and new ones begin. A place holds one unit a property, so that with
// another unit all datastreams of the place end and begin anew in another.
func (r *Registry) Replace(ctx context.Context, device, with int64, accept bool, step Step) (Deployment, []Difference, error) {
	var next Deployment
	var differences []Difference
	_, err := r.operate(ctx, device, &step, Replace, func(ctx context.Context, w *work, old *Device) error {
		came, err := ownDevice(ctx, w.Tables, with)
		if err != nil {
			return err
		}
		if _, ok := After(came.State, Deploy); !ok || with == device {
			return w.illegal(ctx, came, Deploy)
		}
		open, found, err := w.openAt(ctx, old)
		if err != nil || !found {
			return err
		}
		if differences, err = w.takeOver(ctx, open, came, accept); err != nil {
			return err
		}
		told := step.event(Replace)
		told.OtherID = with
		if err := w.end(ctx, old, open, step.At, told); err != nil {
			return err
		}
		next, err = w.succeed(ctx, open, old.ID, with, step)
		return err
	})
	return next, differences, err
}

// succeed deploys the device that comes where the other one stood.
func (w *work) succeed(ctx context.Context, was Deployment, old, with int64, step Step) (Deployment, error) {
	next := Deployment{DeviceID: with, ThingID: was.ThingID, From: step.At, Position: step.position()}
	if next.Position == nil {
		next.Position = was.Position
	}
	told := step.event(Deploy)
	told.OtherID = old
	if w.avoid != 0 {
		if err := w.endGroup(ctx, w.avoid, &next); err != nil {
			return next, err
		}
	}
	err := w.telling(told, func() error { return w.registry.Deployments.put(ctx, w, &next, nil) })
	return next, err
}

// takeOver makes the group of a deployment ready for another device, and says
// what will differ.
func (w *work) takeOver(ctx context.Context, was Deployment, came Device, accept bool) ([]Difference, error) {
	g, err := w.Groups.Get(ctx, was.GroupID)
	if err != nil {
		return nil, err
	}
	model, err := w.Sensors.Get(ctx, came.SensorID)
	if err != nil {
		return nil, err
	}
	streams, err := w.Datastreams.List(ctx, Page{Limit: loadPage, Match: map[string]any{"group_id": g.ID}})
	if err != nil {
		return nil, err
	}
	found := differences(streams, model.Channels)
	if len(found) > 0 && !accept {
		return nil, &DifferencesError{found}
	}
	if slices.ContainsFunc(found, func(d Difference) bool { return d.Change == OtherUnit }) {
		w.avoid = g.ID
		return found, nil
	}
	w.place = g.ID
	return found, w.extendGroup(ctx, g, model.Channels)
}

// differences compares what a place measures with what a model would.
func differences(streams []Datastream, channels []Channel) (found []Difference) {
	for _, c := range channels {
		i := slices.IndexFunc(streams, func(d Datastream) bool { return d.Property == c.Property })
		switch {
		case i < 0:
			found = append(found, Difference{Property: c.Property, Change: Added, Now: c.Unit})
		case streams[i].Unit != c.Unit:
			found = append(found, Difference{Property: c.Property, Change: OtherUnit, Was: streams[i].Unit, Now: c.Unit})
		}
	}
	for _, d := range streams {
		going := d.Ended.IsZero() && !d.Retired
		if going && !slices.ContainsFunc(channels, func(c Channel) bool { return c.Property == d.Property }) {
			found = append(found, Difference{Property: d.Property, Change: Missing, Was: d.Unit})
		}
	}
	return found
}

// endGroup ends all datastreams of a group that a deployment does not go on with.
func (w *work) endGroup(ctx context.Context, group int64, d *Deployment) error {
	streams, err := w.Datastreams.List(ctx, Page{Limit: loadPage, Match: map[string]any{"group_id": group}})
	if err != nil {
		return err
	}
	for _, stream := range streams {
		if err := w.endStream(ctx, stream, true, d); err != nil {
			return err
		}
	}
	return nil
}
