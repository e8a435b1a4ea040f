// Package database is the one room that speaks SQL. It opens SQLite or
// PostgreSQL, brings the schema up to date, and keeps what other rooms ask of
// it through their own small interfaces: the registry's nouns, the quarantine,
// the leases of observation ids and the journal of roll-ups. It knows what a
// unique code or a reference is, and nothing of what the nouns mean.
package database

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/uptrace/bun"

	"cityhub/devices"
	"cityhub/idempotency"
	"cityhub/telemetry"
)

// Options says where the store is: exactly one of SQLitePath and PostgresURL.
type Options struct {
	SQLitePath    string // a file; it is made when absent, its folder is not
	PostgresURL   string // postgres://user:password@host/name?…
	QuarantineMax QuarantineMax
}

// QuarantineMax bounds the quarantine; a zero member takes its default.
type QuarantineMax struct {
	Messages int64 // default 100,000
	Bytes    int64 // of payloads and texts; default 1 GiB
}

// Database is an open store. It is safe for concurrent use.
type Database struct {
	engine     engine
	read       *bun.DB
	write      *bun.DB // on SQLite a pool of one connection: one writer
	hold       *hold   // nil on SQLite, where the lock of the file cannot be lost
	release    func() error
	queues     sync.Pool // of what waits in a transaction
	quarantine *quarantine
	journal    *rollUpJournal
}

// Open opens the store and migrates it to this program's schema. It refuses a
// store that a newer program has migrated, and one that a running hub holds
// (ErrInUse).
func Open(ctx context.Context, options Options) (*Database, error) {
	d, err := connect(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, d.engine, d.write.DB); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", err), d.Close())
	}
	d.queues.New = newQueue
	d.quarantine = newQuarantine(d, options.QuarantineMax)
	d.journal = &rollUpJournal{database: d}
	return d, nil
}

func connect(ctx context.Context, options Options) (*Database, error) {
	switch {
	case options.SQLitePath != "" && options.PostgresURL != "":
		return nil, errors.New("open the database: both a SQLite file and a PostgreSQL URL are given; give one")
	case options.SQLitePath != "":
		return openSQLite(options.SQLitePath)
	case options.PostgresURL != "":
		return openPostgres(ctx, options.PostgresURL)
	}
	return nil, errors.New("open the database: neither a SQLite file nor a PostgreSQL URL is given; give one")
}

// Store keeps the registry's nouns.
func (d *Database) Store() devices.Store { return store{d} }

// Quarantine keeps refused messages within the bounds given to Open.
func (d *Database) Quarantine() telemetry.Quarantine { return d.quarantine }

// IDBlocks leases observation ids, unique among all hubs on the same store.
func (d *Database) IDBlocks() telemetry.IDBlocks { return idBlocks{d} }

// Answers keeps the answers to writes that named a key.
func (d *Database) Answers() idempotency.Store { return answers{d} }

// RollUpJournal remembers what has still to be rolled up.
func (d *Database) RollUpJournal() telemetry.RollUpJournal { return d.journal }

// Ping says whether the store answers, and is this program's still.
func (d *Database) Ping(ctx context.Context) error {
	if err := d.hold.lost(); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if err := d.write.PingContext(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// Close ends all connections and lets go of the store.
func (d *Database) Close() error {
	var errs []error
	if d.read != d.write {
		errs = append(errs, d.read.Close())
	}
	errs = append(errs, d.write.Close()) // last: it folds the write-ahead log into the file
	if d.release != nil {
		errs = append(errs, d.release())
	}
	return errors.Join(errs...)
}
