package database

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
)

// put keeps an entity and gives it back with its id.
func put[T any](ctx context.Context, t testing.TB, table devices.Table[T], entity T) T {
	t.Helper()
	must(t, table.Put(ctx, &entity))
	return entity
}

// city is one of each noun, each referring to the others.
type city struct {
	organisation devices.Organisation
	location     devices.Location
	thing        devices.Thing
	was          devices.HistoricalLocation
	property     devices.ObservedProperty
	sensor       devices.Sensor
	group        devices.Group
	datastream   devices.Datastream
	device       devices.Device
	deployment   devices.Deployment
	event        devices.DeviceEvent
	visit        devices.Visit
	note         devices.VisitNote
	photo        devices.VisitPhoto
	zone         devices.Zone
	version      devices.ZoneVersion
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

func found(ctx context.Context, t testing.TB, s devices.Tables) (c city) {
	t.Helper()
	c.organisation = put(ctx, t, s.Organisations, devices.Organisation{Code: "env", Name: "Môi trường"})
	c.location = put(ctx, t, s.Locations, devices.Location{Name: "quay", Position: geo.Position{Lon: 105.85, Lat: 21.03, Alt: 7.5}})
	c.thing = put(ctx, t, s.Things, devices.Thing{Code: "quay-1", Name: "Quay 'one'", Description: "by the \"river\"",
		OrganisationID: c.organisation.ID, LocationID: c.location.ID, Mobile: true})
	c.was = put(ctx, t, s.HistoricalLocations, devices.HistoricalLocation{ThingID: c.thing.ID, LocationID: c.location.ID, Time: noon})
	c.property = put(ctx, t, s.ObservedProperties, devices.ObservedProperty{Code: "pm25", Name: "PM2.5",
		Definition: "https://example.org/pm25", Unit: "µg/m³", Kind: devices.Number})
	c.sensor = put(ctx, t, s.Sensors, devices.Sensor{Code: "aq1", Name: "AQ One", Manufacturer: "Acme", Description: "d",
		ReportInterval: 5 * time.Minute, Codec: "function decodeUplink(i) { return {data: {}} }", Channels: []devices.Channel{
			{Key: "pm", Property: "pm25", Unit: "µg/m³", Kind: devices.Number, Lo: 0, Hi: math.Inf(1), StuckAfter: time.Hour}}})
	c.group = put(ctx, t, s.Groups, devices.Group{ThingID: c.thing.ID, SensorID: c.sensor.ID, Place: 1})
	c.datastream = put(ctx, t, s.Datastreams, devices.Datastream{Name: "pm at quay", ThingID: c.thing.ID, SensorID: c.sensor.ID,
		Property: "pm25", Unit: "µg/m³", Group: c.group.ID, Slot: 3, Retired: true})
	c.device = put(ctx, t, s.Devices, devices.Device{Code: "dev-1", Serial: "S1", DevEUI: "0011223344556677", SensorID: c.sensor.ID,
		OrganisationID: c.organisation.ID, State: devices.Deployed, SecretHash: "$argon2id$x"})
	c.deployment = put(ctx, t, s.Deployments, devices.Deployment{DeviceID: c.device.ID, ThingID: c.thing.ID, GroupID: c.group.ID,
		From: noon, Position: &geo.Position{Lon: -0.1, Lat: 0, Alt: -3}})
	c.event = put(ctx, t, s.DeviceEvents, devices.DeviceEvent{DeviceID: c.device.ID, Move: devices.Deploy, From: devices.Claimed, To: devices.Deployed,
		Actor: devices.Actor{Kind: access.UserKind, ID: 7, Name: "Lan"}, Time: noon, Noted: noon.Add(time.Minute), Reason: "Lắp mới",
		Fix: &devices.Fix{Position: geo.Position{Lon: 105.8, Lat: 21}, Accuracy: 4.5}, ThingID: c.thing.ID, OtherID: 3, OrganisationID: c.organisation.ID})
	c.visit = put(ctx, t, s.Visits, devices.Visit{ClientID: "01JXCLIENTVISIT00000000000", ThingID: c.thing.ID, Opened: noon, OpenedBy: "Lan", Reason: "vệ sinh"})
	c.note = put(ctx, t, s.VisitNotes, devices.VisitNote{ClientID: "01JXCLIENTNOTE000000000000", VisitID: c.visit.ID, Time: noon, Author: "Lan", Text: "bụi"})
	c.photo = put(ctx, t, s.VisitPhotos, devices.VisitPhoto{VisitID: c.visit.ID, Time: noon, Author: "Lan", Caption: "before",
		PhotoFile: devices.PhotoFile{File: "A.jpg", MediaType: "image/jpeg", Bytes: 10, Width: 4, Height: 3, Stripped: true}})
	district := put(ctx, t, s.Zones, devices.Zone{Code: "001", Kind: "district", Name: "Ba Đình"})
	c.zone = put(ctx, t, s.Zones, devices.Zone{Code: "00004", Kind: "ward", Name: "Phường Ba Đình", NameEn: "Ba Dinh Ward", ParentID: district.ID})
	c.version = put(ctx, t, s.ZoneVersions, devices.ZoneVersion{ZoneID: c.zone.ID, From: 20270, To: 20300,
		Area: geo.Area{{{{105.1, 21}, {105.2, 21}, {105.123456789012345, 21.3}, {105.1, 21}}}}})
	return c
}

// keeps says that a table gives back an entity as it was put, before and after
// an edit, and loses it when it is deleted.
func keeps[T any](ctx context.Context, t *testing.T, table devices.Table[T], id func(*T) *int64, entity, edited T) {
	t.Helper()
	n := *id(&entity)
	if n < 1 {
		t.Fatalf("%T got the id %d", entity, n)
	}
	same(ctx, t, table, n, entity)
	*id(&edited) = n
	must(t, table.Put(ctx, &edited))
	same(ctx, t, table, n, edited)
	listed, err := table.List(ctx, devices.Page{After: n - 1, Limit: 1})
	must(t, err)
	if diff := cmp.Diff([]T{edited}, listed); diff != "" {
		t.Error(diff)
	}
	must(t, table.Delete(ctx, n))
	for what, err := range map[string]error{
		"get": second(table.Get(ctx, n)), "delete": table.Delete(ctx, n), "put": table.Put(ctx, &edited)} {
		if !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("%s of a deleted %T: %v", what, entity, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func same[T any](ctx context.Context, t *testing.T, table devices.Table[T], id int64, want T) {
	t.Helper()
	got, err := table.Get(ctx, id)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryNounComesBackAsItWasPut(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		s := d.Store().Tables()
		c := found(ctx, t, s)
		to := noon.Add(time.Nanosecond)
		keeps(ctx, t, s.ZoneVersions, func(v *devices.ZoneVersion) *int64 { return &v.ID }, c.version,
			devices.ZoneVersion{ZoneID: c.zone.ID, From: 0, Area: geo.Area{{{{-180, -90}, {1e-300, 0}, {180, 90}, {-180, -90}}}, {}}})
		keeps(ctx, t, s.Zones, func(z *devices.Zone) *int64 { return &z.ID }, c.zone, devices.Zone{Code: "x", Kind: "basin"})
		keeps(ctx, t, s.DeviceEvents, func(e *devices.DeviceEvent) *int64 { return &e.ID }, c.event,
			devices.DeviceEvent{DeviceID: c.device.ID, Move: devices.Register, To: devices.Stock, Time: noon, Noted: noon})
		keeps(ctx, t, s.VisitPhotos, func(p *devices.VisitPhoto) *int64 { return &p.ID }, c.photo,
			devices.VisitPhoto{ClientID: "C", VisitID: c.visit.ID, Time: to, PhotoFile: devices.PhotoFile{File: "B.png"}})
		keeps(ctx, t, s.VisitNotes, func(n *devices.VisitNote) *int64 { return &n.ID }, c.note,
			devices.VisitNote{VisitID: c.visit.ID, Time: to, Text: "x"})
		keeps(ctx, t, s.Visits, func(v *devices.Visit) *int64 { return &v.ID }, c.visit,
			devices.Visit{ThingID: c.thing.ID, Opened: noon, Closed: to, ClosedBy: "Minh", Outcome: "đã sửa"})
		keeps(ctx, t, s.Deployments, func(d *devices.Deployment) *int64 { return &d.ID }, c.deployment,
			devices.Deployment{DeviceID: c.device.ID, ThingID: c.thing.ID, GroupID: c.group.ID, From: noon, To: to})
		keeps(ctx, t, s.Devices, func(d *devices.Device) *int64 { return &d.ID }, c.device,
			devices.Device{Code: "dev-2", SensorID: c.sensor.ID, State: devices.Stock})
		keeps(ctx, t, s.Datastreams, func(d *devices.Datastream) *int64 { return &d.ID }, c.datastream,
			devices.Datastream{ThingID: c.thing.ID, SensorID: c.sensor.ID, Property: "pm25", Group: c.group.ID, Ended: noon})
		keeps(ctx, t, s.Groups, func(g *devices.Group) *int64 { return &g.ID }, c.group,
			devices.Group{ThingID: c.thing.ID, SensorID: c.sensor.ID})
		keeps(ctx, t, s.Sensors, func(s *devices.Sensor) *int64 { return &s.ID }, c.sensor, devices.Sensor{Code: "aq2"})
		keeps(ctx, t, s.ObservedProperties, func(p *devices.ObservedProperty) *int64 { return &p.ID }, c.property,
			devices.ObservedProperty{Code: "pm10", Kind: devices.Text})
		keeps(ctx, t, s.HistoricalLocations, func(h *devices.HistoricalLocation) *int64 { return &h.ID }, c.was,
			devices.HistoricalLocation{ThingID: c.thing.ID, LocationID: c.location.ID, Time: time.Unix(0, -1).UTC()})
		keeps(ctx, t, s.Things, func(t *devices.Thing) *int64 { return &t.ID }, c.thing, devices.Thing{Code: "t"})
		keeps(ctx, t, s.Locations, func(l *devices.Location) *int64 { return &l.ID }, c.location,
			devices.Location{Position: geo.Position{Lon: -180, Lat: 1e-300}})
		keeps(ctx, t, s.Organisations, func(o *devices.Organisation) *int64 { return &o.ID }, c.organisation,
			devices.Organisation{Code: "Env_2", Name: `"; DROP TABLE things; -- ?0 ? $1 \`})
	})
}

func TestChannelsKeepTheirBounds(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		s := d.Store().Tables()
		put(ctx, t, s.ObservedProperties, devices.ObservedProperty{Code: "level", Kind: devices.Number})
		inf := math.Inf(1)
		kept := put(ctx, t, s.Sensors, devices.Sensor{Code: "s", Channels: []devices.Channel{
			{Key: "open", Property: "level", Lo: -inf, Hi: inf},
			{Key: "above", Property: "level", Lo: -0.1, Hi: inf, Slot: 1},
			{Key: "below", Property: "level", Lo: -inf, Hi: math.MaxFloat64, Slot: 63},
			{Key: "zero", Property: "level", Slot: 2},
		}})
		same(ctx, t, s.Sensors, kept.ID, kept)
		for name, bad := range map[string]devices.Channel{
			"NaN":        {Property: "level", Lo: math.NaN()},
			"wrong side": {Property: "level", Lo: inf, Hi: inf},
			"zero byte":  {Property: "level", Key: "a\x00"},
		} {
			err := s.Sensors.Put(ctx, &devices.Sensor{Code: "t", Channels: []devices.Channel{bad}})
			if !errors.Is(err, devices.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A device that was registered by mistake takes its past along.
func TestADeletedDevicesEventsGo(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		s := d.Store().Tables()
		c := found(ctx, t, s)
		must(t, s.Deployments.Delete(ctx, c.deployment.ID))
		must(t, s.Devices.Delete(ctx, c.device.ID))
		if _, err := s.DeviceEvents.Get(ctx, c.event.ID); !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("the event: %v", err)
		}
	})
}
