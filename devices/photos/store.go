package photos

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"cityhub/devices"
)

// namePattern is what Keep gives names like; nothing else is looked for.
var namePattern = regexp.MustCompile(`^[A-Z2-7]{26}\.(jpg|png|webp)$`)

const unfinished = ".part" // the ending of a picture that is being written

// Store keeps pictures as files of one folder. It implements
// devices.PhotoStore, and is safe for concurrent use.
type Store struct{ root *os.Root }

// Open makes the folder when it is absent, and removes what a crash left
// unfinished in it.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("photos: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("photos: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"+unfinished))
	for _, file := range left {
		err = errors.Join(err, os.Remove(file))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("photos: %w", err), root.Close())
	}
	return &Store{root}, nil
}

// Close lets go of the folder.
func (s *Store) Close() error { return s.root.Close() }

// Keep implements devices.PhotoStore. The file has a random name, so that
// nobody can guess it and two equal pictures have nothing to do with each other.
func (s *Store) Keep(body []byte, strip bool) (devices.PhotoFile, error) {
	k, size, err := inspect(body)
	if err != nil {
		return devices.PhotoFile{}, err
	}
	if strip {
		if body, err = k.strip(body); err != nil {
			return devices.PhotoFile{}, refuse("is a broken %s: %v", k.mediaType, err)
		}
	}
	file := devices.PhotoFile{File: rand.Text() + k.ending, MediaType: k.mediaType, Bytes: int64(len(body)),
		Width: size.Width, Height: size.Height, Stripped: strip}
	if err := s.write(file.File, body); err != nil {
		return devices.PhotoFile{}, fmt.Errorf("photos: %w", err)
	}
	return file, nil
}

// write makes a file appear whole, and durably, or not at all.
func (s *Store) write(name string, body []byte) error {
	part := strings.TrimSuffix(name, filepath.Ext(name)) + unfinished
	file, err := s.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = s.root.Rename(part, name)
	}
	if err != nil {
		return errors.Join(err, s.root.Remove(part))
	}
	return s.sync()
}

// sync makes the folder's entries durable.
func (s *Store) sync() error {
	dir, err := s.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Read implements devices.PhotoStore.
func (s *Store) Read(name string) ([]byte, error) {
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("photo %q: %w", name, devices.ErrNotFound)
	}
	body, err := s.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("photo %q: %w", name, devices.ErrNotFound)
	}
	return body, err
}

// Remove implements devices.PhotoStore; what is not there is gone already.
func (s *Store) Remove(name string) error {
	if !namePattern.MatchString(name) {
		return nil
	}
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("photos: %w", err)
	}
	return s.sync()
}
