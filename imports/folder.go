package imports

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// The files of an import beside those that were sent.
const (
	stateFile   = "import.json"
	resultsFile = "rows.jsonl"
)

// folder is where an import keeps its state, the files sent and the results.
// Only the hub's user can read it: a file may hold secrets.
type folder struct {
	path string
	key  []byte // locks secrets that have to be kept for a while
}

// load finds all imports below a folder. One that never got so far as to have
// a state is removed.
func load(dir string, key []byte) ([]*job, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var jobs []*job
	for _, entry := range entries {
		j := &job{folder: folder{filepath.Join(dir, entry.Name()), key}}
		raw, err := os.ReadFile(filepath.Join(j.path, stateFile))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = j.remove()
		case err == nil:
			var kept keptState
			if err = json.Unmarshal(raw, &kept); err == nil {
				j.state = j.unlock(kept)
				err = j.recount()
			}
			jobs = append(jobs, j)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w; move this folder away to go on without it", j.path, err)
		}
	}
	return jobs, nil
}

// create makes the folder and keeps the files.
func (j *job) create(dir string, files map[string][]byte) error {
	j.path = filepath.Join(dir, j.state.ID)
	if err := os.MkdirAll(j.path, 0o700); err != nil {
		return err
	}
	for name := range files {
		j.state.Names = append(j.state.Names, name)
	}
	slices.Sort(j.state.Names)
	for i, name := range j.state.Names {
		if err := writeDurably(j.sent(i), files[name]); err != nil {
			return errors.Join(err, j.remove())
		}
	}
	return nil
}

// sent is the path of a file that was sent, by its place in Names.
func (f folder) sent(i int) string { return filepath.Join(f.path, "sent-"+strconv.Itoa(i)) }

func (f folder) remove() error { return os.RemoveAll(f.path) }

// bytes is what the folder holds, as far as that can be told.
func (f folder) bytes() (sum int64) {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return 0
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// save keeps the state in place of the one before.
func (f folder) save(state Import) error {
	kept, err := f.lock(state)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	next := filepath.Join(f.path, stateFile+".new")
	if err := writeDurably(next, raw); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(f.path, stateFile))
}

func writeDurably(path string, raw []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	return errors.Join(err, file.Sync(), file.Close())
}

// keep appends results and counts them.
func (j *job) keep(results []Result) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for i := range results {
		if err := encoder.Encode(&results[i]); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(filepath.Join(j.path, resultsFile), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(text.Bytes(), j.size)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.size += int64(text.Len())
	for i := range results {
		j.state.add(results[i].Result)
	}
	return nil
}

// results reads what was kept.
func (j *job) results(each func(Result) error) error {
	j.mu.Lock()
	size := j.size
	j.mu.Unlock()
	return j.read(size, func(r Result, _ int) error { return each(r) })
}

// read calls each with the results in the first bytes of their file, and with
// the length of each one's line.
func (f folder) read(size int64, each func(r Result, length int) error) (err error) {
	file, err := os.Open(filepath.Join(f.path, resultsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	lines := bufio.NewReader(io.LimitReader(file, size))
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // what has no end was being written when the hub was killed
		}
		if err != nil {
			return err
		}
		var r Result
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("%s: %w", resultsFile, err)
		}
		if err := each(r, len(line)); err != nil {
			return err
		}
	}
}

// recount takes the counts from the results that were kept whole.
func (j *job) recount() error {
	j.state.Counts = Counts{Total: j.state.Total}
	return j.read(1<<62, func(r Result, length int) error {
		j.size += int64(length)
		j.state.add(r.Result)
		return nil
	})
}
