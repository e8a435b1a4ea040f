package sheet

import (
	"archive/zip"
	"errors"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// xlsxReader reads the first sheet of a spreadsheet, row by row.
type xlsxReader struct {
	file *excelize.File
	rows *excelize.Rows
	line int
	seen int
	wide int // cells of all rows, also of those that are blank
	old  bool
}

func openXLSX(path string) (Reader, error) {
	if err := checkUnzipped(path); err != nil {
		return nil, err
	}
	file, err := excelize.OpenFile(path, excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnzip, UnzipXMLSizeLimit: memoryXML})
	if err != nil {
		return nil, broken(err)
	}
	r := &xlsxReader{file: file}
	if properties, err := file.GetWorkbookProps(); err == nil && properties.Date1904 != nil {
		r.old = *properties.Date1904
	}
	sheets := file.GetSheetList()
	if len(sheets) == 0 {
		return nil, errors.Join(broken(errors.New("it has no sheet")), file.Close())
	}
	if r.rows, err = file.Rows(sheets[0]); err != nil {
		return nil, errors.Join(broken(err), file.Close())
	}
	return r, nil
}

func broken(err error) error {
	return fault("broken-spreadsheet", "the spreadsheet cannot be read (%s); open it, save it again as .xlsx and send that", err.Error())
}

// checkUnzipped refuses what would fill memory or disk: a spreadsheet of text
// packs ten times, a bomb thousands of times.
func checkUnzipped(path string) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return broken(err)
	}
	var packed, unpacked uint64
	for _, f := range archive.File {
		packed += f.CompressedSize64
		unpacked += min(f.UncompressedSize64, maxUnzip+1)
	}
	if err := archive.Close(); err != nil {
		return err
	}
	if unpacked > maxUnzip || (unpacked > freeUnzip && unpacked > maxSpread*packed) {
		return tooLarge()
	}
	return nil
}

func tooLarge() error {
	return fault("too-large-unzipped", "unzips to more than a spreadsheet of devices may (%s MiB); send it in parts, without pictures", strconv.Itoa(maxUnzip>>20))
}

// Next implements Reader.
func (r *xlsxReader) Next() ([]string, int, error) {
	for r.rows.Next() {
		r.line++
		cells, err := r.rows.Columns()
		if err != nil {
			return nil, r.line, broken(err)
		}
		if r.wide += len(cells); r.wide > maxCells {
			return nil, r.line, tooLarge()
		}
		if blank(cells) {
			continue
		}
		if r.seen++; r.seen > MaxRows+1 {
			return nil, r.line, fault("too-many-rows", "has more than %s rows; send it in parts", strconv.Itoa(MaxRows))
		}
		if len(cells) > MaxColumns {
			return nil, r.line, rowFault("too-many-columns", "the row has %s cells, more than %s", strconv.Itoa(len(cells)), strconv.Itoa(MaxColumns))
		}
		for i := range cells {
			cells[i] = unguard(cells[i])
		}
		return cells, r.line, nil
	}
	if err := r.rows.Error(); err != nil {
		return nil, r.line, broken(err)
	}
	return nil, r.line, io.EOF
}

// Dates1904 implements Reader.
func (r *xlsxReader) Dates1904() bool { return r.old }

// Close implements Reader.
func (r *xlsxReader) Close() error { return errors.Join(r.rows.Close(), r.file.Close()) }

// xlsxWriter writes one sheet; what is above some megabytes waits on disk.
type xlsxWriter struct {
	to      io.Writer
	file    *excelize.File
	stream  *excelize.StreamWriter
	numbers map[int]bool
	line    int
	row     []any
}

// NewXLSX writes a spreadsheet with one sheet, its header pinned and all
// columns as text but those that hold numbers, so that the next person's
// leading zeros stay.
func NewXLSX(to io.Writer, name string, header []string, numbers ...int) (Writer, error) {
	w := &xlsxWriter{to: to, file: excelize.NewFile(), numbers: map[int]bool{}}
	for _, column := range numbers {
		w.numbers[column] = true
	}
	if err := w.begin(name, header); err != nil {
		return nil, errors.Join(err, w.file.Close())
	}
	return w, nil
}

func (w *xlsxWriter) begin(name string, header []string) error {
	if err := w.file.SetSheetName(w.file.GetSheetName(0), name); err != nil {
		return err
	}
	text, err := w.file.NewStyle(&excelize.Style{NumFmt: 49})
	if err != nil {
		return err
	}
	if w.stream, err = w.file.NewStreamWriter(name); err != nil {
		return err
	}
	if err := w.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	for i := range header {
		if err := w.stream.SetColWidth(i+1, i+1, 20); err != nil {
			return err
		}
		if !w.numbers[i] {
			if err := w.stream.SetColStyle(i+1, i+1, text); err != nil {
				return err
			}
		}
	}
	return w.Write(header)
}

// Write implements Writer.
func (w *xlsxWriter) Write(cells []string) error {
	w.line++
	w.row = w.row[:0]
	for i, cell := range cells {
		number, err := strconv.ParseFloat(cell, 64)
		switch {
		case cell == "":
			w.row = append(w.row, nil)
		case w.numbers[i] && err == nil:
			w.row = append(w.row, number)
		case cell[0] == '\'':
			w.row = append(w.row, guard(cell)) // a text cell is never calculated, but a reader takes guards off
		default:
			w.row = append(w.row, cell)
		}
	}
	return w.stream.SetRow("A"+strconv.Itoa(w.line), w.row)
}

// Close implements Writer.
func (w *xlsxWriter) Close() error {
	if err := w.stream.Flush(); err != nil {
		return errors.Join(err, w.file.Close())
	}
	_, err := w.file.WriteTo(w.to)
	return errors.Join(err, w.file.Close())
}
