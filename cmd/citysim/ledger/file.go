package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Contents is what a ledger file holds.
type Contents struct {
	Records []Record // in the order in which they were written
	Torn    int      // bytes at the end that are no whole record
}

// Read reads a ledger. A torn end, as a kill leaves it, is counted and left
// out; damage before the end is an error.
func Read(path string) (Contents, error) {
	file, err := os.Open(path)
	if err != nil {
		return Contents{}, fmt.Errorf("ledger: %w", err)
	}
	defer file.Close()
	return read(bufio.NewReaderSize(file, 1<<20), path)
}

func read(from io.Reader, path string) (Contents, error) {
	var c Contents
	head := make([]byte, len(magic))
	if n, err := io.ReadFull(from, head); err != nil {
		c.Torn = n
		return c, ignoreEnd(err)
	}
	if string(head) != magic {
		return c, fmt.Errorf("ledger: %s is not one, it begins with %q", path, head)
	}
	var b [recordSize]byte
	for {
		n, err := io.ReadFull(from, b[:])
		if err != nil {
			c.Torn += n
			return c, ignoreEnd(err)
		}
		r, whole := decode(b[:])
		if whole && c.Torn > 0 {
			return c, fmt.Errorf("ledger: %s is damaged before record %d", path, len(c.Records)+1)
		}
		if whole {
			c.Records = append(c.Records, r)
		} else {
			c.Torn += recordSize
		}
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fmt.Errorf("ledger: %w", err)
}

// Writer appends to a ledger. It is safe for concurrent use. What was written
// is on its way to the disk after Flush.
type Writer struct {
	mu     sync.Mutex
	file   *os.File
	buffer *bufio.Writer
	row    []byte
}

// Open opens a ledger for appending, creates it when absent, and gives what it
// holds already. A torn end is cut off.
func Open(path string) (*Writer, Contents, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, Contents{}, fmt.Errorf("ledger: %w", err)
	}
	contents, err := read(bufio.NewReaderSize(file, 1<<20), path)
	if err == nil {
		err = cutTo(file, contents)
	}
	if err != nil {
		return nil, contents, errors.Join(err, file.Close())
	}
	return &Writer{file: file, buffer: bufio.NewWriterSize(file, 1<<18)}, contents, nil
}

// cutTo leaves the header and the whole records, and goes to their end.
func cutTo(file *os.File, c Contents) error {
	end := int64(len(magic) + len(c.Records)*recordSize)
	if _, err := file.WriteAt([]byte(magic), 0); err != nil {
		return err
	}
	if err := file.Truncate(end); err != nil {
		return err
	}
	_, err := file.Seek(end, io.SeekStart)
	return err
}

// Append adds records.
func (w *Writer) Append(records ...Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		w.row = r.appendTo(w.row[:0])
		if _, err := w.buffer.Write(w.row); err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
	}
	return nil
}

// Flush hands all records to the operating system.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.buffer.Flush(); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}

// Close flushes, syncs to the disk and closes.
func (w *Writer) Close() error {
	return errors.Join(w.Flush(), w.file.Sync(), w.file.Close())
}
