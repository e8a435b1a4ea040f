package database

import (
	"context"
	"database/sql"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// engine is what differs between SQLite and PostgreSQL.
type engine interface {
	// placeholder is how a statement names its n-th argument, from 1.
	placeholder(n int) string
	// numbered names an argument again. SQLite looks for the names of these by
	// walking through a list, so that a statement has few.
	numbered(n int) string
	// lastID says that the driver itself tells the id of a new row; otherwise
	// it takes a RETURNING, for which SQLite would write a journal of its own.
	lastID() bool
	// setAside gives n ids of a table, ascending, to a transaction that gives
	// its new rows their ids itself; given is the last that it gave, 0: none.
	setAside(ctx context.Context, s *session, table string, given int64, n int) ([]int64, error)
	// violation reads a refusal by a constraint out of an error, nil when the
	// error is something else.
	violation(err error) *violation
	// exclusive is the statement that keeps other writers of a table out until
	// the transaction ends; "" where there is one writer anyway.
	exclusive(table string) string
	migrations() (fs.FS, goose.Dialect, []goose.ProviderOption, error)
}

// runner runs statements: a transaction or a pool.
type runner interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// rule is the kind of a constraint.
type rule int

const (
	ruleUnique  rule = iota // another row holds the value
	ruleForeign             // the value names no row, or a row that goes is named
	ruleMissing             // NULL where a value must be
	ruleCheck               // the value is outside what the schema permits
)

// violation is a refusal by a constraint.
type violation struct {
	rule    rule
	table   string // where the constraint is; "" when the engine does not tell
	columns string // e.g. "code" or "group_id, property"; "" when the engine does not tell
}
