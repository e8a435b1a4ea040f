package imports

import (
	"context"
	"errors"
	"os"
	"strings"

	"cityhub/devices"
	"cityhub/geo"
)

// ZoneForm says how a file of zones is read. The names of properties are
// "code", "name", "name_en" and "parent" where they are "".
type ZoneForm struct {
	Kind           string // what the zones are, as ward
	ValidFrom      string // the day from which the boundaries are valid
	CodeProperty   string
	NameProperty   string
	NameEnProperty string
	ParentProperty string
	CRS            string // EPSG code of the coordinates; "" for WGS 84
	Repair         bool   // mend faulty rings
}

func refused(field, detail string) error {
	return &devices.FieldError{Field: field, Kind: devices.ErrInvalid, Detail: detail}
}

// readZones reads the file of an import of zones.
func (j *job) readZones() (from geo.Day, features []geo.Feature, err error) {
	form := j.state.Zones
	if form == nil || form.Kind == "" {
		return 0, nil, refused("zoneKind", "is missing: what the zones are, as ward")
	}
	if from, err = geo.ParseDay(form.ValidFrom); err != nil {
		return 0, nil, refused("validFrom", err.Error())
	}
	crs, err := geo.ParseCRS(form.CRS)
	if err != nil {
		return 0, nil, refused("crs", strings.TrimPrefix(err.Error(), "crs: "))
	}
	if len(j.state.Names) != 1 {
		return 0, nil, refused("file", "zones are imported from one GeoJSON file")
	}
	text, err := os.ReadFile(j.sent(0))
	if err != nil {
		return 0, nil, err
	}
	if features, err = geo.ReadFeatures(text, crs); err != nil {
		return 0, nil, refused("file", err.Error())
	}
	return from, features, nil
}

// runZones goes on after the features that are done.
func (m *Imports) runZones(ctx context.Context, j *job) error {
	from, features, err := j.readZones()
	if err != nil {
		return err
	}
	state := j.snapshot()
	if ctx, err = m.rights(ctx, &state); err != nil {
		return err
	}
	for i := state.Done; i < len(features); i++ {
		row, err := state.Zones.row(&features[i])
		row.From = from
		result := devices.Failed
		if err == nil {
			result, err = m.o.Registry.ImportZone(ctx, row, state.DryRun)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := j.keep([]Result{resultOf(Result{Line: i + 1, Zone: row.Code}, result, state.Zones.hint(err))}); err != nil {
			return err
		}
	}
	return nil
}

// row is the zone of a feature.
func (f *ZoneForm) row(feature *geo.Feature) (devices.ZoneRow, error) {
	text := func(property, usual string) string {
		if property == "" {
			property = usual
		}
		return feature.Text(property)
	}
	row := devices.ZoneRow{Code: text(f.CodeProperty, "code"), Kind: f.Kind, Name: text(f.NameProperty, "name"),
		NameEn: text(f.NameEnProperty, "name_en"), Parent: text(f.ParentProperty, "parent"), Area: feature.Area}
	if feature.Err != nil {
		return row, refused("geometry", feature.Err.Error())
	}
	if f.Repair && len(geo.Check(row.Area)) > 0 {
		row.Area = geo.Repair(row.Area)
	}
	return row, nil
}

// hint tells whom a faulty geometry is refused that it may be mended.
func (f *ZoneForm) hint(err error) error {
	var field *devices.FieldError
	if f.Repair || !errors.As(err, &field) || field.Field != "geometry" {
		return err
	}
	told := *field
	told.Detail += " (repair tries to mend it)"
	return &told
}
