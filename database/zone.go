package database

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"cityhub/devices"
	"cityhub/geo"
)

type zoneRow struct {
	bun.BaseModel `bun:"table:zones"`

	ID       int64 `bun:"id,pk"`
	Code     string
	Kind     string
	Name     string
	NameEn   string
	ParentID reference
}

func zones() noun[devices.Zone, zoneRow] {
	return noun[devices.Zone, zoneRow]{
		name:  "zone",
		match: []string{"code", "kind", "parent_id"},
		id:    func(z *devices.Zone) *int64 { return &z.ID },
		toRow: func(z *devices.Zone) zoneRow {
			return zoneRow{ID: z.ID, Code: z.Code, Kind: z.Kind, Name: z.Name, NameEn: z.NameEn, ParentID: reference(z.ParentID)}
		},
		toNoun: func(r *zoneRow) devices.Zone {
			return devices.Zone{ID: r.ID, Code: r.Code, Kind: r.Kind, Name: r.Name, NameEn: r.NameEn, ParentID: int64(r.ParentID)}
		},
	}
}

type zoneVersionRow struct {
	bun.BaseModel `bun:"table:zone_versions"`

	ID      int64 `bun:"id,pk"`
	ZoneID  reference
	FromDay int64
	ToDay   reference // NULL while it is valid
	Area    area
}

func zoneVersions() noun[devices.ZoneVersion, zoneVersionRow] {
	return noun[devices.ZoneVersion, zoneVersionRow]{
		name:  "zone version",
		match: []string{"zone_id"},
		id:    func(v *devices.ZoneVersion) *int64 { return &v.ID },
		toRow: func(v *devices.ZoneVersion) zoneVersionRow {
			return zoneVersionRow{ID: v.ID, ZoneID: reference(v.ZoneID), FromDay: int64(v.From), ToDay: reference(v.To), Area: area{v.Area}}
		},
		toNoun: func(r *zoneVersionRow) devices.ZoneVersion {
			return devices.ZoneVersion{ID: r.ID, ZoneID: int64(r.ZoneID), From: geo.Day(r.FromDay), To: geo.Day(r.ToDay), Area: r.Area.Area}
		},
	}
}

// area is kept as the coordinates of a GeoJSON MultiPolygon, with all digits.
type area struct{ geo.Area }

// Value implements driver.Valuer.
func (a area) Value() (driver.Value, error) {
	text, err := json.Marshal(a.Area)
	return string(text), err
}

// Scan implements sql.Scanner.
func (a *area) Scan(src any) error {
	a.Area = nil
	switch v := src.(type) {
	case string:
		return json.Unmarshal([]byte(v), &a.Area)
	case []byte:
		return json.Unmarshal(v, &a.Area)
	}
	return fmt.Errorf("want coordinates, have %T", src)
}
