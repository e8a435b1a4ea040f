package devices

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"cityhub/geo"
)

// importPlan applies one row within a transaction.
func (w *work) importPlan(ctx context.Context, p rowPlan) (Result, error) {
	sensor, found, err := first(ctx, w.Sensors, map[string]any{"code": p.Model})
	if err != nil {
		return Failed, err
	}
	if !found {
		return Failed, invalid("model", fmt.Sprintf("%q is not known; import it first with: cityhub import models FILE", p.Model))
	}
	changed := false
	organisation, err := w.organisationFor(ctx, p.Organisation, &changed)
	if err != nil {
		return Failed, err
	}
	device, result, err := w.deviceFor(ctx, p, sensor.ID, organisation)
	if err != nil {
		return Failed, err
	}
	if p.Station != "" {
		thing, err := w.thingFor(ctx, p, organisation, &changed)
		if err != nil {
			return Failed, err
		}
		if err := w.deployFor(ctx, p, device, thing, &changed); err != nil {
			return Failed, err
		}
	}
	if result == Unchanged && changed {
		result = Updated
	}
	return result, nil
}

func (w *work) organisationFor(ctx context.Context, code string, changed *bool) (int64, error) {
	if code == "" {
		return 0, nil
	}
	o, found, err := first(ctx, w.Organisations, map[string]any{"code": code})
	if err != nil || found {
		return o.ID, err
	}
	*changed = true
	o = Organisation{Code: code}
	err = w.registry.Organisations.put(ctx, w, &o, nil)
	return o.ID, named("organisation", err)
}

func (w *work) deviceFor(ctx context.Context, p rowPlan, sensor, organisation int64) (Device, Result, error) {
	old, found, err := first(ctx, w.Devices, map[string]any{"code": p.Device})
	if err != nil {
		return old, Failed, err
	}
	d := old
	d.Code, d.SensorID = p.Device, sensor
	d.Serial, d.DevEUI = orElse(p.Serial, old.Serial), strings.ToUpper(orElse(p.DevEUI, old.DevEUI))
	if organisation != 0 {
		d.OrganisationID = organisation
	}
	if !found {
		return d, Created, named("device", w.registry.Devices.put(ctx, w, &d, nil))
	}
	if d == old {
		return d, Unchanged, nil
	}
	return d, Updated, w.registry.Devices.put(ctx, w, &d, &old)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func (w *work) thingFor(ctx context.Context, p rowPlan, organisation int64, changed *bool) (Thing, error) {
	old, found, err := first(ctx, w.Things, map[string]any{"code": p.Station})
	if err != nil {
		return old, err
	}
	t := old
	t.Code, t.Name = p.Station, orElse(p.StationName, old.Name)
	if organisation != 0 {
		t.OrganisationID = organisation
	}
	if err := w.placeFor(ctx, &t, p.position); err != nil {
		return t, err
	}
	if !found {
		*changed = true
		return t, named("station", w.registry.Things.put(ctx, w, &t, nil))
	}
	if t == old {
		return t, nil
	}
	*changed = true
	return t, w.registry.Things.put(ctx, w, &t, &old)
}

// placeFor gives the thing a location at a position, unless it is there.
func (w *work) placeFor(ctx context.Context, t *Thing, position *geo.Position) error {
	if position == nil {
		return nil
	}
	if t.LocationID != 0 {
		l, err := w.Locations.Get(ctx, t.LocationID)
		if err != nil {
			return err
		}
		if l.Position == *position {
			return nil
		}
	}
	l := Location{Name: t.Name, Position: *position}
	if err := w.registry.Locations.put(ctx, w, &l, nil); err != nil {
		return err
	}
	t.LocationID = l.ID
	return nil
}

// deployFor makes sure that the device stands at the thing.
func (w *work) deployFor(ctx context.Context, p rowPlan, device Device, thing Thing, changed *bool) error {
	all, err := w.Deployments.List(ctx, Page{Limit: loadPage, Match: map[string]any{"device_id": device.ID}})
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.ThingID == thing.ID && d.To.IsZero() {
			return nil
		}
	}
	*changed = true
	d := Deployment{DeviceID: device.ID, ThingID: thing.ID, From: p.from, Position: p.position}
	return named("station", w.registry.Deployments.put(ctx, w, &d, nil))
}

// named tells a row's sender which of its columns a refusal is about.
func named(column string, err error) error {
	var field *FieldError
	if errors.As(err, &field) {
		return &FieldError{Field: column, Detail: field.Detail, Kind: field.Kind}
	}
	return err
}

// PlaceThing moves a thing: it gets a location of its own at the position,
// and its old one stays in its history.
func (r *Registry) PlaceThing(ctx context.Context, id int64, position geo.Position) (Thing, error) {
	var thing Thing
	err := r.change(ctx, func(ctx context.Context, w *work) error {
		old, err := w.Things.Get(ctx, id)
		if err != nil {
			return err
		}
		thing = old
		if err := w.placeFor(ctx, &thing, &position); err != nil || thing == old {
			return err
		}
		return r.Things.put(ctx, w, &thing, &old)
	})
	return thing, err
}

// PutSensor creates the model of a code, or updates the one that has it.
func (r *Registry) PutSensor(ctx context.Context, s Sensor) (Sensor, Result, error) {
	result := Created
	err := r.change(ctx, func(ctx context.Context, w *work) error {
		old, found, err := first(ctx, w.Sensors, map[string]any{"code": s.Code})
		if err != nil {
			return err
		}
		if !found {
			return r.Sensors.put(ctx, w, &s, nil)
		}
		s.ID, result = old.ID, Updated
		if err := checkSensor(ctx, w, &s, &old); err != nil {
			return err
		}
		if reflect.DeepEqual(s, old) {
			result = Unchanged
			return nil
		}
		return r.Sensors.put(ctx, w, &s, &old)
	})
	return s, result, err
}
