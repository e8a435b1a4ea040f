package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"cityhub/devices"
)

const (
	importChunk = 500
	keptRows    = 10_000 // that failed, and as many others
)

// uploads are files that were sent, by name.
type uploads map[string][]byte

// Open implements fs.FS; the files can only be read whole.
func (u uploads) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadFile implements fs.ReadFileFS.
func (u uploads) ReadFile(name string) ([]byte, error) {
	text, ok := u[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("this file was not sent along")}
	}
	return text, nil
}

// job is one import.
type job struct {
	run func(ctx context.Context, r *devices.Registry) error

	mu     sync.Mutex
	state  Import
	failed int // rows kept that failed
}

// entry is one row of a device file.
type entry struct {
	row  devices.Row
	line int
	err  error // of reading it
}

// devices makes the job import a device file.
func (j *job) devices(files uploads) error {
	if len(files) != 1 {
		return formProblem("file", "devices are imported from one CSV file")
	}
	var entries []entry
	for name, text := range files {
		if strings.HasSuffix(strings.ToLower(name), ".xlsx") {
			return formProblem("file", "is a spreadsheet; save it as CSV (UTF-8) and send that")
		}
		var err error
		if entries, err = readRows(text); err != nil {
			return err
		}
	}
	j.state.Total = len(entries)
	j.run = func(ctx context.Context, r *devices.Registry) error {
		for chunk := range slices.Chunk(entries, importChunk) {
			if err := j.chunk(ctx, r, chunk); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

func readRows(text []byte) ([]entry, error) {
	reader, err := devices.NewRowReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var entries []entry
	for {
		row, line, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil && !errors.Is(err, devices.ErrInvalid) {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		entries = append(entries, entry{row, line, err})
	}
}

func (j *job) chunk(ctx context.Context, r *devices.Registry, chunk []entry) error {
	var rows []devices.Row
	for i := range chunk {
		if chunk[i].err == nil {
			rows = append(rows, chunk[i].row)
		}
	}
	results, errs := r.ImportRows(ctx, rows)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	next := 0
	for i := range chunk {
		result, err := devices.Failed, chunk[i].err
		if err == nil {
			result, err = results[next], errs[next]
			next++
		}
		j.note(ImportRow{Line: chunk[i].line, Device: chunk[i].row.Device}, result, err)
	}
	return nil
}

// models makes the job import model files.
func (j *job) models(files uploads) error {
	var names []string
	for name := range files {
		if ext := path.Ext(name); ext == ".yaml" || ext == ".yml" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return formProblem("file", "models are imported from .yaml files; none was sent")
	}
	slices.Sort(names)
	j.state.Total = len(names)
	j.run = func(ctx context.Context, r *devices.Registry) error {
		for _, name := range names {
			result, code := devices.Failed, name
			sensor, err := devices.ReadModel(files, name)
			if err == nil {
				code = sensor.Code
				sensor, result, err = r.PutSensor(ctx, sensor)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			j.note(ImportRow{Model: code}, result, err)
		}
		return nil
	}
	return nil
}

// note counts a row and keeps it, while there is room for its kind.
func (j *job) note(row ImportRow, result devices.Result, err error) {
	if err != nil {
		p := problemOf(err)
		result, row.Detail = devices.Failed, p.Detail
		if len(p.Errors) > 0 {
			row.Field, row.Detail = columnName(err, p), p.Errors[0].Detail
		}
	}
	row.Result = string(result)
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &j.state
	s.Done++
	switch result {
	case devices.Created:
		s.Created++
	case devices.Updated:
		s.Updated++
	case devices.Unchanged:
		s.Unchanged++
	default:
		s.Failed++
	}
	failed := result == devices.Failed
	if (failed && j.failed >= keptRows) || (!failed && len(s.Rows)-j.failed >= keptRows) {
		s.Omitted++
		return
	}
	if failed {
		j.failed++
	}
	s.Rows = append(s.Rows, row)
}

// columnName is the field as the file writes it, not as JSON does.
func columnName(err error, p *Problem) string {
	var field *devices.FieldError
	if errors.As(err, &field) {
		return field.Field
	}
	return p.Errors[0].Field
}

func (j *job) begin() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.State = "running"
}

func (j *job) end(state string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.State = state
	j.run = nil // lets the file go
}

func (j *job) ended() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state.State == "done" || j.state.State == "stopped"
}

// forgetRows makes room; the counts stay.
func (j *job) forgetRows() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.State == "done" || j.state.State == "stopped" {
		j.state.Omitted += len(j.state.Rows)
		j.state.Rows = nil
	}
}

func (j *job) snapshot() Import {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.state
	s.Rows = append([]ImportRow{}, s.Rows...)
	return s
}
