package database

import (
	"github.com/uptrace/bun"

	"cityhub/devices"
)

// moveRow is a historical location of a thing that has more than one; the view
// is only read.
type moveRow struct {
	bun.BaseModel `bun:"table:moves"`

	ID         int64 `bun:"id,pk"`
	ThingID    reference
	LocationID reference
	Time       instant
}

func moves() noun[devices.HistoricalLocation, moveRow] {
	return noun[devices.HistoricalLocation, moveRow]{
		name: "move",
		id:   func(h *devices.HistoricalLocation) *int64 { return &h.ID },
		toRow: func(h *devices.HistoricalLocation) moveRow {
			return moveRow{ID: h.ID, ThingID: reference(h.ThingID), LocationID: reference(h.LocationID), Time: instant{h.Time}}
		},
		toNoun: func(r *moveRow) devices.HistoricalLocation {
			return devices.HistoricalLocation{ID: r.ID, ThingID: int64(r.ThingID), LocationID: int64(r.LocationID), Time: r.Time.Time}
		},
	}
}
