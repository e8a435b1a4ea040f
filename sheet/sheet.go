// Package sheet reads and writes tables of text as offices keep them: CSV in
// the dialects of spreadsheet programs, and XLSX. It knows nothing of what the
// tables are about, and holds one row at a time.
package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// The bounds of a file; who needs more sends it in parts.
const (
	MaxRows    = 100_000
	MaxColumns = 64
	maxUnzip   = 64 << 20
	maxSpread  = 100                  // times its own size that a spreadsheet may unzip to, beyond freeUnzip
	freeUnzip  = 8 << 20              // what any spreadsheet may unzip to
	maxCells   = MaxRows * MaxColumns // of a spreadsheet; one far to the right makes a row of all before it
	memoryXML  = 16 << 20             // of one part of a spreadsheet; larger ones are unzipped to disk
)

// Fault says what is wrong with a file or a row in it.
type Fault struct {
	Code   string   // stable, fit for a program: one of Codes
	Args   []string // what the text is made with
	Detail string   // the same in English
	Row    bool     // about one row: reading can go on
}

func (f *Fault) Error() string { return f.Detail }

// Codes are the codes of all faults.
func Codes() []string {
	return []string{"empty-file", "file-type", "old-spreadsheet", "broken-spreadsheet", "too-large-unzipped", "too-many-rows", "too-many-columns", "quotes", "encoding"}
}

func fault(code, detail string, args ...string) *Fault {
	anys := make([]any, len(args))
	for i, a := range args {
		anys[i] = a
	}
	return &Fault{Code: code, Args: args, Detail: fmt.Sprintf(detail, anys...)}
}

func rowFault(code, detail string, args ...string) *Fault {
	f := fault(code, detail, args...)
	f.Row = true
	return f
}

// Reader gives the rows of a table in their order.
type Reader interface {
	// Next gives the cells of the next row that is not empty and its line in
	// the file, from 1; io.EOF after the last. A *Fault about a row lets
	// reading go on. The cells are the caller's only until the next call.
	Next() (cells []string, line int, err error)
	// Dates1904 says that numbers which stand for dates count from 1904.
	Dates1904() bool
	Close() error
}

// Open reads a file as what its first bytes say that it is.
func Open(path string) (Reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	head := make([]byte, 8)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.Join(err, file.Close())
	}
	switch head = head[:n]; {
	case n == 0:
		return nil, errors.Join(fault("empty-file", "the file is empty"), file.Close())
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		if err := file.Close(); err != nil {
			return nil, err
		}
		return openXLSX(path)
	case bytes.HasPrefix(head, []byte{0xd0, 0xcf, 0x11, 0xe0}):
		return nil, errors.Join(fault("old-spreadsheet", "is an old or a protected spreadsheet; save it as .xlsx without a password, or as CSV UTF-8"), file.Close())
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	reader, err := newCSV(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return reader, nil
}

// Writer takes the rows of a table in their order.
type Writer interface {
	Write(cells []string) error
	// Close finishes the file; the io.Writer below stays open.
	Close() error
}

// guarded are the first letters at which a spreadsheet program begins to
// calculate what should be shown.
const guarded = "=+-@\t\r\n"

// guard makes a text safe to be opened in a spreadsheet program; unguard gives
// back exactly what guard was given.
func guard(text string) string {
	if calculates(text) {
		return "'" + text
	}
	return text
}

func unguard(text string) string {
	if len(text) > 0 && text[0] == '\'' && calculates(text[1:]) {
		return text[1:]
	}
	return text
}

// calculates says that a text begins, after any apostrophes, as a formula does.
func calculates(text string) bool {
	for len(text) > 0 && text[0] == '\'' {
		text = text[1:]
	}
	return len(text) > 0 && bytes.IndexByte([]byte(guarded), text[0]) >= 0
}
