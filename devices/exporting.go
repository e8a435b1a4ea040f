package devices

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"cityhub/access"
	"cityhub/sheet"
)

// Format is one of the formats of a device file.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// exportPage is how many devices an export reads at a time.
const exportPage = 1_000

// Export writes the devices that the scope of ctx sees, in the columns of an
// import: imported again, they change nothing. Of what is not the principal's
// own only what is published is written.
func (r *Registry) Export(ctx context.Context, to io.Writer, format Format) error {
	out, err := exportWriter(to, format)
	if err != nil {
		return err
	}
	e := exporter{registry: r, out: out, scope: access.ScopeOf(ctx), models: map[int64]string{}, organisations: map[int64]string{}}
	for after := int64(0); ; {
		page, err := r.Devices.List(ctx, Page{After: after, Limit: exportPage})
		if err != nil {
			return err
		}
		for i := range page {
			if err := e.device(ctx, &page[i]); err != nil {
				return err
			}
			after = page[i].ID
		}
		if len(page) < exportPage {
			return out.Close()
		}
	}
}

func exportWriter(to io.Writer, format Format) (sheet.Writer, error) {
	if format == XLSX {
		return sheet.NewXLSX(to, "devices", Columns(), NumberColumns()...)
	}
	out, err := sheet.NewCSV(to, NumberColumns()...)
	if err == nil {
		err = out.Write(Columns())
	}
	return out, err
}

// exporter writes devices, remembering what many of them name.
type exporter struct {
	registry              *Registry
	out                   sheet.Writer
	scope                 *access.Scope
	models, organisations map[int64]string
}

func (e *exporter) device(ctx context.Context, d *Device) error {
	row := Row{Device: d.Code}
	var err error
	row.Model, err = codeOf(ctx, e.models, e.registry.Sensors, d.SensorID, func(s *Sensor) string { return s.Code })
	if err != nil {
		return err
	}
	if e.scope.Owns(d.OrganisationID) {
		row.Serial, row.DevEUI = d.Serial, d.DevEUI
	}
	row.Organisation, err = codeOf(ctx, e.organisations, e.registry.Organisations, d.OrganisationID, func(o *Organisation) string { return o.Code })
	if err != nil {
		return err
	}
	if err := e.station(ctx, d, &row); err != nil {
		return err
	}
	cells := make([]string, 0, len(Columns()))
	for _, name := range Columns() {
		cells = append(cells, *placeOf(name)(&row))
	}
	return e.out.Write(cells)
}

// station fills in where the device stands, if that is to be seen.
func (e *exporter) station(ctx context.Context, d *Device, row *Row) error {
	station, from, ok := e.registry.stands(d.ID)
	if !ok || station == nil {
		return nil
	}
	if !e.scope.Owns(station.OrganisationID) {
		if _, err := e.registry.Things.Get(ctx, station.ID); errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
	}
	row.Station, row.StationName = station.Code, station.Name
	row.From = from.UTC().Format(time.RFC3339Nano)
	if p := station.Position; p != nil {
		row.Lon, row.Lat = strconv.FormatFloat(p.Lon, 'f', -1, 64), strconv.FormatFloat(p.Lat, 'f', -1, 64)
	}
	return nil
}

// codeOf looks the code of an id up, and remembers it. It is "" for no id.
func codeOf[T any](ctx context.Context, known map[int64]string, nouns *Nouns[T], id int64, code func(*T) string) (string, error) {
	text, ok := known[id]
	if ok || id == 0 {
		return text, nil
	}
	entity, err := nouns.Get(ctx, id)
	if err == nil {
		known[id] = code(&entity)
	}
	return known[id], err
}

// stands tells where a device stands and since when.
func (r *Registry) stands(device int64) (*Station, time.Time, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	u := r.index.unitByID[device]
	if u == nil {
		return nil, time.Time{}, false
	}
	for _, b := range u.bindings {
		if b.to == endOf(time.Time{}) {
			return b.seat.station, time.Unix(0, b.from), true
		}
	}
	return nil, time.Time{}, false
}
