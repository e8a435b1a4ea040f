package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// postgresConnections bounds one hub's share of the server's connections.
const postgresConnections = 16 // beside the one of the hold

type postgresEngine struct{}

func (postgresEngine) placeholder(n int) string { return "$" + strconv.Itoa(n) }

func (e postgresEngine) numbered(n int) string { return e.placeholder(n) }

func (postgresEngine) lastID() bool { return false }

func (postgresEngine) exclusive(table string) string {
	return "LOCK TABLE " + table + " IN EXCLUSIVE MODE"
}

func (postgresEngine) migrations() (fs.FS, goose.Dialect, []goose.ProviderOption, error) {
	files, err := fs.Sub(migrationFiles, "migrations/postgres")
	return files, goose.DialectPostgres, nil, err
}

func (postgresEngine) setAside(ctx context.Context, s *session, table string, _ int64, n int) ([]int64, error) {
	rows, err := s.rows(ctx, s.write, "SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2)", table, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ids := make([]int64, 0, n)
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// openPostgres opens the store for this process alone.
func openPostgres(ctx context.Context, url string) (*Database, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open the database: the PostgreSQL URL: %w", err)
	}
	held, err := holdStore(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(postgresConnections)
	pool.SetMaxIdleConns(postgresConnections)
	db := bun.NewDB(pool, pgdialect.New())
	return &Database{engine: postgresEngine{}, read: db, write: db, hold: held, release: held.release}, nil
}

// violation reads the SQLSTATE. The columns stand in the detail, as in
// "Key (code)=(x) already exists.", whatever the server's language.
func (postgresEngine) violation(err error) *violation {
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) {
		return nil
	}
	_, rest, _ := strings.Cut(refusal.Detail, "(")
	columns, _, _ := strings.Cut(rest, ")=")
	switch refusal.Code {
	case "23505":
		return &violation{ruleUnique, refusal.TableName, columns}
	case "23503":
		return &violation{ruleForeign, refusal.TableName, columns}
	case "23502":
		return &violation{ruleMissing, refusal.TableName, refusal.ColumnName}
	case "23514":
		return &violation{rule: ruleCheck, table: refusal.TableName, columns: refusal.ConstraintName}
	}
	return nil
}
