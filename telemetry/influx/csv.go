package influx

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// cell is one value of a series, as an answer tells it. Its members point into
// the reader's buffer until the next cell is asked for.
type cell struct {
	group, field, kind, value []byte
	time                      int64
}

// answer reads InfluxDB's annotated CSV row by row: blocks of rows, each begun
// by a line of types and a line of names, parted by an empty line.
type answer struct {
	in      *bufio.Reader
	record  []byte // the current record, unquoted
	ends    []int  // where its columns end in record
	types   []string
	columns struct{ group, field, time, value int }
	block   int // what is expected: types, names, rows
}

const (
	expectTypes = iota
	expectNames
	expectRows
)

var errAnswer = errors.New("InfluxDB's answer is not the CSV that was asked for")

func newAnswer(r io.Reader) *answer { return &answer{in: bufio.NewReaderSize(r, 64<<10)} }

// next reads the next cell; io.EOF ends a complete answer.
func (a *answer) next(c *cell) error {
	for {
		if err := a.read(); err != nil {
			return err
		}
		if len(a.ends) == 1 && a.ends[0] == 0 {
			a.block = expectTypes
			continue
		}
		switch a.block {
		case expectTypes:
			if string(a.column(0)) != "#datatype" {
				return errAnswer
			}
			a.types = a.texts()
			a.block = expectNames
		case expectNames:
			if err := a.names(a.texts()); err != nil {
				return err
			}
			a.block = expectRows
		default:
			return a.cell(c)
		}
	}
}

func (a *answer) cell(c *cell) error {
	if len(a.ends) != len(a.types) {
		return fmt.Errorf("%w: a row has %d columns, not %d", errAnswer, len(a.ends), len(a.types))
	}
	c.group, c.field = a.column(a.columns.group), a.column(a.columns.field)
	c.value, c.kind = a.column(a.columns.value), append(c.kind[:0], a.types[a.columns.value]...)
	var err error
	c.time, err = parseTime(a.column(a.columns.time))
	return err
}

// names finds the columns of a block; a block may also tell of a failure in
// the middle of an answer.
func (a *answer) names(names []string) error {
	if len(names) > 1 && names[1] == "error" {
		if err := a.read(); err != nil {
			return err
		}
		return fmt.Errorf("InfluxDB failed while answering: %s", a.column(1))
	}
	if len(names) != len(a.types) {
		return errAnswer
	}
	for _, column := range []struct {
		name string
		at   *int
	}{{"g", &a.columns.group}, {"_field", &a.columns.field}, {"_time", &a.columns.time}, {"_value", &a.columns.value}} {
		*column.at = -1
		for i, name := range names {
			if name == column.name || column.name == "_field" && name == "hub_field" {
				*column.at = i
			}
		}
		if *column.at < 0 {
			return fmt.Errorf("%w: no column %s", errAnswer, column.name)
		}
	}
	return nil
}

func (a *answer) column(i int) []byte {
	if i >= len(a.ends) {
		return nil
	}
	start := 0
	if i > 0 {
		start = a.ends[i-1]
	}
	return a.record[start:a.ends[i]]
}

func (a *answer) texts() []string {
	texts := make([]string, len(a.ends))
	for i := range texts {
		texts[i] = string(a.column(i))
	}
	return texts
}

// read reads one record, which is one line unless quoted values have line
// breaks of their own.
func (a *answer) read() error {
	a.record, a.ends = a.record[:0], a.ends[:0]
	line, err := a.line()
	if err != nil {
		return err
	}
	if bytes.IndexByte(line, '"') >= 0 {
		return a.quoted(line)
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	for {
		cut := bytes.IndexByte(line, ',')
		if cut < 0 {
			break
		}
		a.record = append(a.record, line[:cut]...)
		a.ends = append(a.ends, len(a.record))
		line = line[cut+1:]
	}
	a.record = append(a.record, line...)
	a.ends = append(a.ends, len(a.record))
	return nil
}

// line gives the next line with its end; io.EOF only where nothing follows.
func (a *answer) line() ([]byte, error) {
	line, err := a.in.ReadSlice('\n')
	if err == nil {
		return line, nil
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		line = bytes.Clone(line)
		rest, err := a.in.ReadBytes('\n')
		return ended(append(line, rest...), err)
	}
	return ended(line, err)
}

func ended(line []byte, err error) ([]byte, error) {
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return line, nil
	}
	return line, err
}

// quoted splits a record that has quoted values, which may go on over further
// lines.
func (a *answer) quoted(line []byte) error {
	for {
		var err error
		if len(line) > 0 && line[0] == '"' {
			line, err = a.quotedValue(line[1:])
		} else {
			end := bytes.IndexAny(line, ",\r\n")
			if end < 0 {
				end = len(line)
			}
			a.record, line = append(a.record, line[:end]...), line[end:]
		}
		if err != nil {
			return err
		}
		a.ends = append(a.ends, len(a.record))
		if len(line) == 0 || line[0] != ',' {
			break
		}
		line = line[1:]
	}
	if rest := bytes.TrimRight(line, "\r\n"); len(rest) > 0 {
		return fmt.Errorf("%w: %.40q after a quoted value", errAnswer, rest)
	}
	return nil
}

// quotedValue takes a value up to its closing quote and gives what follows. A
// line break within a value comes as \r\n and was \n when it was written.
func (a *answer) quotedValue(line []byte) ([]byte, error) {
	for {
		end := bytes.IndexByte(line, '"')
		switch {
		case end < 0:
			line = bytes.TrimSuffix(line, []byte("\n"))
			a.record = append(append(a.record, bytes.TrimSuffix(line, []byte("\r"))...), '\n')
			var err error
			if line, err = a.line(); errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return nil, err
			}
		case end+1 < len(line) && line[end+1] == '"':
			a.record, line = append(a.record, line[:end+1]...), line[end+2:]
		default:
			a.record = append(a.record, line[:end]...)
			return line[end+1:], nil
		}
	}
}

// parseTime reads RFC 3339 in UTC, which time.Parse takes three times as long
// for.
func parseTime(b []byte) (int64, error) {
	const plain = len("2006-01-02T15:04:05Z")
	if len(b) < plain || b[len(b)-1] != 'Z' || b[4] != '-' || b[10] != 'T' || b[13] != ':' {
		return 0, fmt.Errorf("%w: time %q", errAnswer, b)
	}
	bad := false
	two := func(i int) int {
		hi, lo := b[i]-'0', b[i+1]-'0'
		bad = bad || hi > 9 || lo > 9
		return int(hi)*10 + int(lo)
	}
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	nanos, scale := int64(0), int64(100_000_000)
	for i := plain; i < len(b)-1; i++ { // b[19] is the point
		digit := b[i] - '0'
		bad = bad || digit > 9
		nanos, scale = nanos+int64(digit)*scale, scale/10
	}
	if bad || month < 1 || month > 12 {
		return 0, fmt.Errorf("%w: time %q", errAnswer, b)
	}
	return unixDay(year, month, day)*int64(24*time.Hour) + int64(hour*3600+minute*60+second)*int64(time.Second) + nanos, nil
}

// unixDay counts days since 1970-01-01 in the Gregorian calendar, by years
// that begin in March.
func unixDay(year, month, day int) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	return int64(365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719469)
}
