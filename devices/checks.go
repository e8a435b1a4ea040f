package devices

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"cityhub/access"
)

var (
	codePattern     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	ulidPattern     = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)
	propertyPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)
)

// maxSlots bounds a model's channels, as every message of it leases that many
// observation ids.
const maxSlots = 64

func checkCode(code string) error {
	if !codePattern.MatchString(code) {
		return invalid("code", fmt.Sprintf("%q must be 1 to 64 of A-Z, a-z, 0-9, _ and -", code))
	}
	return nil
}

func checkOrganisation(_ context.Context, _ *work, o, _ *Organisation) error {
	if o.Name == "" {
		o.Name = o.Code
	}
	return checkCode(o.Code)
}

func checkLocation(_ context.Context, _ *work, l, _ *Location) error {
	if err := l.Position.Validate(); err != nil {
		return invalid("position", err.Error())
	}
	return nil
}

// moveLocation takes a location's new place to the things that stand there.
func (x *index) moveLocation(l Location) {
	_, known := x.locations[l.ID]
	x.enterLocation(l)
	if !known {
		return // nothing can stand at a new one
	}
	for id, site := range x.stations {
		s := site.station
		if s != nil && s.Position != nil && s.location == l.ID {
			moved := *s
			moved.Position = &l.Position
			x.stand(id, &moved)
		}
	}
}

// checkClientID refuses what is no ULID, and another one than at first.
func checkClientID(id string, changed bool) error {
	switch {
	case changed:
		return invalid("client_id", "is given once, when the entity is made; leave it as it is")
	case id != "" && !ulidPattern.MatchString(id):
		return invalid("client_id", fmt.Sprintf("%q is not a ULID: 26 of 0-9 and A-Z without I, L, O, U, the first at most 7", id))
	}
	return nil
}

func checkThing(_ context.Context, _ *work, t, old *Thing) error {
	if err := checkClientID(t.ClientID, old != nil && old.ClientID != t.ClientID); err != nil {
		return err
	}
	if t.Name == "" {
		t.Name = t.Code
	}
	return checkCode(t.Code)
}

// rememberPlace keeps where a thing has been, once it has an id.
func rememberPlace(ctx context.Context, w *work, t, old *Thing) error {
	if old == nil {
		w.fresh.things.add(t.ID)
	}
	if t.LocationID == 0 || (old != nil && old.LocationID == t.LocationID) {
		return nil
	}
	delete(w.fresh.locations, t.LocationID)
	now := w.registry.now()
	if old != nil && old.LocationID != 0 {
		thing, from, to := t.ID, old.LocationID, t.LocationID
		w.then(func(x *index) { x.enterMove(thing, from, to, now) })
	}
	return w.HistoricalLocations.Put(ctx, &HistoricalLocation{
		ThingID: t.ID, LocationID: t.LocationID, Time: now})
}

// forgetPlaces removes where a thing has been.
func forgetPlaces(ctx context.Context, w *work, id int64) error {
	been, err := w.HistoricalLocations.List(ctx, Page{Limit: loadPage, Match: map[string]any{"thing_id": id}})
	if err != nil {
		return err
	}
	for _, place := range been {
		if err := w.HistoricalLocations.Delete(ctx, place.ID); err != nil {
			return err
		}
	}
	return nil
}

func checkProperty(_ context.Context, _ *work, p, old *ObservedProperty) error {
	switch {
	case !propertyPattern.MatchString(p.Code):
		return invalid("code", fmt.Sprintf("%q must be lower case, begin with a letter and hold at most 48 of a-z, 0-9 and _", p.Code))
	case strings.HasPrefix(p.Code, "hub_"):
		return invalid("code", "hub_ is reserved for the hub's own fields; choose another beginning")
	case old != nil && (old.Code != p.Code || old.Kind != p.Kind):
		return invalid("code", "code and kind are fixed once readings may exist; create another property")
	}
	switch p.Kind {
	case "":
		p.Kind = Number
	case Number, Boolean, Text:
	default:
		return invalid("kind", fmt.Sprintf("%q is none of number, boolean, text", p.Kind))
	}
	if p.Name == "" {
		p.Name = p.Code
	}
	return nil
}

// checkSensor makes the properties that its channels name and gives each
// channel its slot: an old one keeps its own.
func checkSensor(ctx context.Context, w *work, s, old *Sensor) error {
	if s.Name == "" {
		s.Name = s.Code
	}
	if err := checkCode(s.Code); err != nil {
		return err
	}
	if s.Codec != "" && w.registry.codec != nil && (old == nil || old.Codec != s.Codec) {
		if err := w.registry.codec(ctx, s.Codec); err != nil {
			return invalid("codec", err.Error())
		}
	}
	if len(s.Channels) == 0 {
		return invalid("channels", "a model needs at least one channel")
	}
	keys, properties := map[string]bool{}, map[string]bool{}
	for i := range s.Channels {
		c := &s.Channels[i]
		if c.Key == "" || keys[c.Key] || properties[c.Property] {
			return invalid(fmt.Sprintf("channels[%d]", i), "key and property must be given, and be unique within the model")
		}
		keys[c.Key], properties[c.Property] = true, true
		if math.IsNaN(c.Lo) || math.IsNaN(c.Hi) || c.Lo > c.Hi {
			return invalid(fmt.Sprintf("channels[%d].range", i), "the lower bound must not exceed the upper")
		}
		if err := w.propertyFor(ctx, c); err != nil {
			return err
		}
	}
	if old != nil {
		if err := w.refuseRemoval(ctx, s, old); err != nil {
			return err
		}
	}
	if err := giveSlots(s, old); err != nil || old == nil {
		return err
	}
	return w.extendGroups(ctx, s, old)
}

// refuseRemoval keeps the channels of a model that is in use: their slots are
// part of observation ids that were given out.
func (w *work) refuseRemoval(ctx context.Context, s, old *Sensor) error {
	for _, c := range old.Channels {
		if slices.ContainsFunc(s.Channels, func(n Channel) bool { return n.Property == c.Property }) {
			continue
		}
		_, used, err := first(ctx, w.Groups, map[string]any{"sensor_id": old.ID})
		if err != nil || used {
			return orInvalid(err, "channels", fmt.Sprintf("%q cannot go while devices of this model stand at things; leave it, or make another model", c.Key))
		}
	}
	return nil
}

// giveSlots keeps the slot of every channel that was there before.
func giveSlots(s, old *Sensor) error {
	next := 0
	slots := map[string]int{}
	if old != nil {
		for _, c := range old.Channels {
			slots[c.Property] = c.Slot
			next = max(next, c.Slot+1)
		}
	}
	for i := range s.Channels {
		slot, ok := slots[s.Channels[i].Property]
		if !ok {
			slot = next
			next++
		}
		s.Channels[i].Slot = slot
	}
	if next > maxSlots {
		return invalid("channels", fmt.Sprintf("a model has at most %d channels over its life", maxSlots))
	}
	return nil
}

// propertyFor finds or makes the property that a channel measures.
func (w *work) propertyFor(ctx context.Context, c *Channel) error {
	p, found, err := first(ctx, w.ObservedProperties, map[string]any{"code": c.Property})
	if err != nil {
		return err
	}
	if !found {
		p = ObservedProperty{Code: c.Property, Unit: c.Unit, Kind: c.Kind}
		err := w.registry.Properties.put(ctx, w, &p, nil)
		c.Kind = p.Kind
		return err
	}
	if c.Kind != "" && c.Kind != p.Kind {
		return invalid("channels."+c.Key+".kind", fmt.Sprintf("property %s already holds %s values, not %s; name another property", p.Code, p.Kind, c.Kind))
	}
	c.Kind = p.Kind
	if c.Unit == "" {
		c.Unit = p.Unit
	}
	return nil
}

func checkDatastream(_ context.Context, _ *work, d, old *Datastream) error {
	if old == nil {
		return invalid("datastream", "datastreams come with a deployment; deploy a device instead")
	}
	switch d.Publication {
	case access.Private, access.Internal, access.Open:
	case "":
		d.Publication = access.Private
	default:
		return invalid("publication", fmt.Sprintf("%q is none of private, internal, public", d.Publication))
	}
	if d.Group != old.Group || d.Slot != old.Slot || d.Property != old.Property || d.ThingID != old.ThingID {
		return invalid("datastream", "only name, publication and retired can be edited")
	}
	return nil
}

func checkDevice(ctx context.Context, w *work, d, old *Device) error {
	if err := checkCode(d.Code); err != nil {
		return err
	}
	if err := checkClientID(d.ClientID, old != nil && old.ClientID != d.ClientID); err != nil {
		return err
	}
	d.DevEUI = strings.ToUpper(d.DevEUI)
	if raw, err := hex.DecodeString(d.DevEUI); err != nil || (len(raw) != 8 && len(raw) != 0) {
		return invalid("dev_eui", fmt.Sprintf("%q must be 16 hex digits", d.DevEUI))
	}
	if old == nil || old.Code != d.Code || old.DevEUI != d.DevEUI {
		if err := w.refuseNamesake(ctx, d); err != nil {
			return err
		}
		w.name(d)
	}
	if old == nil {
		d.State = Stock
	} else if old.State != d.State {
		return invalid("state", "follows from what happens to the device; use the calls of its life cycle")
	}
	if old != nil && old.OrganisationID != d.OrganisationID && w.step == nil {
		if err := w.refuseParting(ctx, d); err != nil {
			return err
		}
	}
	if old != nil && old.SensorID != d.SensorID {
		if _, deployed, err := first(ctx, w.Deployments, map[string]any{"device_id": d.ID}); err != nil || deployed {
			return orInvalid(err, "model", "a device that was deployed keeps its model; register the new unit as a device of its own")
		}
	}
	return nil
}

// refuseParting keeps a device with the owner of the thing where it stands: of
// two owners neither could recall it.
func (w *work) refuseParting(ctx context.Context, d *Device) error {
	open, stands, err := w.open(ctx, d.ID)
	if err != nil || !stands {
		return err
	}
	thing, err := w.Things.Get(ctx, open.ThingID)
	if err != nil || thing.OrganisationID == d.OrganisationID {
		return err
	}
	return &FieldError{Field: "organisation", Kind: ErrConflict, Detail: fmt.Sprintf(
		"device %q stands at a thing that is not that organisation's: hand the thing over with it, or recall the device first", d.Code)}
}

// refuseNamesake keeps readings from going to another device: they may name
// theirs by code or by DevEUI, so that no code may be another's DevEUI. Whose
// it is, who owns the other device is told alone.
func (w *work) refuseNamesake(ctx context.Context, d *Device) error {
	const euiLength = 16
	for _, c := range []struct{ field, value, column string }{{"code", d.Code, "dev_eui"}, {"dev_eui", d.DevEUI, "code"}} {
		if len(c.value) != euiLength || !w.maybeNamed(c.value) {
			continue
		}
		other, found, err := first(ctx, w.Devices, map[string]any{c.column: c.value})
		if err != nil {
			return err
		}
		if !found || other.ID == d.ID {
			continue
		}
		whose := "another device"
		if access.ScopeOf(ctx).Owns(other.OrganisationID) {
			whose = fmt.Sprintf("device %q", other.Code)
		}
		return &FieldError{Field: c.field, Kind: ErrConflict,
			Detail: fmt.Sprintf("%q is the %s of %s; choose another", c.value, c.column, whose)}
	}
	return nil
}

func orInvalid(err error, field, detail string) error {
	if err != nil {
		return err
	}
	return invalid(field, detail)
}
