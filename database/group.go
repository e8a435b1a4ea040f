package database

import (
	"github.com/uptrace/bun"

	"cityhub/devices"
)

type groupRow struct {
	bun.BaseModel `bun:"table:datastream_groups"`

	ID       int64 `bun:"id,pk"`
	ThingID  reference
	SensorID reference
	Place    int
}

func groups() noun[devices.Group, groupRow] {
	return noun[devices.Group, groupRow]{
		name:   "group",
		recall: true,
		match:  []string{"thing_id", "sensor_id"},
		taken:  map[string]string{"thing_id, sensor_id, place": "the thing has a group for this sensor and place already; choose the next place"},
		id:     func(g *devices.Group) *int64 { return &g.ID },
		toRow: func(g *devices.Group) groupRow {
			return groupRow{ID: g.ID, ThingID: reference(g.ThingID), SensorID: reference(g.SensorID), Place: g.Place}
		},
		toNoun: func(r *groupRow) devices.Group {
			return devices.Group{ID: r.ID, ThingID: int64(r.ThingID), SensorID: int64(r.SensorID), Place: r.Place}
		},
	}
}
