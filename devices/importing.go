package devices

import (
	"context"
	"errors"
	"reflect"

	"cityhub/geo"
)

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

// named tells a row's sender which of its columns a refusal is about.
func named(column string, err error) error {
	var field *FieldError
	if errors.As(err, &field) {
		renamed := *field
		renamed.Field = column
		return &renamed
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
	var result Result
	err := r.change(ctx, func(ctx context.Context, w *work) (err error) {
		result, err = w.putSensor(ctx, &s)
		return err
	})
	return s, result, err
}

// TrySensor tells what PutSensor would do, and changes nothing.
func (r *Registry) TrySensor(ctx context.Context, s Sensor) (result Result, err error) {
	err = r.change(ctx, func(ctx context.Context, w *work) (err error) {
		if result, err = w.putSensor(ctx, &s); err == nil {
			err = errDry
		}
		return err
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return result, err
}

func (w *work) putSensor(ctx context.Context, s *Sensor) (Result, error) {
	old, found, err := first(ctx, w.Sensors, map[string]any{"code": s.Code})
	if err != nil {
		return Failed, err
	}
	if !found {
		return Created, w.registry.Sensors.put(ctx, w, s, nil)
	}
	s.ID = old.ID
	if err := checkSensor(ctx, w, s, &old); err != nil {
		return Failed, err
	}
	if reflect.DeepEqual(*s, old) {
		return Unchanged, nil
	}
	return Updated, w.registry.Sensors.put(ctx, w, s, &old)
}
