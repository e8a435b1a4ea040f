package database

import (
	"database/sql"

	"github.com/uptrace/bun"

	"cityhub/devices"
	"cityhub/geo"
)

type deploymentRow struct {
	bun.BaseModel `bun:"table:deployments"`

	ID       int64 `bun:"id,pk"`
	DeviceID reference
	ThingID  reference
	GroupID  reference
	FromTime instant
	ToTime   instant
	Lon      sql.NullFloat64 // NULL, as Lat and Alt, when there is no position
	Lat      sql.NullFloat64
	Alt      sql.NullFloat64
	ClientID optional
}

func deployments() noun[devices.Deployment, deploymentRow] {
	return noun[devices.Deployment, deploymentRow]{
		name:  "deployment",
		match: []string{"device_id", "thing_id", "group_id", "client_id"},
		taken: map[string]string{"device_id": "the device is deployed already; end that deployment first"},
		seen:  seenDeployments,
		id:    func(d *devices.Deployment) *int64 { return &d.ID },
		toRow: func(d *devices.Deployment) deploymentRow {
			row := deploymentRow{ID: d.ID, DeviceID: reference(d.DeviceID), ThingID: reference(d.ThingID),
				GroupID: reference(d.GroupID), FromTime: instant{d.From}, ToTime: instant{d.To}, ClientID: optional(d.ClientID)}
			if p := d.Position; p != nil {
				row.Lon, row.Lat, row.Alt = given(p.Lon), given(p.Lat), given(p.Alt)
			}
			return row
		},
		toNoun: func(r *deploymentRow) devices.Deployment {
			d := devices.Deployment{ID: r.ID, DeviceID: int64(r.DeviceID), ThingID: int64(r.ThingID),
				GroupID: int64(r.GroupID), From: r.FromTime.Time, To: r.ToTime.Time, ClientID: string(r.ClientID)}
			if r.Lon.Valid {
				d.Position = &geo.Position{Lon: r.Lon.Float64, Lat: r.Lat.Float64, Alt: r.Alt.Float64}
			}
			return d
		},
	}
}

func given(v float64) sql.NullFloat64 { return sql.NullFloat64{Float64: v, Valid: true} }
