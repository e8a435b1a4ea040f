package database

import (
	"github.com/uptrace/bun"

	"cityhub/devices"
)

type organisationRow struct {
	bun.BaseModel `bun:"table:organisations"`

	ID   int64 `bun:"id,pk"`
	Code string
	Name string
}

func organisations() noun[devices.Organisation, organisationRow] {
	return noun[devices.Organisation, organisationRow]{
		name:  "organisation",
		match: []string{"code"},
		id:    func(o *devices.Organisation) *int64 { return &o.ID },
		toRow: func(o *devices.Organisation) organisationRow {
			return organisationRow{ID: o.ID, Code: o.Code, Name: o.Name}
		},
		toNoun: func(r *organisationRow) devices.Organisation {
			return devices.Organisation{ID: r.ID, Code: r.Code, Name: r.Name}
		},
	}
}
