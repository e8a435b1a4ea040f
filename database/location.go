package database

import (
	"github.com/uptrace/bun"

	"cityhub/devices"
	"cityhub/geo"
)

type locationRow struct {
	bun.BaseModel `bun:"table:locations"`

	ID   int64 `bun:"id,pk"`
	Name string
	Lon  float64
	Lat  float64
	Alt  float64
}

func locations() noun[devices.Location, locationRow] {
	return noun[devices.Location, locationRow]{
		name:   "location",
		recall: true,
		seen:   seenLocations,
		id:     func(l *devices.Location) *int64 { return &l.ID },
		toRow: func(l *devices.Location) locationRow {
			return locationRow{ID: l.ID, Name: l.Name, Lon: l.Position.Lon, Lat: l.Position.Lat, Alt: l.Position.Alt}
		},
		toNoun: func(r *locationRow) devices.Location {
			return devices.Location{ID: r.ID, Name: r.Name, Position: geo.Position{Lon: r.Lon, Lat: r.Lat, Alt: r.Alt}}
		},
	}
}
