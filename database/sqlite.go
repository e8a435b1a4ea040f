package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteReaders is the number of connections that read beside the writer.
const sqliteReaders = 4

type sqliteEngine struct{}

func (sqliteEngine) placeholder(int) string  { return "?" }
func (sqliteEngine) numbered(n int) string   { return "?" + strconv.Itoa(n) }
func (sqliteEngine) lastID() bool            { return true }
func (sqliteEngine) exclusive(string) string { return "" }

func (sqliteEngine) migrations() (fs.FS, goose.Dialect, []goose.ProviderOption, error) {
	files, err := fs.Sub(migrationFiles, "migrations/sqlite")
	return files, goose.DialectSQLite3, nil, err
}

// setAside counts on: nobody else writes meanwhile.
func (sqliteEngine) setAside(ctx context.Context, s *session, table string, given int64, n int) ([]int64, error) {
	if given == 0 {
		if err := one(ctx, s.write, "SELECT seq FROM sqlite_sequence WHERE name = ?", table, &given); err != nil {
			return nil, err
		}
	}
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = given + 1 + int64(i)
	}
	return ids, nil
}

// openSQLite opens the file for this process alone. Readers have a pool of
// their own, for a write-ahead log lets them go on while the writer works.
func openSQLite(path string) (*Database, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	release, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	d, err := openSQLitePools(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), release())
	}
	d.release = release
	return d, nil
}

func openSQLitePools(path string) (*Database, error) {
	// The file holds key hashes, and SQLite itself would let everybody read it.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	write, err := sql.Open("sqlite", sqliteName(path, "_txlock=immediate", "synchronous(FULL)",
		"foreign_keys(1)", "temp_store(MEMORY)", "cache_size(-65536)", "journal_size_limit(67108864)"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", sqliteName(path, "_txlock=deferred", "query_only(1)", "cache_size(-16384)"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(sqliteReaders)
	read.SetMaxIdleConns(sqliteReaders)
	return &Database{engine: sqliteEngine{},
		read: bun.NewDB(read, sqlitedialect.New()), write: bun.NewDB(write, sqlitedialect.New())}, nil
}

// sqliteName is the data source name of a path that may hold any letter.
func sqliteName(path, lock string, pragmas ...string) string {
	name := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + lock +
		"&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"
	for _, pragma := range pragmas {
		name += "&_pragma=" + pragma
	}
	return name
}

// violation reads the texts "UNIQUE constraint failed: things.code (2067)" and
// the like; for references SQLite tells neither table nor column.
func (sqliteEngine) violation(err error) *violation {
	var refusal *sqlite.Error
	if !errors.As(err, &refusal) {
		return nil
	}
	text := refusal.Error()
	_, names, _ := strings.Cut(text[:max(0, strings.LastIndex(text, " ("))], "constraint failed: ")
	if _, after, nested := strings.Cut(names, "constraint failed: "); nested {
		names = after
	}
	table, _, _ := strings.Cut(names, ".")
	columns := strings.ReplaceAll(names, table+".", "")
	switch refusal.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return &violation{ruleUnique, table, columns}
	case sqlite3.SQLITE_CONSTRAINT_NOTNULL:
		return &violation{ruleMissing, table, columns}
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return &violation{rule: ruleForeign}
	case sqlite3.SQLITE_CONSTRAINT_CHECK:
		return &violation{rule: ruleCheck, columns: names}
	}
	return nil
}
