package database

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cityhub/devices"
)

// refused says that an error is a FieldError of a kind, for a field.
func refused(t *testing.T, what string, err, kind error, field, text string) {
	t.Helper()
	var e *devices.FieldError
	if !errors.As(err, &e) || !errors.Is(err, kind) || e.Field != field || !strings.Contains(e.Detail, text) {
		t.Errorf("%s: got %v (%T), want %v for %q with %q", what, err, err, kind, field, text)
	}
}

func TestASecondHolderIsRefused(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		s := d.Store().Tables()
		c := found(ctx, t, s)
		code := `"quay-1" is taken by another thing`
		refused(t, "insert", s.Things.Put(ctx, &devices.Thing{Code: "quay-1"}), devices.ErrConflict, "code", code)
		other := put(ctx, t, s.Things, devices.Thing{Code: "quay-2"})
		other.Code = "quay-1"
		refused(t, "update", s.Things.Put(ctx, &other), devices.ErrConflict, "code", code)
		refused(t, "DevEUI", s.Devices.Put(ctx, &devices.Device{Code: "x", SensorID: c.sensor.ID, DevEUI: c.device.DevEUI}),
			devices.ErrConflict, "dev_eui", c.device.DevEUI)
		again := c.group
		again.ID = 0
		refused(t, "group", s.Groups.Put(ctx, &again), devices.ErrConflict, "thing_id", "next place")
		stream := c.datastream
		stream.ID = 0
		refused(t, "datastream", s.Datastreams.Put(ctx, &stream), devices.ErrConflict, "group_id", "new group")
		deployed := c.deployment
		deployed.ID, deployed.From = 0, noon.Add(time.Hour)
		refused(t, "open deployment", s.Deployments.Put(ctx, &deployed), devices.ErrConflict, "device_id", "end that deployment")
		deployed.To = deployed.From.Add(time.Hour)
		must(t, s.Deployments.Put(ctx, &deployed)) // a closed one beside it is the registry's concern
	})
}

func TestDevicesWithoutDevEUIDoNotCollide(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		s := d.Store().Tables()
		c := found(ctx, t, s)
		put(ctx, t, s.Devices, devices.Device{Code: "a", SensorID: c.sensor.ID})
		put(ctx, t, s.Devices, devices.Device{Code: "b", SensorID: c.sensor.ID})
		without, err := s.Devices.List(ctx, devices.Page{Limit: 9, Match: map[string]any{"dev_eui": ""}})
		must(t, err)
		if len(without) != 2 {
			t.Errorf("%d devices have no DevEUI, want 2", len(without))
		}
	})
}

func TestAReferenceToNothingIsRefused(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		s := d.Store().Tables()
		c := found(ctx, t, s)
		const none, text = 987654, "does not exist"
		refused(t, "organisation", s.Things.Put(ctx, &devices.Thing{Code: "a", OrganisationID: none}), devices.ErrInvalid, "organisation_id", text)
		c.thing.LocationID = none
		refused(t, "location", s.Things.Put(ctx, &c.thing), devices.ErrInvalid, "location_id", text)
		refused(t, "thing", s.Groups.Put(ctx, &devices.Group{ThingID: none, SensorID: c.sensor.ID}), devices.ErrInvalid, "thing_id", text)
		refused(t, "property", s.Datastreams.Put(ctx, &devices.Datastream{ThingID: c.thing.ID, SensorID: c.sensor.ID, Group: c.group.ID, Property: "pm1"}),
			devices.ErrInvalid, "property", "pm1 "+text)
		refused(t, "no sensor", s.Devices.Put(ctx, &devices.Device{Code: "b"}), devices.ErrInvalid, "sensor_id", "must be given")
		refused(t, "channel", s.Sensors.Put(ctx, &devices.Sensor{Code: "c", Channels: []devices.Channel{{Property: "pm1"}}}), devices.ErrInvalid, "channels", "property")
		deployed := c.deployment
		deployed.To = deployed.From
		refused(t, "ends before it begins", s.Deployments.Put(ctx, &deployed), devices.ErrInvalid, "to_time", "")
		refused(t, "zero byte", s.Things.Put(ctx, &devices.Thing{Code: "d", Name: "a\x00b"}), devices.ErrInvalid, "name", "zero byte")
		refused(t, "not UTF-8", s.Things.Put(ctx, &devices.Thing{Code: "\xff"}), devices.ErrInvalid, "code", "UTF-8")
	})
}

func TestWhatIsInUseStays(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		s := d.Store().Tables()
		c := found(ctx, t, s)
		refused(t, "organisation", s.Organisations.Delete(ctx, c.organisation.ID), devices.ErrConflict, "id", "in use by ")
		refused(t, "device", s.Devices.Delete(ctx, c.device.ID), devices.ErrConflict, "id", "in use by deployments")
		refused(t, "sensor", s.Sensors.Delete(ctx, c.sensor.ID), devices.ErrConflict, "id", "in use by ")
		must(t, s.Datastreams.Delete(ctx, c.datastream.ID))
		refused(t, "property of a channel", s.ObservedProperties.Delete(ctx, c.property.ID), devices.ErrConflict, "id", "sensor properties")
		c.property.Code = "renamed"
		refused(t, "renamed property", s.ObservedProperties.Put(ctx, &c.property), devices.ErrConflict, "code", "refer to it")
		c.sensor.Channels = nil
		must(t, s.Sensors.Put(ctx, &c.sensor))
		must(t, s.ObservedProperties.Delete(ctx, c.property.ID))
	})
}
