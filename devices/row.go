package devices

import (
	"context"
	"fmt"
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

// ImportRow brings the register in line with a row: all of it or, with an
// error, nothing. The same row again changes nothing.
func (r *Registry) ImportRow(ctx context.Context, row Row) (Result, error) {
	plan, err := row.parse()
	if err != nil {
		return Failed, err
	}
	result := Unchanged
	err = r.change(ctx, func(ctx context.Context, w *work) error {
		result, err = w.importPlan(ctx, plan)
		return err
	})
	if err != nil {
		return Failed, err
	}
	return result, nil
}

// ImportRows is ImportRow for many, in few transactions: a row that fails
// leaves out itself alone. results and errs have an entry a row.
func (r *Registry) ImportRows(ctx context.Context, rows []Row) (results []Result, errs []error) {
	results, errs = make([]Result, len(rows)), make([]error, len(rows))
	for from := 0; from < len(rows); {
		good, err := r.importTogether(ctx, rows[from:], results[from:])
		if err == nil {
			break
		}
		if _, err := r.importTogether(ctx, rows[from:from+good], results[from:]); err != nil {
			r.importAlone(ctx, rows[from:from+good], results[from:], errs[from:])
		}
		from += good
		if from < len(rows) {
			results[from], errs[from] = Failed, err
			from++
		}
	}
	return results, errs
}

// importTogether keeps all rows, or none and says how many are good before
// the first that fails.
func (r *Registry) importTogether(ctx context.Context, rows []Row, results []Result) (good int, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	err = r.change(ctx, func(ctx context.Context, w *work) error {
		for good = 0; good < len(rows); good++ {
			plan, err := rows[good].parse()
			if err == nil {
				results[good], err = w.importPlan(ctx, plan)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return good, err
}

func (r *Registry) importAlone(ctx context.Context, rows []Row, results []Result, errs []error) {
	for i, row := range rows {
		results[i], errs[i] = r.ImportRow(ctx, row)
	}
}

// rowPlan is a row whose fields have been read.
type rowPlan struct {
	Row
	from     time.Time
	position *geo.Position
}

func (row Row) parse() (rowPlan, error) {
	p := rowPlan{Row: row}
	if row.Device == "" {
		return p, invalid("device", "is required: the device's MQTT identity")
	}
	if row.Model == "" {
		return p, invalid("model", "is required: the code of a device model")
	}
	if row.From != "" {
		t, err := time.Parse(time.RFC3339, row.From)
		if err != nil {
			return p, invalid("from", fmt.Sprintf("%q is not an RFC 3339 time such as 2025-07-01T00:00:00+07:00", row.From))
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
		return nil, invalid("lon", err.Error())
	}
	return &p, nil
}

func degrees(field, text string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0, invalid(field, fmt.Sprintf("%q is not a number of degrees such as 105.85 (decimal point, not comma)", text))
	}
	return v, nil
}
