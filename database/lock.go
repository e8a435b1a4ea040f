package database

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ErrInUse is the kind of every refusal to share a store with a running hub.
var ErrInUse = errors.New("a hub is running on this")

// LockDir takes a data folder for this process, until release or the end of
// the process, however that comes; keep release, for the lock goes with it
// when the garbage collector finds it dropped. It answers ErrInUse while
// another holds the folder.
func LockDir(dir string) (release func() error, err error) {
	return lockFile(filepath.Join(dir, "hub.lock"))
}

// lockFile holds an operating-system lock on a file. The file stays: removing
// it would let a third process lock a new one beside the second.
func lockFile(path string) (release func() error, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := tryLock(file); err != nil {
		return nil, errors.Join(inUse(file, err), file.Close())
	}
	if err := sign(file); err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), file.Close())
	}
	return file.Close, nil
}

// sign writes the process's number for the text of a later refusal.
func sign(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(fmt.Sprintln(os.Getpid())), 0)
	return err
}

func inUse(file *os.File, err error) error {
	if !errors.Is(err, errLocked) {
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	holder := make([]byte, 20)
	n, err := file.ReadAt(holder, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		n = 0
	}
	if pid := strings.TrimSpace(string(holder[:n])); pid != "" {
		return fmt.Errorf("%w folder (process %s holds %s); stop it first", ErrInUse, pid, file.Name())
	}
	return fmt.Errorf("%w folder (another process holds %s); stop it first", ErrInUse, file.Name())
}
