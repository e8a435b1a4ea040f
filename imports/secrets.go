package imports

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

// keptFile has the rows of a device file with secrets once its import is over,
// without those that were set.
const keptFile = "kept.jsonl"

// keptSeed is for how long made secrets may be fetched.
const keptSeed = 72 * time.Hour

// keptRow is a row of keptFile. The first is the header.
type keptRow struct {
	Cells  []string
	Locked string `json:",omitempty"` // the secret of a row that failed
}

// lines are the rows of a device file: as it was sent, or what is kept of it.
type lines interface {
	Header() []string
	Next() (devices.Line, error)
	Close() error
}

// keptLines reads a keptFile.
type keptLines struct {
	*os.File
	j      *job
	rows   *json.Decoder
	header []string
	secret int
}

// lines opens what there is of an import's device file.
func (j *job) lines(zone *time.Location) (lines, error) {
	file, err := os.Open(filepath.Join(j.path, keptFile))
	if errors.Is(err, fs.ErrNotExist) {
		return j.rows(zone)
	}
	if err != nil {
		return nil, err
	}
	k := &keptLines{File: file, j: j, rows: json.NewDecoder(bufio.NewReader(file))}
	var head keptRow
	if err := k.rows.Decode(&head); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	k.header, k.secret = head.Cells, slices.Index(head.Cells, "secret")
	return k, nil
}

// Header implements lines.
func (k *keptLines) Header() []string { return k.header }

// Next implements lines; of a row it gives the cells alone.
func (k *keptLines) Next() (devices.Line, error) {
	var row keptRow
	if err := k.rows.Decode(&row); err != nil {
		return devices.Line{}, err // io.EOF after the last
	}
	if row.Locked != "" {
		if secret, err := access.Unseal(k.j.key, row.Locked, k.j.state.ID); err == nil { // else the key is another, and the secret gone
			row.Cells[k.secret] = secret
		}
	}
	return devices.Line{Cells: row.Cells}, nil
}

// settle drops the secrets in the file of an import that is over: those that
// were set are with the devices, and others wait locked for who mends the rows.
func (j *job) settle(zone *time.Location) error {
	if j.state.Kind != Devices { // set once
		return nil
	}
	if _, err := os.Stat(filepath.Join(j.path, keptFile)); errors.Is(err, fs.ErrNotExist) {
		reader, err := j.rows(zone)
		if err != nil {
			return err
		}
		defer reader.Close()
		secret := slices.Index(reader.Header(), "secret")
		if secret < 0 {
			return nil
		}
		if err := j.writeKept(reader, secret); err != nil {
			return err
		}
	}
	if err := os.Remove(j.sent(0)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (j *job) writeKept(reader *devices.RowReader, secret int) (err error) {
	path := filepath.Join(j.path, keptFile)
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	text := bufio.NewWriter(file)
	out := json.NewEncoder(text)
	err = out.Encode(keptRow{Cells: reader.Header()})
	write := func(r *Result) error {
		line, err := reader.Next()
		if err != nil {
			return err
		}
		row := keptRow{Cells: line.Cells}
		if given := row.Cells[secret]; given != "" {
			row.Cells[secret] = ""
			if r == nil || r.Result == devices.Failed {
				if row.Locked, err = access.Seal(j.key, given, j.state.ID); err != nil {
					return err
				}
			}
		}
		return out.Encode(row)
	}
	if err == nil {
		err = j.results(func(r Result) error { return write(&r) })
	}
	for err == nil { // what was never done
		err = write(nil)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err := errors.Join(err, text.Flush(), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// keptState is an Import as it is written: with its seed locked.
type keptState struct {
	Import
	Locked string `json:",omitempty"`
}

func (f folder) lock(state Import) (kept keptState, err error) {
	kept.Import = state
	if state.Seed != nil {
		kept.Seed = nil
		kept.Locked, err = access.Seal(f.key, string(state.Seed), state.ID)
	}
	return kept, err
}

// unlock answers a state without seed when the key is another: then the made
// secrets can no longer be told.
func (f folder) unlock(kept keptState) Import {
	if kept.Locked != "" {
		if seed, err := access.Unseal(f.key, kept.Locked, kept.ID); err == nil {
			kept.Seed = []byte(seed)
		}
	}
	return kept.Import
}

// take gives the seed of an import that is done, this once; nil when it has
// none.
func (j *job) take() ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.State != Done && j.state.State != Broken || j.state.Seed == nil {
		return nil, nil
	}
	seed, next := j.state.Seed, j.state
	next.Seed = nil
	if err := j.save(next); err != nil {
		return nil, err
	}
	j.state = next
	return seed, nil
}

// tidySecrets drops the seeds that nobody fetched in time.
func (m *Imports) tidySecrets() {
	for _, j := range m.all() {
		state := j.snapshot()
		if !j.ended() || m.o.Now().Before(state.Ended.Add(keptSeed)) {
			continue
		}
		if _, err := j.take(); err != nil {
			m.o.Log.Error("the secrets that an import made can still be fetched", "import", state.ID, "error", err)
		}
	}
}
