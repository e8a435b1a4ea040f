package imports

import (
	"context"
	"errors"
	"io"
	"time"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/sheet"
)

const (
	batchRows = 250
	tries     = 5 // of a batch that fails for no row's fault
	firstWait = 500 * time.Millisecond
)

// rows opens the device file of an import.
func (j *job) rows(zone *time.Location) (*devices.RowReader, error) {
	table, err := sheet.Open(j.sent(0))
	var fault *sheet.Fault
	if errors.As(err, &fault) {
		return nil, &devices.FieldError{Field: "file", Detail: fault.Detail, Kind: devices.ErrInvalid, Code: fault.Code, Args: fault.Args}
	}
	if err != nil {
		return nil, err
	}
	reader, err := devices.NewRowReader(table, zone)
	if err != nil {
		return nil, errors.Join(err, table.Close())
	}
	return reader, nil
}

// countRows reads the file once: one that cannot be read to its end is refused
// before anything is changed.
func (j *job) countRows(zone *time.Location) (n int, err error) {
	err = j.eachLine(zone, func(devices.Line) error { n++; return nil })
	return n, err
}

func (j *job) eachLine(zone *time.Location, each func(devices.Line) error) (err error) {
	reader, err := j.rows(zone)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	for {
		line, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = each(line)
		}
		if err != nil {
			return err
		}
	}
}

// runDevices goes on after the rows whose results were kept. Rows that were
// done and not kept come again, which changes nothing.
func (m *Imports) runDevices(ctx context.Context, j *job) error {
	state := j.snapshot()
	var batch []devices.Line
	flush := func() error {
		results, err := m.batch(ctx, &state, batch)
		if err == nil {
			err = j.keep(results)
		}
		batch = batch[:0]
		return err
	}
	passed := 0
	err := j.eachLine(m.o.Zone, func(line devices.Line) error {
		if passed++; passed <= state.Done {
			return ctx.Err()
		}
		if batch = append(batch, line); len(batch) < batchRows {
			return nil
		}
		return flush()
	})
	if err == nil && len(batch) > 0 {
		err = flush()
	}
	return err
}

// batch brings the register in line with some rows.
func (m *Imports) batch(ctx context.Context, state *Import, lines []devices.Line) ([]Result, error) {
	ctx, err := m.rights(ctx, state)
	if err != nil {
		return nil, err
	}
	results, rows := make([]Result, len(lines)), make([]devices.Row, 0, len(lines))
	places := make([]int, 0, len(lines))
	for i := range lines {
		line := &lines[i]
		if line.Err == nil {
			line.Err = m.checkSecret(line.Secret)
		}
		results[i] = Result{Line: line.Number, Device: line.Device}
		if line.Err != nil {
			results[i] = resultOf(results[i], devices.Failed, line.Err)
			continue
		}
		rows, places = append(rows, line.Row), append(places, i)
	}
	outcomes, err := m.try(ctx, rows, state.DryRun)
	if err != nil {
		return nil, err
	}
	for k, out := range outcomes {
		i := places[k]
		if out.Err == nil {
			if err := m.admit(ctx, state, &rows[k], &out, &results[i]); err != nil {
				return nil, err
			}
		}
		results[i] = resultOf(results[i], out.Result, out.Err)
	}
	return results, nil
}

// try does a batch again, some times, while rows fail for no fault of theirs:
// a database may be away for a moment.
func (m *Imports) try(ctx context.Context, rows []devices.Row, dry bool) ([]devices.Outcome, error) {
	for wait, n := firstWait, 1; ; wait, n = wait*2, n+1 {
		outcomes := m.o.Registry.ImportBatch(ctx, rows, dry)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		cause := ownFailure(outcomes)
		if cause == nil {
			return outcomes, nil
		}
		m.o.Log.Error("rows of an import failed for no fault of theirs", "try", n, "error", cause)
		if n == tries {
			return outcomes, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

func ownFailure(outcomes []devices.Outcome) error {
	for _, out := range outcomes {
		if out.Err != nil && kindOf(out.Err) == internal {
			return out.Err
		}
	}
	return nil
}

func (m *Imports) checkSecret(secret string) error {
	switch {
	case secret == "":
		return nil
	case m.o.Credentials == nil:
		return &devices.FieldError{Field: "secret", Kind: devices.ErrInvalid, Code: "credentials-unavailable",
			Detail: "this hub keeps no credentials of devices; leave the column out"}
	case access.CheckDeviceSecret(secret) != nil:
		return &devices.FieldError{Field: "secret", Kind: devices.ErrInvalid, Code: "secret-format",
			Detail: "a device secret has 22 to 128 visible ASCII letters; leave it empty to set none"}
	}
	return nil
}

// admit sets the secret that a row gives, or makes one where that is wanted
// and the device has none. Made ones are derived from the import's seed: a
// batch that comes again makes the same.
func (m *Imports) admit(ctx context.Context, state *Import, row *devices.Row, out *devices.Outcome, result *Result) error {
	secret := row.Secret
	wanted := secret == "" && state.Credentials
	if m.o.Credentials == nil || secret == "" && !wanted {
		return nil
	}
	if wanted {
		secret = access.DerivedSecret(state.Seed, row.Device)
	}
	some, this := false, false
	if out.Result != devices.Created || !state.DryRun {
		some, this = m.o.Credentials.Holds(out.Device.ID, secret)
	}
	result.Made = wanted && (this || !some) && !state.DryRun
	if this || wanted && some {
		return nil
	}
	if out.Result == devices.Unchanged {
		out.Result = devices.Updated
	}
	if state.DryRun {
		return nil
	}
	return m.o.Credentials.Set(ctx, &out.Device, secret)
}
