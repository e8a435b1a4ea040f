package devices

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cityhub/access"
)

// Claim makes a device in stock an organisation's: whoever calls has seen its
// claim code, so that not the device but the organisation must be in scope. A
// device of another organisation is ErrNotFound; one that is no longer in
// stock is refused with a TransitionError.
func (r *Registry) Claim(ctx context.Context, device, organisation int64, at time.Time, reason string, fix *Fix) (Device, error) {
	step := Step{At: at, Reason: reason, Fix: fix}
	var d Device
	err := r.change(ctx, func(ctx context.Context, w *work) error {
		if !access.ScopeOf(ctx).Owns(organisation) {
			return fmt.Errorf("organisation %d: %w", organisation, ErrNotFound)
		}
		if err := step.check(r.now()); err != nil {
			return err
		}
		old, err := w.Devices.Get(ctx, device)
		if err != nil {
			return err
		}
		if old.OrganisationID != 0 && old.OrganisationID != organisation {
			return fmt.Errorf("device %d: %w", device, ErrNotFound)
		}
		d, err = w.give(ctx, old, organisation, step.event(Claim))
		return err
	})
	return d, err
}

// trusted lets a move of the life cycle change what its own checks permit: who
// claims a device does not own it yet, who hands one over no longer does.
func trusted(ctx context.Context) context.Context {
	whole := *access.ScopeOf(ctx)
	whole.All, whole.Limited = true, false
	return access.WithScope(ctx, &whole)
}

// give makes a device an organisation's, and tells of it.
func (w *work) give(ctx context.Context, old Device, organisation int64, told DeviceEvent) (Device, error) {
	d := old
	if _, ok := After(d.State, told.Move); !ok {
		return d, w.illegal(ctx, d, told.Move)
	}
	if d.OrganisationID != organisation {
		d.OrganisationID = organisation
		w.step = &told
		err := w.registry.Devices.put(trusted(ctx), w, &d, &old)
		w.step = nil
		if err != nil {
			return d, err
		}
	}
	return d, w.move(ctx, &d, told)
}

// Recall ends a device's deployment: it is taken away at step.At. Readings
// from before go to the station where it stood.
func (r *Registry) Recall(ctx context.Context, device int64, step Step) (Device, error) {
	return r.operate(ctx, device, &step, Recall, func(ctx context.Context, w *work, d *Device) error {
		open, found, err := w.openAt(ctx, d)
		if err != nil || !found {
			return err
		}
		return w.end(ctx, d, open, step.At, step.event(Recall))
	})
}

// end closes a deployment; the device's state follows.
func (w *work) end(ctx context.Context, d *Device, open Deployment, at time.Time, told DeviceEvent) error {
	if !at.After(open.From) {
		return invalid("at", fmt.Sprintf("lies before the deployment's beginning, %s", open.From.UTC().Format(time.RFC3339)))
	}
	closed := open
	closed.To = at
	if err := w.telling(told, func() error { return w.registry.Deployments.put(ctx, w, &closed, &open) }); err != nil {
		return err
	}
	var err error
	*d, err = w.Devices.Get(ctx, d.ID)
	return err
}

// telling has the events of do's deployment say what is told.
func (w *work) telling(told DeviceEvent, do func() error) error {
	w.step = &told
	defer func() { w.step = nil }()
	return do()
}

// openAt finds where a device stands; the thing must be in scope too.
func (w *work) openAt(ctx context.Context, d *Device) (Deployment, bool, error) {
	open, found, err := w.open(ctx, d.ID)
	if err != nil || !found {
		return open, found, err
	}
	_, err = ownThing(ctx, w.Tables, open.ThingID)
	return open, true, err
}

// Maintain begins or ends the work on a device where it stands.
func (r *Registry) Maintain(ctx context.Context, device int64, begin bool, step Step) (Device, error) {
	m := EndMaintenance
	if begin {
		m = BeginMaintenance
	}
	return r.operate(ctx, device, &step, m, func(ctx context.Context, w *work, d *Device) error {
		open, _, err := w.openAt(ctx, d)
		if err != nil {
			return err
		}
		told := step.event(m)
		told.ThingID = open.ThingID
		return w.move(ctx, d, told)
	})
}

// Retire ends a device's life. It keeps its past.
func (r *Registry) Retire(ctx context.Context, device int64, step Step) (Device, error) {
	return r.operate(ctx, device, &step, Retire, func(ctx context.Context, w *work, d *Device) error {
		return w.move(ctx, d, step.event(Retire))
	})
}

// operate runs a move of a device that is in scope, once it is known to be
// legal.
func (r *Registry) operate(ctx context.Context, device int64, step *Step, m Move, do func(context.Context, *work, *Device) error) (Device, error) {
	var d Device
	err := r.change(ctx, func(ctx context.Context, w *work) (err error) {
		if d, err = ownDevice(ctx, w.Tables, device); err != nil {
			return err
		}
		if err := step.check(r.now()); err != nil {
			return err
		}
		if _, ok := After(d.State, m); !ok {
			return w.illegal(ctx, d, m)
		}
		return do(ctx, w, &d)
	})
	return d, err
}

// HandOver gives a device to another organisation. One that stands at a thing
// goes only with the thing, and so with all devices that stand there.
func (r *Registry) HandOver(ctx context.Context, device, organisation int64, withThing bool, step Step) (Device, error) {
	return r.operate(ctx, device, &step, HandOver, func(ctx context.Context, w *work, d *Device) error {
		if _, err := w.Organisations.Get(ctx, organisation); err != nil {
			return err
		}
		if d.OrganisationID == organisation {
			return &FieldError{Field: "to", Kind: ErrConflict, Detail: fmt.Sprintf("device %q belongs to that organisation already", d.Code)}
		}
		open, stands, err := w.openAt(ctx, d)
		switch {
		case err != nil:
			return err
		case stands && !withThing:
			return &FieldError{Field: "things", Kind: ErrConflict, Detail: fmt.Sprintf(
				"device %q stands at a thing: hand that over with it (things: true), or recall the device first", d.Code)}
		case stands:
			err = w.giveThing(ctx, open.ThingID, d.OrganisationID, organisation, step)
		default:
			_, err = w.give(ctx, *d, organisation, step.event(HandOver))
		}
		if err != nil {
			return err
		}
		*d, err = w.Devices.Get(ctx, d.ID)
		return err
	})
}

// giveThing hands a thing over with every device that stands there.
func (w *work) giveThing(ctx context.Context, id, from, to int64, step Step) error {
	old, err := w.Things.Get(ctx, id)
	if err != nil {
		return err
	}
	there, err := w.Deployments.List(ctx, Page{Limit: loadPage, Match: map[string]any{"thing_id": id}})
	if err != nil {
		return err
	}
	there = slices.DeleteFunc(there, func(d Deployment) bool { return !d.To.IsZero() })
	for _, one := range there {
		d, err := w.Devices.Get(ctx, one.DeviceID)
		if err != nil {
			return err
		}
		if d.OrganisationID != from {
			return &FieldError{Field: "things", Kind: ErrConflict, Detail: "a device of another organisation stands at the thing; it has to be recalled first"}
		}
		told := step.event(HandOver)
		told.ThingID = id
		if _, err := w.give(ctx, d, to, told); err != nil {
			return err
		}
	}
	thing := old
	thing.OrganisationID = to
	return w.registry.Things.put(trusted(ctx), w, &thing, &old)
}
