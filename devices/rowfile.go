package devices

import (
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cityhub/sheet"
)

// Columns are the columns of a device file, in the order of an export.
func Columns() []string {
	return []string{"device", "serial", "dev_eui", "model", "station", "station_name", "lon", "lat", "organisation", "from"}
}

// NumberColumns are the places in Columns of those that hold numbers.
func NumberColumns() []int { return []int{6, 7} }

// ResultColumns are added to the rows of a file that was imported; a file that
// has them can be sent again.
func ResultColumns() []string {
	return []string{"result", "result_column", "result_code", "result_message"}
}

// secretColumn sets a device's credential; it is never exported.
const secretColumn = "secret"

// Line is a row of a file.
type Line struct {
	Row
	Number int      // the line in the file, from 1
	Cells  []string // as they stand in the file, as many as its header has
	Err    error    // why the row cannot be read, a FieldError; nil when it can
}

// RowReader reads a device file: a header line, columns in any order.
type RowReader struct {
	table  sheet.Reader
	zone   *time.Location
	header []string
	places []func(*Row) *string // by column; nil for those passed over
	seen   seen
}

// NewRowReader reads the header. zone is that of dates without one. An unknown
// column is an error that lists the known ones.
func NewRowReader(table sheet.Reader, zone *time.Location) (*RowReader, error) {
	r := &RowReader{table: table, zone: zone, seen: newSeen()}
	header, _, err := table.Next()
	if errors.Is(err, io.EOF) {
		return nil, coded("header-missing", "header", "the file needs a header line with columns of: %s", known())
	}
	if err != nil {
		return nil, faultOf("file", err)
	}
	for _, name := range trimmedEnd(header) {
		if err := r.column(name); err != nil {
			return nil, err
		}
	}
	for _, required := range []string{"device", "model"} {
		if !slices.Contains(r.header, required) {
			return nil, coded("column-missing", required, "the column is required")
		}
	}
	return r, nil
}

func known() string { return strings.Join(append(Columns(), secretColumn), ", ") }

// trimmedEnd leaves out the empty cells at a row's end: spreadsheet programs
// write some that were once used.
func trimmedEnd(cells []string) []string {
	for len(cells) > 0 && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func (r *RowReader) column(name string) error {
	name = strings.ToLower(strings.TrimSpace(name))
	place := placeOf(name)
	switch {
	case place == nil && !slices.Contains(ResultColumns(), name):
		return coded("column-unknown", name, "unknown column; the known ones are: %s", known())
	case slices.Contains(r.header, name):
		return coded("column-twice", name, "the column stands twice in the header")
	}
	r.header, r.places = append(r.header, strings.Clone(name)), append(r.places, place)
	return nil
}

func placeOf(name string) func(*Row) *string {
	return map[string]func(*Row) *string{
		"device": func(r *Row) *string { return &r.Device }, "serial": func(r *Row) *string { return &r.Serial },
		"dev_eui": func(r *Row) *string { return &r.DevEUI }, "model": func(r *Row) *string { return &r.Model },
		"station": func(r *Row) *string { return &r.Station }, "station_name": func(r *Row) *string { return &r.StationName },
		"lon": func(r *Row) *string { return &r.Lon }, "lat": func(r *Row) *string { return &r.Lat },
		"organisation": func(r *Row) *string { return &r.Organisation }, "from": func(r *Row) *string { return &r.From },
		secretColumn: func(r *Row) *string { return &r.Secret },
	}[name]
}

// Header are the file's columns.
func (r *RowReader) Header() []string { return r.header }

// Close closes the file.
func (r *RowReader) Close() error { return r.table.Close() }

// Next gives the next row; io.EOF after the last. What is wrong with a row
// alone stands in it; an error ends the file.
func (r *RowReader) Next() (Line, error) {
	cells, number, err := r.table.Next()
	line := Line{Number: number, Cells: make([]string, len(r.header))}
	var fault *sheet.Fault
	switch {
	case errors.Is(err, io.EOF):
		return line, io.EOF
	case errors.As(err, &fault) && fault.Row:
		line.Err = faultOf("row", err)
		return line, nil
	case err != nil:
		return line, faultOf("file", err)
	}
	for i, cell := range trimmedEnd(cells) {
		if i >= len(r.header) {
			line.Err = coded("cells", "row", "the row has more cells than the header has columns; put a text with a separator in quotation marks, or write a decimal point instead of a comma")
			break
		}
		line.Cells[i] = strings.Clone(strings.TrimSpace(cell))
		if r.places[i] != nil {
			*r.places[i](&line.Row) = line.Cells[i]
		}
	}
	line.From = r.date(line.From)
	if line.Err == nil {
		line.Err = r.seen.check(&line)
	}
	return line, nil
}

// date turns what spreadsheets make of a date into RFC 3339; what it does not
// understand is left to be refused.
func (r *RowReader) date(text string) string {
	if days, err := strconv.ParseFloat(text, 64); err == nil && days > 20_000 && days < 80_000 {
		begin := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
		if r.table.Dates1904() {
			begin = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		t := begin.Add(time.Duration(math.Round(days*86_400)) * time.Second)
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, r.zone).Format(time.RFC3339)
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, r.zone); err == nil {
			return t.Format(time.RFC3339)
		}
	}
	return text
}

func faultOf(field string, err error) error {
	var fault *sheet.Fault
	if !errors.As(err, &fault) {
		return err
	}
	return &FieldError{Field: field, Detail: fault.Detail, Kind: ErrInvalid, Code: fault.Code, Args: fault.Args}
}

// seen is what the rows of a file said so far: rows that contradict each other
// would change the register to and fro with every import.
type seen struct {
	devices, euis map[string]int
	stations      map[string]said
}

type said struct {
	line        int
	name, place string
}

func newSeen() seen {
	return seen{map[string]int{}, map[string]int{}, map[string]said{}}
}

func (s seen) check(l *Line) error {
	if first, twice := s.devices[l.Device]; twice && l.Device != "" {
		return coded("device-twice", "device", "%s stands in line %s already; leave one of the two", strconv.Quote(l.Device), strconv.Itoa(first))
	}
	s.devices[l.Device] = l.Number
	if eui := strings.ToUpper(l.DevEUI); eui != "" {
		if first, twice := s.euis[eui]; twice {
			return coded("dev-eui-twice", "dev_eui", "%s stands in line %s already; each device has its own", strconv.Quote(eui), strconv.Itoa(first))
		}
		s.euis[eui] = l.Number
	}
	if l.Station == "" {
		return nil
	}
	now := said{l.Number, l.StationName, strings.TrimSuffix(l.Lon+" "+l.Lat, " ")}
	before, twice := s.stations[l.Station]
	if !twice {
		s.stations[l.Station] = now
		return nil
	}
	for _, c := range []struct{ column, before, now string }{{"station_name", before.name, now.name}, {"lon", before.place, now.place}} {
		if c.before != "" && c.now != "" && c.before != c.now {
			return coded("station-differs", c.column, "station %s was given otherwise in line %s; make both lines the same",
				strconv.Quote(l.Station), strconv.Itoa(before.line))
		}
	}
	s.stations[l.Station] = said{before.line, orElse(before.name, now.name), orElse(before.place, now.place)}
	return nil
}
