package devices

import (
	"context"
	"fmt"

	"cityhub/geo"
)

// Destination is where a device is deployed: at a thing that is there, or at a
// new one.
type Destination struct {
	ThingID  int64         // 0: New
	New      *Thing        // made with the device's organisation
	Position *geo.Position // of New; nil: where the step says
}

// Deploy puts a device at a thing from step.At on. A thing whose place is not
// known yet gets the step's.
func (r *Registry) Deploy(ctx context.Context, device int64, to Destination, step Step) (Deployment, error) {
	var d Deployment
	_, err := r.operate(ctx, device, &step, Deploy, func(ctx context.Context, w *work, device *Device) error {
		thing, err := w.destination(ctx, to, device.OrganisationID, step.position())
		if err != nil {
			return err
		}
		d = Deployment{DeviceID: device.ID, ThingID: thing, From: step.At, Position: step.position()}
		return w.telling(step.event(Deploy), func() error { return r.Deployments.put(ctx, w, &d, nil) })
	})
	return d, err
}

// destination finds, or makes, the thing at which a device will stand.
func (w *work) destination(ctx context.Context, to Destination, organisation int64, fix *geo.Position) (int64, error) {
	var old *Thing
	thing := Thing{OrganisationID: organisation}
	position := fix
	switch {
	case (to.ThingID == 0) == (to.New == nil):
		return 0, invalid("thing", "name a thing that is there, or describe a new one")
	case to.New != nil:
		thing.Code, thing.Name, thing.Description, thing.Mobile = to.New.Code, to.New.Name, to.New.Description, to.New.Mobile
		if to.Position != nil {
			position = to.Position
		}
	default:
		there, err := ownThing(ctx, w.Tables, to.ThingID)
		if err != nil || there.LocationID != 0 || there.Mobile || fix == nil {
			return there.ID, err
		}
		thing, old = there, &there
	}
	if err := w.placeFor(ctx, &thing, position); err != nil {
		return 0, fmt.Errorf("thing: %w", err)
	}
	err := w.registry.Things.put(ctx, w, &thing, old)
	return thing.ID, named("thing", err)
}
