package devices

import "context"

// fresh is what the change under way has made, and nothing refers to yet: so
// much need not be asked of the store. A place, a thing or a device leaves the
// set with the first that refers to it.
type fresh struct {
	locations idSet // at which no thing stands
	things    idSet // at which no device was
	devices   idSet // which were nowhere
	names     map[string]bool
	sensors   map[int64]Sensor // those that were asked for
}

type idSet map[int64]bool

func (s *idSet) add(id int64) {
	if *s == nil {
		*s = idSet{}
	}
	(*s)[id] = true
}

// name notes what readings may call a device by from now on.
func (f *fresh) name(d *Device) {
	if f.names == nil {
		f.names = map[string]bool{}
	}
	f.names[d.Code], f.names[d.DevEUI] = true, true
}

// maybeNamed is false when no device has a name as code or DevEUI.
func (w *work) maybeNamed(name string) bool {
	return w.names[name] || w.registry.Known(name)
}

// modelOf gives a sensor, which many rows of a file share.
func (w *work) modelOf(ctx context.Context, id int64) (Sensor, error) {
	if known, ok := w.sensors[id]; ok {
		return known, nil
	}
	sensor, err := w.Sensors.Get(ctx, id)
	if err == nil {
		if w.sensors == nil {
			w.sensors = map[int64]Sensor{}
		}
		w.sensors[id] = sensor
	}
	return sensor, err
}

// deploymentsOf lists where a device stands and stood.
func (w *work) deploymentsOf(ctx context.Context, device int64) ([]Deployment, error) {
	if w.fresh.devices[device] {
		return nil, nil
	}
	return w.Deployments.List(ctx, Page{Limit: loadPage, Match: map[string]any{"device_id": device}})
}

// groupsAt lists the places that devices fill, or filled, at a thing.
func (w *work) groupsAt(ctx context.Context, thing int64) ([]Group, error) {
	if w.fresh.things[thing] {
		return nil, nil
	}
	return w.Groups.List(ctx, Page{Limit: loadPage, Match: map[string]any{"thing_id": thing}})
}

// thingsAt lists what stands at a location.
func (w *work) thingsAt(ctx context.Context, location int64) ([]Thing, error) {
	if w.fresh.locations[location] {
		return nil, nil
	}
	return w.Things.List(ctx, Page{Limit: loadPage, Match: map[string]any{"location_id": location}})
}

// noteLocation notes a new place.
func noteLocation(_ context.Context, w *work, l, old *Location) error {
	if old == nil {
		w.fresh.locations.add(l.ID)
	}
	return nil
}

// noteModel lets a model be asked for again.
func noteModel(_ context.Context, w *work, s, _ *Sensor) error {
	delete(w.sensors, s.ID)
	return nil
}

// noteDeployment notes that a device has been somewhere.
func noteDeployment(_ context.Context, w *work, d, _ *Deployment) error {
	delete(w.fresh.devices, d.DeviceID)
	return nil
}
