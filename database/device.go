package database

import (
	"github.com/uptrace/bun"

	"cityhub/devices"
)

type deviceRow struct {
	bun.BaseModel `bun:"table:devices"`

	ID             int64 `bun:"id,pk"`
	Code           string
	Serial         string
	DevEUI         optional `bun:"dev_eui"`
	SensorID       reference
	OrganisationID reference
	State          string
	SecretHash     string
	ClientID       optional
}

func deviceNoun() noun[devices.Device, deviceRow] {
	return noun[devices.Device, deviceRow]{
		name:   "device",
		recall: true,
		match:  []string{"code", "serial", "dev_eui", "sensor_id", "organisation_id", "client_id"},
		seen:   seenDevices,
		id:     func(d *devices.Device) *int64 { return &d.ID },
		toRow: func(d *devices.Device) deviceRow {
			return deviceRow{ID: d.ID, Code: d.Code, Serial: d.Serial, DevEUI: optional(d.DevEUI),
				SensorID: reference(d.SensorID), OrganisationID: reference(d.OrganisationID),
				State: string(d.State), SecretHash: d.SecretHash, ClientID: optional(d.ClientID)}
		},
		toNoun: func(r *deviceRow) devices.Device {
			return devices.Device{ID: r.ID, Code: r.Code, Serial: r.Serial, DevEUI: string(r.DevEUI),
				SensorID: int64(r.SensorID), OrganisationID: int64(r.OrganisationID),
				State: devices.State(r.State), SecretHash: r.SecretHash, ClientID: string(r.ClientID)}
		},
	}
}
