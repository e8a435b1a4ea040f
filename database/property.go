package database

import (
	"github.com/uptrace/bun"

	"cityhub/devices"
)

type propertyRow struct {
	bun.BaseModel `bun:"table:observed_properties"`

	ID         int64 `bun:"id,pk"`
	Code       string
	Name       string
	Definition string
	Unit       string
	Kind       string
}

func properties() noun[devices.ObservedProperty, propertyRow] {
	return noun[devices.ObservedProperty, propertyRow]{
		name:  "observed property",
		match: []string{"code"},
		id:    func(p *devices.ObservedProperty) *int64 { return &p.ID },
		toRow: func(p *devices.ObservedProperty) propertyRow {
			return propertyRow{ID: p.ID, Code: p.Code, Name: p.Name, Definition: p.Definition,
				Unit: p.Unit, Kind: string(p.Kind)}
		},
		toNoun: func(r *propertyRow) devices.ObservedProperty {
			return devices.ObservedProperty{ID: r.ID, Code: r.Code, Name: r.Name, Definition: r.Definition,
				Unit: r.Unit, Kind: devices.Kind(r.Kind)}
		},
	}
}
