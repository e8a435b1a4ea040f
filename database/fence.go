package database

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"cityhub/access"
	"cityhub/devices"
)

type fenceRow struct {
	bun.BaseModel `bun:"table:geofences"`

	ID             int64 `bun:"id,pk"`
	Code           string
	Name           string
	ZoneID         reference
	OrganisationID reference
	Things         numbers
	Metres         float64
	Hold           int64 // nanoseconds
	Since          instant
}

func fences() noun[devices.Fence, fenceRow] {
	return noun[devices.Fence, fenceRow]{
		name:  "geofence",
		match: []string{"code", "zone_id", "organisation_id"},
		seen:  seenFences,
		id:    func(f *devices.Fence) *int64 { return &f.ID },
		toRow: func(f *devices.Fence) fenceRow {
			return fenceRow{ID: f.ID, Code: f.Code, Name: f.Name, ZoneID: reference(f.ZoneID), OrganisationID: reference(f.OrganisationID),
				Things: numbers(f.Things), Metres: f.Metres, Hold: f.Hold.Nanoseconds(), Since: instant{f.Since}}
		},
		toNoun: func(r *fenceRow) devices.Fence {
			return devices.Fence{ID: r.ID, Code: r.Code, Name: r.Name, ZoneID: int64(r.ZoneID), OrganisationID: int64(r.OrganisationID),
				Things: []int64(r.Things), Metres: r.Metres, Hold: time.Duration(r.Hold), Since: r.Since.Time}
		},
	}
}

// seenFences sees those of the own organisations.
func seenFences(s *access.Scope) string {
	if s.All {
		return ""
	}
	if len(s.Own) == 0 {
		return nothing
	}
	return among("organisation_id", s.Own)
}

// numbers are kept as a JSON array.
type numbers []int64

// Value implements driver.Valuer.
func (n numbers) Value() (driver.Value, error) {
	if n == nil {
		n = numbers{}
	}
	text, err := json.Marshal([]int64(n))
	return string(text), err
}

// Scan implements sql.Scanner.
func (n *numbers) Scan(src any) error {
	*n = nil
	switch v := src.(type) {
	case string:
		return json.Unmarshal([]byte(v), (*[]int64)(n))
	case []byte:
		return json.Unmarshal(v, (*[]int64)(n))
	}
	return fmt.Errorf("want a list of numbers, have %T", src)
}
