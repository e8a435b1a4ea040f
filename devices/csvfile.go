package devices

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// columns are the columns of a device file, in the order of an export.
var columns = []string{"device", "serial", "dev_eui", "model", "station", "station_name", "lon", "lat", "organisation", "from"}

// RowReader reads a device file: CSV with a header line, columns in any order.
type RowReader struct {
	csv    *csv.Reader
	header []string
}

// NewRowReader reads the header. UTF-8 with or without a byte order mark; an
// unknown column is an error that lists the known ones.
func NewRowReader(file io.Reader) (*RowReader, error) {
	text := bufio.NewReader(file)
	if mark, err := text.Peek(3); err == nil && string(mark) == "\ufeff" {
		if _, err := text.Discard(3); err != nil {
			return nil, err
		}
	}
	r := &RowReader{csv: csv.NewReader(text)}
	r.csv.ReuseRecord = true
	header, err := r.csv.Read()
	if err != nil {
		return nil, invalid("header", fmt.Sprintf("the file needs a header line with columns of: %s", strings.Join(columns, ", ")))
	}
	for _, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(columns, name) {
			return nil, invalid(name, fmt.Sprintf("unknown column; the known ones are: %s", strings.Join(columns, ", ")))
		}
		if slices.Contains(r.header, name) {
			return nil, invalid(name, "the column stands twice in the header")
		}
		r.header = append(r.header, name)
	}
	for _, required := range []string{"device", "model"} {
		if !slices.Contains(r.header, required) {
			return nil, invalid(required, "the column is required")
		}
	}
	return r, nil
}

// Next gives the next row and its line in the file; io.EOF after the last. A
// malformed line is an error of kind ErrInvalid, and reading can go on.
func (r *RowReader) Next() (Row, int, error) {
	record, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return Row{}, 0, io.EOF
	}
	line, _ := r.csv.FieldPos(0)
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return Row{}, parse.Line, invalid("line", parse.Err.Error())
	}
	if err != nil {
		return Row{}, line, err
	}
	var row Row
	for i, name := range r.header {
		*row.column(name) = strings.TrimSpace(strings.Clone(record[i]))
	}
	return row, line, nil
}

func (row *Row) column(name string) *string {
	return map[string]*string{
		"device": &row.Device, "serial": &row.Serial, "dev_eui": &row.DevEUI, "model": &row.Model,
		"station": &row.Station, "station_name": &row.StationName, "lon": &row.Lon, "lat": &row.Lat,
		"organisation": &row.Organisation, "from": &row.From,
	}[name]
}
