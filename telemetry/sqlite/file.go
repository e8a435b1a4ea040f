package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// file is one period's database. The table line holds every line, clustered by
// group and time. The table latest holds, for every group of this file, the
// newest value of each field; it also is the list of the file's groups.
type file struct {
	path   string
	span   period
	users  int   // guarded by the pool
	used   int64 // guarded by the pool
	writer *sql.DB
	reader *sql.DB
	stmts  statements
}

const (
	schemaVersion = 1
	schema        = `
CREATE TABLE IF NOT EXISTS line (g INTEGER NOT NULL, t INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (g, t)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latest (g INTEGER PRIMARY KEY, data BLOB NOT NULL);
PRAGMA user_version = 1;`
)

// dsn asks for a commit that is on disk before it is acknowledged, and for
// checkpoints rare enough that a page that many lines touch is copied once.
func dsn(path string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path}
	return u.String() + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=wal_autocheckpoint(8000)&_pragma=cache_size(-16000)&_txlock=immediate"
}

func openFile(path string, isNew bool) (*file, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("archive file: %w", err)
	}
	f := &file{path: path}
	if f.writer, err = sql.Open("sqlite", dsn(path)); err != nil {
		return nil, f.explain("open", err)
	}
	if f.reader, err = sql.Open("sqlite", dsn(path)); err != nil {
		return nil, errors.Join(f.explain("open", err), f.close())
	}
	f.writer.SetMaxOpenConns(1)
	f.reader.SetMaxIdleConns(4)
	if err = f.prepare(isNew); err != nil {
		err = f.explain("open", err)
		_ = f.close() // the failure to open is the one to tell
		return nil, err
	}
	return f, nil
}

func (f *file) prepare(isNew bool) error {
	var version int
	if err := f.writer.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > schemaVersion {
		return fmt.Errorf("its format %d is of a newer program than this one, which knows %d", version, schemaVersion)
	}
	if version < schemaVersion {
		if _, err := f.writer.Exec(schema); err != nil {
			return err
		}
	}
	if isNew {
		if err := syncDir(filepath.Dir(f.path)); err != nil {
			return err
		}
	}
	return f.stmts.prepare(f.writer)
}

// syncDir makes a new file's name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// close releases the file; it brings the log back into the database, when it
// is the last to close it.
func (f *file) close() error {
	var errs []error
	errs = append(errs, f.stmts.close())
	for _, db := range []*sql.DB{f.reader, f.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// explain says which file failed and how an operator can mend it.
func (f *file) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	mend := ""
	var failure *sqlite.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, errBlob):
		mend = "; the file is damaged: move it and its -wal away and put a backup in its place"
	case errors.As(err, &failure):
		mend = mendOf(failure.Code() & 0xff)
	}
	return fmt.Errorf("%s archive file %s: %w%s", what, filepath.Base(f.path), err, mend)
}

func mendOf(code int) string {
	switch code {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return "; the file is damaged: move it and its -wal away and put a backup in its place"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "; another process holds the file: let only one hub use this folder"
	case sqlite3.SQLITE_FULL:
		return "; the disk is full: free space or shorten the retention"
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY:
		return "; the hub needs the right to read and write the file and its folder"
	}
	return ""
}
