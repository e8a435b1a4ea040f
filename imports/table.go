package imports

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/sheet"
)

// ErrNoTable refuses the rows of what is no device file.
var ErrNoTable = errors.New("only an import of devices has a table")

// WriteTable writes the rows of an import's file with what became of each, as
// CSV that can be mended and sent again: all of them, or those that failed.
// A secret that was set stays out; where with is set, so do not those that the
// hub made. Rows that are not done yet have no result.
func (m *Imports) WriteTable(ctx context.Context, to io.Writer, id string, o TableOptions) error {
	j, err := m.find(ctx, id)
	if err != nil {
		return err
	}
	if j.state.Kind != Devices {
		return ErrNoTable
	}
	reader, err := j.lines(m.o.Zone)
	if err != nil {
		return err
	}
	return errors.Join(j.writeTable(to, reader, o), reader.Close())
}

// TableOptions say what a table shows.
type TableOptions struct {
	Lang   Lang
	Failed bool   // the failed rows alone
	Seed   []byte // from TakeSeed; nil leaves out the secrets that were made
}

// TakeSeed hands out, once, what the secrets that an import made are derived
// from; nil when it made none, is not done, or they were handed out before.
func (m *Imports) TakeSeed(ctx context.Context, id string) ([]byte, error) {
	j, err := m.find(ctx, id)
	if err != nil {
		return nil, err
	}
	return j.take()
}

// table is a file's rows beside their results.
type table struct {
	out    sheet.Writer
	o      TableOptions
	secret int   // the place of the column; -1 without one
	keep   []int // the file's columns that are shown
}

func (j *job) writeTable(to io.Writer, reader lines, o TableOptions) error {
	out, err := sheet.NewCSV(to)
	if err != nil {
		return err
	}
	t := table{out: out, o: o, secret: -1}
	if err := t.head(reader.Header()); err != nil {
		return err
	}
	err = j.results(func(r Result) error {
		line, err := reader.Next()
		if err != nil {
			return err
		}
		return t.row(line, &r)
	})
	for err == nil && !o.Failed { // what is not done yet
		var line devices.Line
		if line, err = reader.Next(); err == nil {
			err = t.row(line, nil)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return out.Close()
}

// head writes the header: the file's columns, but for the results of an
// earlier import, and the results.
func (t *table) head(header []string) error {
	var names []string
	for i, name := range header {
		if slices.Contains(devices.ResultColumns(), name) {
			continue
		}
		if name == "secret" {
			t.secret = len(names)
		}
		names, t.keep = append(names, name), append(t.keep, i)
	}
	if t.o.Seed != nil && t.secret < 0 {
		t.secret = len(names)
		names, t.keep = append(names, "secret"), append(t.keep, -1)
	}
	return t.out.Write(append(names, devices.ResultColumns()...))
}

func (t *table) row(line devices.Line, r *Result) error {
	failed := r != nil && r.Result == devices.Failed
	if t.o.Failed && !failed {
		return nil
	}
	cells := make([]string, 0, len(t.keep)+4)
	for _, i := range t.keep {
		if i < 0 {
			cells = append(cells, "")
			continue
		}
		cells = append(cells, line.Cells[i])
	}
	if t.secret >= 0 && r != nil && !failed {
		cells[t.secret] = ""
		if r.Made && t.o.Seed != nil {
			cells[t.secret] = access.DerivedSecret(t.o.Seed, r.Device)
		}
	}
	if r == nil {
		return t.out.Write(append(cells, "", "", "", ""))
	}
	return t.out.Write(append(cells, string(r.Result), r.Column, r.Code, strings.TrimSpace(r.Text(t.o.Lang))))
}
