package devices

import (
	"context"
	"math"
	"strconv"
	"time"
)

// keep brings the register in line with a row that is permitted.
func (b *batch) keep(ctx context.Context, p *rowPlan, s rowState) (out Outcome, err error) {
	founded := p.Organisation != "" && s.organisation.ID == 0
	if founded {
		if s.organisation, err = b.found(ctx, p.Organisation); err != nil {
			return out, err
		}
	}
	device, result, err := b.keepDevice(ctx, p, s)
	if err != nil {
		return out, err
	}
	moved := false
	if p.Station != "" {
		thing, changed, err := b.keepThing(ctx, p, s, device)
		if err != nil {
			return out, err
		}
		b.stations[p.Station] = thing
		deployed, err := b.deploy(ctx, p, s, device, thing)
		if err != nil {
			return out, err
		}
		moved = changed || deployed
	}
	if result == Unchanged && (moved || founded) {
		result = Updated
	}
	return Outcome{Result: result, Device: device}, nil
}

func (b *batch) found(ctx context.Context, code string) (Organisation, error) {
	o := Organisation{Code: code}
	if err := b.work.registry.Organisations.put(ctx, b.work, &o, nil); err != nil {
		return o, named("organisation", err)
	}
	b.organisations[code] = o
	return o, nil
}

func (b *batch) keepDevice(ctx context.Context, p *rowPlan, s rowState) (Device, Result, error) {
	d := b.wanted(p, s)
	switch {
	case s.device.ID == 0:
		return d, Created, named("device", b.registry.Devices.put(ctx, b.work, &d, nil))
	case sameDevice(d, s.device):
		return s.device, Unchanged, nil
	}
	return d, Updated, b.registry.Devices.put(ctx, b.work, &d, &s.device)
}

// keepThing makes the station, which is then its device's owner's, or brings
// it in line.
func (b *batch) keepThing(ctx context.Context, p *rowPlan, s rowState, device Device) (thing Thing, changed bool, err error) {
	t := s.thing
	t.Code = p.Station
	if !sameText(p.StationName, t.Name) {
		t.Name = orElse(p.StationName, t.Name)
	}
	if t.ID == 0 {
		t.OrganisationID = device.OrganisationID
	}
	if err := b.place(ctx, p, &t); err != nil {
		return t, false, named("lon", err)
	}
	switch {
	case t.ID == 0:
		return t, true, named("station", b.registry.Things.put(ctx, b.work, &t, nil))
	case t == s.thing:
		return t, false, nil
	}
	return t, true, b.registry.Things.put(ctx, b.work, &t, &s.thing)
}

// sameSpot is the difference in degrees that is none, a tenth of a millimetre:
// spreadsheet programs keep 15 digits of a number.
const sameSpot = 1e-9

// place moves the thing, unless it is there: a file knows no altitude.
func (b *batch) place(ctx context.Context, p *rowPlan, t *Thing) error {
	if p.position == nil {
		return nil
	}
	if t.LocationID != 0 {
		l, err := b.Locations.Get(ctx, t.LocationID)
		if err != nil || (math.Abs(l.Position.Lon-p.position.Lon) < sameSpot && math.Abs(l.Position.Lat-p.position.Lat) < sameSpot) {
			return err
		}
	}
	return b.placeFor(ctx, t, p.position)
}

// deploy makes sure that the device stands at the thing.
func (b *batch) deploy(ctx context.Context, p *rowPlan, s rowState, device Device, thing Thing) (changed bool, err error) {
	for _, d := range s.deployments {
		if !d.To.IsZero() {
			continue
		}
		if d.ThingID == thing.ID {
			return false, nil
		}
		return false, b.elsewhere(ctx, d)
	}
	d := Deployment{DeviceID: device.ID, ThingID: thing.ID, From: p.from, Position: p.position}
	return true, named("station", b.registry.Deployments.put(ctx, b.work, &d, nil))
}

func (b *batch) elsewhere(ctx context.Context, d Deployment) error {
	at, err := b.Things.Get(ctx, d.ThingID)
	if err != nil {
		return err
	}
	refusal := coded("deployed-elsewhere", "station", "the device stands at %s since %s; recall it there first",
		strconv.Quote(at.Code), d.From.UTC().Format(time.RFC3339))
	refusal.Kind = ErrConflict
	return refusal
}
