package devices

import (
	"context"
	"fmt"

	"cityhub/access"
)

// checkDeployment refuses overlaps and finds, or makes, the group that the
// device fills at the thing, so that the series of a replaced device go on.
func checkDeployment(ctx context.Context, w *work, d, old *Deployment) error {
	if err := checkClientID(d.ClientID, old != nil && old.ClientID != d.ClientID); err != nil {
		return err
	}
	if d.From.IsZero() {
		d.From = w.registry.now()
	}
	if !d.To.IsZero() && !d.To.After(d.From) {
		return invalid("to", "must be after from")
	}
	if d.Position != nil {
		if err := d.Position.Validate(); err != nil {
			return invalid("position", err.Error())
		}
	}
	device, err := w.Devices.Get(ctx, d.DeviceID)
	if err != nil {
		return fmt.Errorf("device: %w", err)
	}
	if err := w.refuseOverlap(ctx, d); err != nil {
		return err
	}
	if old != nil && old.ThingID == d.ThingID && old.DeviceID == d.DeviceID {
		d.GroupID = old.GroupID
	} else if d.GroupID, err = w.groupFor(ctx, d, device.SensorID); err != nil {
		return err
	}
	if old != nil && old.DeviceID != d.DeviceID {
		was := *old
		w.then(func(x *index) { x.leaveDeployment(was) })
		if err := undeploy(ctx, w, d.ID); err != nil {
			return err
		}
	}
	if d.To.IsZero() {
		if err := w.settle(ctx, d, device.SensorID); err != nil {
			return err
		}
	}
	return w.follow(ctx, device, d)
}

// undeploy brings a device's state in line before a deployment leaves it.
func undeploy(ctx context.Context, w *work, id int64) error {
	d, err := w.Deployments.Get(ctx, id)
	if err != nil {
		return err
	}
	device, err := w.Devices.Get(ctx, d.DeviceID)
	if err != nil {
		return err
	}
	if d.To.IsZero() {
		d.To = w.registry.now()
	}
	return w.follow(ctx, device, &d)
}

// follow brings the device's state in line with its deployments: the one that
// is being changed, and the others.
func (w *work) follow(ctx context.Context, device Device, d *Deployment) error {
	open := d.To.IsZero()
	if !open {
		other, found, err := w.open(ctx, device.ID)
		if err != nil {
			return err
		}
		open = found && other.ID != d.ID
	}
	came, went := w.arrival(d), w.departure(d)
	switch {
	case open && !device.State.stands():
		return w.move(ctx, &device, came)
	case !open && device.State.stands():
		return w.move(ctx, &device, went)
	case !open && d.ID == 0 && (device.State == Stock || device.State == Claimed): // it has come and gone
		if err := w.move(ctx, &device, came); err != nil {
			return err
		}
		return w.move(ctx, &device, went)
	}
	return nil
}

// arrival and departure are a deployment's events: told as the step under way
// tells them, or as the deployment alone does.
func (w *work) arrival(d *Deployment) DeviceEvent {
	e := DeviceEvent{Move: Deploy, Time: d.From, ThingID: d.ThingID}
	if d.Position != nil {
		e.Fix = &Fix{Position: *d.Position}
	}
	return w.told(e)
}

func (w *work) departure(d *Deployment) DeviceEvent {
	return w.told(DeviceEvent{Move: Recall, Time: d.To, ThingID: d.ThingID})
}

func (w *work) told(e DeviceEvent) DeviceEvent {
	if w.step == nil {
		return e
	}
	step := *w.step
	step.Time, step.ThingID = e.Time, e.ThingID
	return step
}

func (w *work) refuseOverlap(ctx context.Context, d *Deployment) error {
	others, err := w.deploymentsOf(ctx, d.DeviceID)
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.ID != d.ID && overlap(&o, d) {
			return &FieldError{Field: "from", Kind: ErrConflict, Detail: fmt.Sprintf(
				"the device is deployed at thing %d since %s; end that deployment first", o.ThingID, o.From.UTC().Format("2006-01-02T15:04:05Z"))}
		}
	}
	return nil
}

func overlap(a, b *Deployment) bool {
	return a.From.UnixNano() < endOf(b.To) && b.From.UnixNano() < endOf(a.To)
}

// groupFor takes the thing's first place for the model that is free over the
// deployment's time, and makes one more place when none is.
func (w *work) groupFor(ctx context.Context, d *Deployment, sensor int64) (int64, error) {
	if w.place != 0 {
		return w.place, nil
	}
	groups, err := w.groupsAt(ctx, d.ThingID)
	if err != nil {
		return 0, err
	}
	own := 0
	for _, g := range groups {
		if g.SensorID == sensor {
			own++
		} else if !w.registry.hosts(g.ID, sensor) {
			continue
		}
		if g.ID == w.avoid {
			continue
		}
		taken, err := w.taken(ctx, g.ID, d)
		if err != nil || !taken {
			return g.ID, err
		}
	}
	return w.newGroup(ctx, Group{ThingID: d.ThingID, SensorID: sensor, Place: own})
}

func (w *work) taken(ctx context.Context, group int64, d *Deployment) (bool, error) {
	there, err := w.Deployments.List(ctx, Page{Limit: loadPage, Match: map[string]any{"group_id": group}})
	if err != nil {
		return false, err
	}
	for _, o := range there {
		if o.ID != d.ID && overlap(&o, d) {
			return true, nil
		}
	}
	return false, nil
}

func (w *work) newGroup(ctx context.Context, g Group) (int64, error) {
	sensor, err := w.modelOf(ctx, g.SensorID)
	if err != nil {
		return 0, fmt.Errorf("model: %w", err)
	}
	thing, err := w.Things.Get(ctx, g.ThingID)
	if err != nil {
		return 0, fmt.Errorf("thing: %w", err)
	}
	if err := w.Groups.Put(ctx, &g); err != nil {
		return 0, err
	}
	delete(w.fresh.things, g.ThingID)
	streams := make([]Datastream, len(sensor.Channels))
	for i, c := range sensor.Channels {
		streams[i] = g.datastream(thing.Name, c)
		if err := w.Datastreams.Put(ctx, &streams[i]); err != nil {
			return 0, err
		}
	}
	w.then(func(x *index) { x.enterPlace(g, streams) })
	return g.ID, nil
}

// datastream is what a channel of a device in the group's place writes to.
func (g *Group) datastream(thing string, c Channel) Datastream {
	return Datastream{Name: thing + " · " + c.Property, ThingID: g.ThingID, SensorID: g.SensorID,
		Property: c.Property, Unit: c.Unit, Group: g.ID, Slot: c.Slot, Publication: access.Private}
}

func (w *work) newDatastream(ctx context.Context, g Group, thing string, c Channel) error {
	d := g.datastream(thing, c)
	if err := w.Datastreams.Put(ctx, &d); err != nil {
		return err
	}
	w.then(func(x *index) { x.enterDatastream(d) })
	return nil
}
