package api

import (
	"context"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

// Device is a physical unit.
type Device struct {
	ID int64 `json:"id"`
	DeviceBody
	State        string     `json:"state" enum:"stock,claimed,deployed,maintenance,recalled,retired"`
	Thing        string     `json:"thing,omitempty" doc:"Code of the thing at which it stands now"`
	ThingID      int64      `json:"thingId,omitempty"`
	LastReceived *time.Time `json:"lastReceived,omitempty" doc:"Of its last message since the hub started"`
	Battery      *float64   `json:"battery,omitempty" doc:"Percent"`
	RSSI         *float64   `json:"rssi,omitempty" doc:"dBm"`
	SNR          *float64   `json:"snr,omitempty" doc:"dB"`
	Missing      *int64     `json:"missing,omitempty" doc:"Sequence numbers that never arrived; only of one device"`
}

// DeviceBody is what can be written of a device.
type DeviceBody struct {
	Code         string `json:"code" doc:"Unique; its MQTT identity; A-Z, a-z, 0-9, _ and -"`
	Serial       string `json:"serial" required:"false"`
	DevEUI       string `json:"devEui,omitempty" doc:"16 hex digits, of LoRaWAN devices"`
	Model        Ref    `json:"model" doc:"Code or id of a sensor"`
	Organisation Ref    `json:"organisation,omitempty" doc:"Code or id of its owner"`
	ClientID     string `json:"clientId,omitempty" doc:"ULID that you make; a create that is sent again with it answers what is there"`
}

type deviceList struct {
	Paging
	Code         string `query:"code"`
	Organisation string `query:"organisation" doc:"Code or id"`
}

func (q *deviceList) selection(ctx context.Context, r *devices.Registry) (selection[devices.Device], error) {
	match := byCode(q.Code)
	if q.Organisation != "" {
		id, err := filterID(ctx, r.Organisations, "organisation", q.Organisation, organisationID)
		if err != nil {
			return selection[devices.Device]{}, err
		}
		match["organisation_id"] = id
	}
	return all[devices.Device](match), nil
}

func deviceID(d *devices.Device) int64 { return d.ID }

func (s *Server) devices() {
	n := noun[devices.Device, Device, DeviceBody]{path: "/devices", one: "device", access: field, nouns: s.o.Registry.Devices, id: deviceID,
		client: func(b *DeviceBody) string { return b.ClientID },
		life:   func(d *devices.Device) any { return s.lifeOf(d) },
		show:   s.showDevice, body: deviceBody, apply: s.applyDevice}
	list[deviceList](s, n)
	n.read(s)
	n.create(s)
	n.edit(s)
	n.delete(s)
}

func deviceBody(ctx context.Context, v *view, d *devices.Device) (DeviceBody, error) {
	b := DeviceBody{Code: d.Code, Serial: d.Serial, DevEUI: d.DevEUI, ClientID: d.ClientID}
	sensor, err := v.sensors.get(ctx, d.SensorID)
	if err != nil {
		return b, err
	}
	owner, err := v.organisations.get(ctx, d.OrganisationID)
	b.Model, b.Organisation = Ref(sensor.Code), Ref(owner.Code)
	return b, err
}

func (s *Server) showDevice(ctx context.Context, v *view, d *devices.Device, full bool) (Device, error) {
	body, err := deviceBody(ctx, v, d)
	out := Device{ID: d.ID, DeviceBody: body, State: string(d.State)}
	if err != nil {
		return out, err
	}
	if station := s.standsAt(d); station != nil {
		out.Thing, out.ThingID = station.Code, station.ID
	}
	if scope := access.ScopeOf(ctx); !scope.Owns(d.OrganisationID) {
		out.Serial, out.DevEUI = "", "" // what others see of a device says nothing of the unit itself
		return out, nil
	}
	if health, ok := s.o.Health.Of(d.ID); ok {
		received := time.Unix(0, health.LastReceived).UTC()
		out.LastReceived = &received
		out.Battery, out.RSSI, out.SNR = health.Radio.Battery, health.Radio.RSSI, health.Radio.SNR
	}
	if full {
		missing := s.o.Sequences.Missing(d.ID)
		out.Missing = &missing
	}
	return out, nil
}

// lifeOf is what the life cycle made of a device: its state and its place.
func (s *Server) lifeOf(d *devices.Device) any {
	if station := s.standsAt(d); station != nil {
		return []any{d.State, station.ID}
	}
	return []any{d.State}
}

// standsAt is the station at which a device stands now; nil for none.
func (s *Server) standsAt(d *devices.Device) *devices.Station {
	target, err := s.o.Registry.Resolve(d.Code, s.o.Now())
	if err != nil {
		return nil
	}
	return target.Station
}

func (s *Server) applyDevice(ctx context.Context, b *DeviceBody, d *devices.Device) (err error) {
	if b.Model == "" {
		return &devices.FieldError{Field: "model", Kind: devices.ErrInvalid, Detail: "must be given"}
	}
	if d.SensorID, err = idOf(ctx, s.o.Registry.Sensors, "model", b.Model, sensorID); err != nil {
		return err
	}
	d.Code, d.Serial, d.DevEUI, d.ClientID = b.Code, b.Serial, b.DevEUI, b.ClientID
	d.OrganisationID, err = idOf(ctx, s.o.Registry.Organisations, "organisation", b.Organisation, organisationID)
	return err
}
