package sheet

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// csvReader reads CSV as spreadsheet programs write it in any country.
type csvReader struct {
	file *os.File
	csv  *csv.Reader
	rows int
	skew int // lines before what csv sees
}

// newCSV finds out encoding and separator from the beginning of a file.
func newCSV(file *os.File) (*csvReader, error) {
	text := bufio.NewReaderSize(transform.NewReader(file, unicode.BOMOverride(transform.Nop)), 64<<10)
	r := &csvReader{file: file}
	first, err := text.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	if bytes.IndexByte(first, 0) >= 0 {
		return nil, fault("file-type", "is neither CSV nor a spreadsheet; save it as CSV UTF-8 or .xlsx")
	}
	line, _, _ := bytes.Cut(first, []byte("\n"))
	separator, told := separatorOf(string(bytes.TrimRight(line, "\r")))
	if told {
		if _, err := text.ReadString('\n'); err != nil {
			return nil, fault("empty-file", "the file is empty")
		}
		r.skew = 1
	}
	r.csv = csv.NewReader(text)
	r.csv.Comma, r.csv.FieldsPerRecord, r.csv.ReuseRecord = separator, -1, true
	return r, nil
}

// separatorOf takes what stands most often outside quotes in the first line,
// or what the line "sep=;" tells.
func separatorOf(line string) (separator rune, told bool) {
	if rest, ok := strings.CutPrefix(strings.ToLower(line), "sep="); ok && len(rest) == 1 && strings.Contains(";,\t", rest) {
		return rune(rest[0]), true
	}
	counts, quoted := map[rune]int{}, false
	for _, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted:
			counts[c]++
		}
	}
	separator = ','
	for _, c := range ";\t" {
		if counts[c] > counts[separator] {
			separator = c
		}
	}
	return separator, false
}

// Next implements Reader.
func (r *csvReader) Next() ([]string, int, error) {
	for {
		record, err := r.csv.Read()
		var parse *csv.ParseError
		switch {
		case errors.As(err, &parse):
			r.rows++
			return nil, parse.StartLine + r.skew, rowFault("quotes", "a quotation mark is out of place in line %s; double those within a quoted cell", strconv.Itoa(parse.Line+r.skew))
		case err != nil:
			return nil, 0, err
		case blank(record):
			continue
		}
		line, _ := r.csv.FieldPos(0)
		line += r.skew
		if err := r.check(record); err != nil {
			return nil, line, err
		}
		return record, line, nil
	}
}

func (r *csvReader) check(record []string) error {
	if r.rows++; r.rows > MaxRows+1 {
		return fault("too-many-rows", "has more than %s rows; send it in parts", strconv.Itoa(MaxRows))
	}
	if len(record) > MaxColumns {
		return rowFault("too-many-columns", "the row has %s cells, more than %s", strconv.Itoa(len(record)), strconv.Itoa(MaxColumns))
	}
	for i := range record {
		if !utf8.ValidString(record[i]) {
			return rowFault("encoding", "the text is not UTF-8; save the file as CSV UTF-8")
		}
		record[i] = unguard(record[i])
	}
	return nil
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// Dates1904 implements Reader.
func (r *csvReader) Dates1904() bool { return false }

// Close implements Reader.
func (r *csvReader) Close() error { return r.file.Close() }

// csvWriter writes CSV that spreadsheet programs show as it is meant.
type csvWriter struct {
	csv     *csv.Writer
	numbers map[int]bool
	safe    []string
}

// NewCSV writes UTF-8 with a byte order mark, without which Excel takes the
// text for another encoding, and guards cells against being calculated, but
// for those of the columns that hold numbers alone.
func NewCSV(to io.Writer, numbers ...int) (Writer, error) {
	if _, err := io.WriteString(to, "\ufeff"); err != nil {
		return nil, err
	}
	w := &csvWriter{csv: csv.NewWriter(to), numbers: map[int]bool{}}
	for _, column := range numbers {
		w.numbers[column] = true
	}
	return w, nil
}

// Write implements Writer.
func (w *csvWriter) Write(cells []string) error {
	w.safe = w.safe[:0]
	for i, cell := range cells {
		if _, err := strconv.ParseFloat(cell, 64); err != nil || !w.numbers[i] {
			cell = guard(cell)
		}
		w.safe = append(w.safe, cell)
	}
	return w.csv.Write(w.safe)
}

// Close implements Writer.
func (w *csvWriter) Close() error {
	w.csv.Flush()
	return w.csv.Error()
}
