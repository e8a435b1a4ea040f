package database

import (
	"time"

	"github.com/uptrace/bun"

	"cityhub/devices"
)

type sensorRow struct {
	bun.BaseModel `bun:"table:sensors"`

	ID             int64 `bun:"id,pk"`
	Code           string
	Name           string
	Manufacturer   string
	Description    string
	ReportInterval int64 // nanoseconds
	Codec          string
	Channels       channels `bun:"type:text"`
}

func sensors() noun[devices.Sensor, sensorRow] {
	return noun[devices.Sensor, sensorRow]{
		name:  "sensor",
		match: []string{"code"},
		id:    func(s *devices.Sensor) *int64 { return &s.ID },
		toRow: func(s *devices.Sensor) sensorRow {
			return sensorRow{ID: s.ID, Code: s.Code, Name: s.Name, Manufacturer: s.Manufacturer,
				Description: s.Description, ReportInterval: int64(s.ReportInterval), Codec: s.Codec,
				Channels: channels{s.Channels}}
		},
		toNoun: func(r *sensorRow) devices.Sensor {
			return devices.Sensor{ID: r.ID, Code: r.Code, Name: r.Name, Manufacturer: r.Manufacturer,
				Description: r.Description, ReportInterval: time.Duration(r.ReportInterval), Codec: r.Codec,
				Channels: r.Channels.list}
		},
	}
}
