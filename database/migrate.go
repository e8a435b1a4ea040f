package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"
)

// One folder for each engine, with the same versions, tables and columns: the
// two differ in how ids are made and how triggers are written.
//
//go:embed migrations
var migrationFiles embed.FS

// ErrNewer is the kind of a refusal to open a store of a newer program.
var ErrNewer = errors.New("the database is newer than this program")

// migrate brings the schema to this program's version.
func migrate(ctx context.Context, e engine, db *sql.DB) error {
	files, dialect, options, err := e.migrations()
	if err != nil {
		return err
	}
	options = append(options, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	provider, err := goose.NewProvider(dialect, db, files, options...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	has, knows, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if has > knows {
		return fmt.Errorf("%w: its schema is version %d, this program knows up to %d; "+
			"start the newer program, or restore the backup made before it", ErrNewer, has, knows)
	}
	if has == knows {
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate from version %d to %d (what was done before the failing step is kept): %w", has, knows, err)
	}
	return nil
}
