package spool

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	_ "modernc.org/sqlite"
)

// logEngine is this package.
type logEngine struct {
	*Spool
	after Position
}

func openLog(dir string) (engine, error) {
	s, err := Open(Options{Dir: dir})
	return &logEngine{Spool: s}, err
}

func (e *logEngine) append(record []byte) error {
	return e.Append(context.Background(), record, readingsPerRecord)
}

func (e *logEngine) read(uint64) ([]byte, error) {
	r, err := e.Next(&endsWhenAsked{Context: context.Background()}, e.after)
	if err == nil {
		e.after = r.Position
	}
	return r.Data, err
}

func (e *logEngine) free(uint64) error        { return e.Advance(e.after) }
func (e *logEngine) pending() (uint64, error) { return uint64(e.Stats().Records), nil }
func (e *logEngine) close() error             { return e.Close() }

// pebbleEngine keeps each record under its number.
type pebbleEngine struct {
	db   *pebble.DB
	next uint64
}

func openPebble(dir string) (engine, error) {
	db, err := pebble.Open(dir, &pebble.Options{Logger: quietLogger{}})
	if err != nil {
		return nil, err
	}
	return &pebbleEngine{db: db}, nil
}

type quietLogger struct{}

func (quietLogger) Infof(string, ...any)           {}
func (quietLogger) Errorf(string, ...any)          {}
func (quietLogger) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

func key(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

func (e *pebbleEngine) append(record []byte) error {
	e.next++
	return e.db.Set(key(e.next-1), record, pebble.Sync)
}

func (e *pebbleEngine) read(number uint64) ([]byte, error) {
	data, closer, err := e.db.Get(key(number))
	if err != nil {
		return nil, err
	}
	return slices.Clone(data), closer.Close()
}

func (e *pebbleEngine) free(before uint64) error {
	return e.db.DeleteRange(key(0), key(before), pebble.NoSync)
}

func (e *pebbleEngine) pending() (uint64, error) {
	it, err := e.db.NewIter(nil)
	if err != nil {
		return 0, err
	}
	defer it.Close()
	if !it.First() {
		return 0, it.Error()
	}
	first := binary.BigEndian.Uint64(it.Key())
	it.Last()
	return binary.BigEndian.Uint64(it.Key()) - first + 1, it.Error()
}

func (e *pebbleEngine) close() error { return e.db.Close() }

// sqliteEngine keeps each record as a row.
type sqliteEngine struct{ db *sql.DB }

func openSQLite(dir string) (engine, error) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "spool.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec("CREATE TABLE IF NOT EXISTS record (number INTEGER PRIMARY KEY, readings INTEGER, data BLOB)")
	return &sqliteEngine{db}, err
}

func (e *sqliteEngine) append(record []byte) error {
	_, err := e.db.Exec("INSERT INTO record (number, readings, data) VALUES ((SELECT coalesce(max(number), -1) + 1 FROM record), ?, ?)",
		readingsPerRecord, record)
	return err
}

func (e *sqliteEngine) read(number uint64) (data []byte, err error) {
	err = e.db.QueryRow("SELECT data FROM record WHERE number = ?", int64(number)).Scan(&data)
	return data, err
}

func (e *sqliteEngine) free(before uint64) error {
	_, err := e.db.Exec("DELETE FROM record WHERE number < ?", int64(before))
	return err
}

func (e *sqliteEngine) pending() (n uint64, err error) {
	err = e.db.QueryRow("SELECT coalesce(max(number) - min(number) + 1, 0) FROM record").Scan(&n)
	return n, err
}

func (e *sqliteEngine) close() error { return e.db.Close() }
