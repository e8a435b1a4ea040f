package database

import (
	"unique"

	"github.com/uptrace/bun"

	"cityhub/access"
	"cityhub/devices"
)

type datastreamRow struct {
	bun.BaseModel `bun:"table:datastreams"`

	ID       int64 `bun:"id,pk"`
	Name     string
	ThingID  reference
	SensorID reference
	Property string
	Unit     string
	GroupID  reference
	Slot     int
	Retired  bool

	Publication string
	Ended       instant
}

func datastreams() noun[devices.Datastream, datastreamRow] {
	return noun[devices.Datastream, datastreamRow]{
		name:  "datastream",
		match: []string{"thing_id", "sensor_id", "property", "group_id"},
		taken: map[string]string{"group_id, property": "the group has a datastream of this property already; a re-created one needs a new group"},
		seen:  seenDatastreams,
		id:    func(d *devices.Datastream) *int64 { return &d.ID },
		toRow: func(d *devices.Datastream) datastreamRow {
			return datastreamRow{ID: d.ID, Name: d.Name, ThingID: reference(d.ThingID), SensorID: reference(d.SensorID),
				Property: d.Property, Unit: d.Unit, GroupID: reference(d.Group), Slot: d.Slot, Retired: d.Retired,
				Publication: string(d.Publication), Ended: instant{d.Ended}}
		},
		// A city has a handful of properties and units and half a million
		// datastreams: all share one copy of each.
		toNoun: func(r *datastreamRow) devices.Datastream {
			return devices.Datastream{ID: r.ID, Name: r.Name, ThingID: int64(r.ThingID), SensorID: int64(r.SensorID),
				Property: unique.Make(r.Property).Value(), Unit: unique.Make(r.Unit).Value(),
				Group: int64(r.GroupID), Slot: r.Slot, Retired: r.Retired,
				Publication: access.Publication(unique.Make(r.Publication).Value()), Ended: r.Ended.Time}
		},
	}
}
