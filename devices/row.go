package devices

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"cityhub/geo"
)

// Row is one line of a device file, as its sender wrote it.
type Row struct {
	Device, Serial, DevEUI, Model string
	Station, StationName          string
	Lon, Lat                      string
	Organisation                  string
	From                          string // RFC 3339, "" for now
	Secret                        string // to be set as the device's credential by the caller
}

// Result says what became of a row.
type Result string

// The results of a row.
const (
	Created   Result = "created"
	Updated   Result = "updated"
	Unchanged Result = "unchanged"
	Failed    Result = "failed"
)

// Outcome is what became of a row.
type Outcome struct {
	Result Result
	Device Device // as it is now; none when the row failed
	Err    error  // why it failed
}

// ImportRow brings the register in line with a row: all of it or, with an
// error, nothing. The same row again changes nothing.
func (r *Registry) ImportRow(ctx context.Context, row Row) (Result, error) {
	out := r.ImportBatch(ctx, []Row{row}, false)
	return out[0].Result, out[0].Err
}

// ImportRows is ImportRow for many, in few transactions: a row that fails
// leaves out itself alone. results and errs have an entry a row.
func (r *Registry) ImportRows(ctx context.Context, rows []Row) (results []Result, errs []error) {
	for _, out := range r.ImportBatch(ctx, rows, false) {
		results, errs = append(results, out.Result), append(errs, out.Err)
	}
	return results, errs
}

// ImportBatch is ImportRows with all that is known of each row. A dry one
// tells what would become of the rows and changes nothing. What the scope of
// ctx does not hold fails as what does not exist.
func (r *Registry) ImportBatch(ctx context.Context, rows []Row, dry bool) []Outcome {
	out := make([]Outcome, len(rows))
	plans := make([]rowPlan, 0, len(rows))
	for i, row := range rows {
		plan, err := row.parse()
		if err != nil {
			out[i] = Outcome{Result: Failed, Err: err}
			continue
		}
		plan.out = &out[i]
		plans = append(plans, plan)
	}
	for len(plans) > 0 {
		good, err := r.importTogether(ctx, plans, dry)
		if err == nil {
			break
		}
		if good == len(plans) || errors.Is(err, ErrLate) { // each seems good, and they could not be kept together
			r.importApart(ctx, plans, dry)
			break
		}
		if _, err := r.importTogether(ctx, plans[:good], dry); err != nil {
			r.importApart(ctx, plans[:good], dry)
		}
		*plans[good].out = Outcome{Result: Failed, Err: err}
		plans = plans[good+1:]
	}
	return out
}

// errDry takes a dry import back.
var errDry = errors.New("nothing is kept of a dry import")

// importTogether keeps all rows, or none and says how many are good before
// the first that failed half-way. Rows that fail before they changed anything
// are noted, and do not hold the others.
func (r *Registry) importTogether(ctx context.Context, plans []rowPlan, dry bool) (good int, err error) {
	if len(plans) == 0 {
		return 0, nil
	}
	keep := r.store.Together
	if len(plans) == 1 {
		keep = r.store.Atomically // it says which column was refused
	}
	err = r.changeBy(ctx, keep, func(ctx context.Context, w *work) error {
		b, err := newBatch(ctx, w, plans)
		if err != nil {
			return err
		}
		for good = 0; good < len(plans); good++ {
			out, err := b.row(ctx, plans[good])
			if err != nil {
				return err
			}
			*plans[good].out = out
		}
		if dry {
			return errDry
		}
		return nil
	})
	if dry && errors.Is(err, errDry) {
		err = nil
	}
	return good, err
}

// importApart halves the rows until those that fail are alone.
func (r *Registry) importApart(ctx context.Context, plans []rowPlan, dry bool) {
	half := (len(plans) + 1) / 2
	for _, part := range [][]rowPlan{plans[:half], plans[half:]} {
		_, err := r.importTogether(ctx, part, dry)
		switch {
		case err != nil && len(part) == 1:
			*part[0].out = Outcome{Result: Failed, Err: err}
		case err != nil:
			r.importApart(ctx, part, dry)
		}
	}
}

// rowPlan is a row whose fields have been read.
type rowPlan struct {
	Row
	from     time.Time
	position *geo.Position
	out      *Outcome
}

func (row Row) parse() (rowPlan, error) {
	p := rowPlan{Row: row}
	if row.Device == "" {
		return p, coded("required", "device", "is required: the device's MQTT identity")
	}
	if row.Model == "" {
		return p, coded("required", "model", "is required: the code of a device model")
	}
	for _, c := range []struct{ column, value string }{{"device", row.Device}, {"station", row.Station}, {"organisation", row.Organisation}} {
		if c.value != "" && checkCode(c.value) != nil {
			return p, coded("code-format", c.column, "%s must be 1 to 64 of A-Z, a-z, 0-9, _ and -", strconv.Quote(c.value))
		}
	}
	if raw, err := hex.DecodeString(row.DevEUI); err != nil || (len(raw) != 8 && len(raw) != 0) {
		return p, coded("dev-eui-format", "dev_eui", "%s must be 16 hex digits; in a spreadsheet, format the cells as text", strconv.Quote(row.DevEUI))
	}
	if row.Station == "" && (row.StationName != "" || row.Lon != "" || row.Lat != "") {
		return p, coded("station-missing", "station", "is needed for the station's name and place: its code")
	}
	if row.From != "" {
		t, err := time.Parse(time.RFC3339, row.From)
		if err != nil {
			return p, coded("from-format", "from", "%s is not an RFC 3339 time such as 2025-07-01T00:00:00+07:00, nor a day such as 2025-07-01", strconv.Quote(row.From))
		}
		p.from = t
	}
	var err error
	p.position, err = row.place()
	return p, err
}

func (row Row) place() (*geo.Position, error) {
	if row.Lon == "" && row.Lat == "" {
		return nil, nil
	}
	lon, err := degrees("lon", row.Lon)
	if err != nil {
		return nil, err
	}
	lat, err := degrees("lat", row.Lat)
	if err != nil {
		return nil, err
	}
	p := geo.Position{Lon: lon, Lat: lat}
	if err := p.Validate(); err != nil {
		column := "lon"
		if lon >= -180 && lon <= 180 {
			column = "lat"
		}
		return nil, coded("position-range", column, "%s %s is no place on Earth; lon is first, -180 to 180, then lat, -90 to 90", row.Lon, row.Lat)
	}
	return &p, nil
}

// degrees reads a number with a decimal point, or with a decimal comma: no
// degrees need one between thousands.
func degrees(field, text string) (float64, error) {
	if text == "" {
		return 0, coded("degrees-missing", field, "is missing; lon and lat are given both or not at all")
	}
	number := text
	if strings.Count(text, ",") == 1 && !strings.Contains(text, ".") {
		number = strings.Replace(text, ",", ".", 1)
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, coded("degrees-format", field, "%s is not a number of degrees such as 105.85", strconv.Quote(text))
	}
	return v, nil
}
