package database

import (
	"github.com/uptrace/bun"

	"cityhub/devices"
)

type historicalLocationRow struct {
	bun.BaseModel `bun:"table:historical_locations"`

	ID         int64     `bun:"id,pk"`
	ThingID    reference // 0 becomes NULL, which the schema refuses by name
	LocationID reference
	Time       instant
}

func historicalLocations() noun[devices.HistoricalLocation, historicalLocationRow] {
	return noun[devices.HistoricalLocation, historicalLocationRow]{
		name:  "historical location",
		match: []string{"thing_id", "location_id"},
		seen:  seenHistoricalLocations,
		id:    func(h *devices.HistoricalLocation) *int64 { return &h.ID },
		toRow: func(h *devices.HistoricalLocation) historicalLocationRow {
			return historicalLocationRow{ID: h.ID, ThingID: reference(h.ThingID),
				LocationID: reference(h.LocationID), Time: instant{h.Time}}
		},
		toNoun: func(r *historicalLocationRow) devices.HistoricalLocation {
			return devices.HistoricalLocation{ID: r.ID, ThingID: int64(r.ThingID),
				LocationID: int64(r.LocationID), Time: r.Time.Time}
		},
	}
}
