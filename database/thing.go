package database

import (
	"github.com/uptrace/bun"

	"cityhub/access"
	"cityhub/devices"
)

type thingRow struct {
	bun.BaseModel `bun:"table:things"`

	ID             int64 `bun:"id,pk"`
	Code           string
	Name           string
	Description    string
	OrganisationID reference
	LocationID     reference
	Mobile         bool
	ClientID       optional
}

func things() noun[devices.Thing, thingRow] {
	return noun[devices.Thing, thingRow]{
		name:   "thing",
		recall: true,
		match:  []string{"code", "organisation_id", "location_id", "client_id"},
		seen:   func(s *access.Scope) string { return seenThings("things", s) },
		id:     func(t *devices.Thing) *int64 { return &t.ID },
		toRow: func(t *devices.Thing) thingRow {
			return thingRow{ID: t.ID, Code: t.Code, Name: t.Name, Description: t.Description,
				OrganisationID: reference(t.OrganisationID), LocationID: reference(t.LocationID), Mobile: t.Mobile, ClientID: optional(t.ClientID)}
		},
		toNoun: func(r *thingRow) devices.Thing {
			return devices.Thing{ID: r.ID, Code: r.Code, Name: r.Name, Description: r.Description,
				OrganisationID: int64(r.OrganisationID), LocationID: int64(r.LocationID), Mobile: r.Mobile, ClientID: string(r.ClientID)}
		},
	}
}
