package devices

import (
	"context"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"cityhub/access"
	"cityhub/geo"
)

// DeviceEvent is one change in a device's life. It is never edited.
type DeviceEvent struct {
	ID             int64
	DeviceID       int64
	Move           Move
	From, To       State // From is "" where the device was registered
	Actor          Actor
	Time           time.Time // when it happened, as the actor says
	Noted          time.Time // when the hub learnt of it
	Reason         string
	Fix            *Fix  // nil: none was given
	ThingID        int64 // where it stood or stands; 0: nowhere
	OtherID        int64 // of a replacement, the other device; 0: none
	OrganisationID int64 // to which it belonged afterwards; 0: none
}

// Actor is who did something.
type Actor struct {
	Kind access.Kind
	ID   int64
	Name string
}

func actorOf(ctx context.Context) Actor {
	p := access.PrincipalOf(ctx)
	return Actor{Kind: p.Kind, ID: p.ID, Name: p.Name}
}

// Fix is a position as a phone finds it.
type Fix struct {
	geo.Position
	Accuracy float64 // metres, the radius of 68 % as phones tell it; 0: unknown
}

// Step is what whoever moves a device on says of it.
type Step struct {
	At     time.Time // when it happened; zero: now
	Reason string    // at most 2,000 letters
	Fix    *Fix      // nil: none
}

const (
	maxReason = 2_000
	maxAhead  = 10 * time.Minute // how far a phone's clock may be ahead
)

// check validates a step and fills in its time.
func (s *Step) check(now time.Time) error {
	if s.At.IsZero() {
		s.At = now
	}
	if s.At.Sub(now) > maxAhead {
		return invalid("at", fmt.Sprintf("%s lies in the future; set the clock, or send it when it has happened", s.At.UTC().Format(time.RFC3339)))
	}
	if s.At.Before(time.Unix(0, 0)) {
		return invalid("at", "lies before 1970")
	}
	if utf8.RuneCountInString(s.Reason) > maxReason {
		return invalid("reason", fmt.Sprintf("is longer than %d letters", maxReason))
	}
	if s.Fix == nil {
		return nil
	}
	if err := s.Fix.Validate(); err != nil {
		return invalid("position", err.Error())
	}
	if a := s.Fix.Accuracy; math.IsNaN(a) || math.IsInf(a, 0) || a < 0 {
		return invalid("accuracy", "must be metres, 0 or more")
	}
	return nil
}

func (s *Step) position() *geo.Position {
	if s.Fix == nil {
		return nil
	}
	p := s.Fix.Position
	return &p
}

// move brings a device to its next state and keeps the event; or it answers a
// TransitionError. told is what is known of the event but who, from and to.
func (w *work) move(ctx context.Context, device *Device, told DeviceEvent) error {
	next, ok := After(device.State, told.Move)
	if !ok {
		return w.illegal(ctx, *device, told.Move)
	}
	told.From = device.State
	if old := *device; old.State != next {
		device.State = next
		if err := w.Devices.Put(ctx, device); err != nil {
			return err
		}
		if err := w.registry.Devices.note(ctx, w, string(told.Move), device, &old); err != nil {
			return err
		}
		kept := *device
		w.then(func(x *index) { x.enterDevice(kept) })
	}
	return w.keepEvent(ctx, device, told)
}

// keepEvent keeps what happened to a device that is as it is now.
func (w *work) keepEvent(ctx context.Context, device *Device, e DeviceEvent) error {
	e.DeviceID, e.To, e.OrganisationID = device.ID, device.State, device.OrganisationID
	e.Actor, e.Noted = actorOf(ctx), w.registry.now()
	if e.Time.IsZero() {
		e.Time = e.Noted
	}
	return w.DeviceEvents.Put(ctx, &e)
}

// event is what a step tells of a move.
func (s *Step) event(m Move) DeviceEvent {
	return DeviceEvent{Move: m, Time: s.At, Reason: s.Reason, Fix: s.Fix}
}

// illegal tells what would be legal instead, and who was faster.
func (w *work) illegal(ctx context.Context, d Device, m Move) error {
	refused := &TransitionError{Device: d.Code, State: d.State, Move: m, Legal: LegalMoves(d.State)}
	events, err := w.DeviceEvents.List(ctx, Page{Limit: loadPage, Match: map[string]any{"device_id": d.ID}})
	if err != nil {
		return err
	}
	if len(events) > 0 {
		refused.Last = &events[len(events)-1]
		refused.Last.veil(access.ScopeOf(ctx))
	}
	if open, found, err := w.open(ctx, d.ID); err != nil {
		return err
	} else if found {
		thing, err := w.Things.Get(ctx, open.ThingID)
		if err != nil {
			return err
		}
		refused.Thing = thing.Code
	}
	return refused
}

// open finds the deployment that has no end yet.
func (w *work) open(ctx context.Context, device int64) (Deployment, bool, error) {
	all, err := w.deploymentsOf(ctx, device)
	if err != nil {
		return Deployment{}, false, err
	}
	for _, d := range all {
		if d.To.IsZero() {
			return d, true, nil
		}
	}
	return Deployment{}, false, nil
}

// DeviceEvents tells what happened to a device, in the order in which the hub
// learnt of it. A device outside the scope is ErrNotFound. Of what happened
// while it was another's, who owns it now is told what and when, and not by
// whom, why and where.
func (r *Registry) DeviceEvents(ctx context.Context, device int64, page Page) ([]DeviceEvent, error) {
	tables := r.store.Tables()
	if _, err := ownDevice(ctx, tables, device); err != nil {
		return nil, err
	}
	page.Match = map[string]any{"device_id": device}
	events, err := tables.DeviceEvents.List(ctx, page)
	for i := range events {
		events[i].veil(access.ScopeOf(ctx))
	}
	return events, err
}

// veil leaves of an event what may be known of it.
func (e *DeviceEvent) veil(s *access.Scope) {
	if !s.Owns(e.OrganisationID) {
		e.Actor, e.Reason, e.Fix, e.ThingID, e.OtherID = Actor{Kind: e.Actor.Kind}, "", nil, 0, 0
	}
}

// ownDevice gives a device that the caller's action may touch.
func ownDevice(ctx context.Context, t Tables, id int64) (Device, error) {
	d, err := t.Devices.Get(ctx, id)
	if err == nil && !access.ScopeOf(ctx).Owns(d.OrganisationID) {
		return Device{}, fmt.Errorf("device %d: %w", id, ErrNotFound)
	}
	return d, err
}

// ownThing gives a thing that the caller's action may touch.
func ownThing(ctx context.Context, t Tables, id int64) (Thing, error) {
	thing, err := t.Things.Get(ctx, id)
	if err == nil && !access.ScopeOf(ctx).Owns(thing.OrganisationID) {
		return Thing{}, fmt.Errorf("thing %d: %w", id, ErrNotFound)
	}
	return thing, err
}

// rememberOwner tells of a new device, and of one whose owner was edited.
func rememberOwner(ctx context.Context, w *work, d, old *Device) error {
	switch {
	case old == nil:
		w.fresh.devices.add(d.ID)
		return w.keepEvent(ctx, d, DeviceEvent{Move: Register})
	case old.OrganisationID != d.OrganisationID && w.step == nil:
		return w.move(ctx, d, DeviceEvent{Move: HandOver})
	}
	return nil
}
