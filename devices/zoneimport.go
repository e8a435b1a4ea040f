package devices

import (
	"context"
	"errors"
	"fmt"

	"cityhub/geo"
)

// ZoneRow is a zone of a file. What is "" stays as it is.
type ZoneRow struct {
	Code, Kind   string
	Name, NameEn string
	Parent       string // code
	From         geo.Day
	Area         geo.Area
}

// ImportZone brings the register in line with a row: the zone, and its
// geometry from a day on; all of it or, with an error, nothing. The same row
// again changes nothing. A dry one tells what would happen, and changes
// nothing either.
func (r *Registry) ImportZone(ctx context.Context, row ZoneRow, dry bool) (Result, error) {
	result := Unchanged
	err := r.change(ctx, func(ctx context.Context, w *work) (err error) {
		if result, err = w.importZone(ctx, row); err == nil && dry {
			err = errDry
		}
		return err
	})
	if err != nil && !errors.Is(err, errDry) {
		return Failed, err
	}
	return result, nil
}

func (w *work) importZone(ctx context.Context, row ZoneRow) (Result, error) {
	if row.Code == "" {
		return Failed, invalid("code", "is missing: name the property that holds it")
	}
	old, found, err := first(ctx, w.Zones, map[string]any{"code": row.Code})
	if err != nil {
		return Failed, err
	}
	if found && old.Kind != row.Kind {
		return Failed, &FieldError{Field: "code", Kind: ErrConflict,
			Detail: fmt.Sprintf("%q is a %s already; codes are unique over all kinds", row.Code, old.Kind)}
	}
	zone, err := w.zoneOf(ctx, row, old)
	if err != nil {
		return Failed, err
	}
	result := Unchanged
	switch {
	case !found:
		result, err = Created, w.registry.Zones.put(ctx, w, &zone, nil)
	case zone != old:
		result, err = Updated, w.registry.Zones.put(ctx, w, &zone, &old)
	}
	if err != nil {
		return Failed, err
	}
	shaped, err := w.shapeZone(ctx, zone.ID, row.From, row.Area)
	if result == Unchanged && shaped != Unchanged {
		result = Updated
	}
	return result, err
}

// zoneOf is the zone as it is to be.
func (w *work) zoneOf(ctx context.Context, row ZoneRow, zone Zone) (Zone, error) {
	zone.Code, zone.Kind = row.Code, row.Kind
	if row.Name != "" {
		zone.Name = row.Name
	}
	if row.NameEn != "" {
		zone.NameEn = row.NameEn
	}
	if row.Parent == "" {
		return zone, nil
	}
	parent, found, err := first(ctx, w.Zones, map[string]any{"code": row.Parent})
	if err == nil && !found {
		err = invalid("parent", fmt.Sprintf("no zone has the code %q; import it first", row.Parent))
	}
	zone.ParentID = parent.ID
	return zone, err
}
