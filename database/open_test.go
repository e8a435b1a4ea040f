package database

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"cityhub/devices"
	"cityhub/telemetry"
)

func TestReopeningKeepsEverything(t *testing.T) {
	onBothEngines(t, func(t *testing.T, options Options) {
		ctx := t.Context()
		d, err := Open(ctx, options)
		must(t, err)
		c := found(ctx, t, d.Store().Tables())
		_, err = d.Quarantine().Add(ctx, []telemetry.Quarantined{message(1, telemetry.NoRoute)})
		must(t, err)
		_, err = d.IDBlocks().Lease(ctx, 10, 0, 1)
		must(t, err)
		must(t, d.RollUpJournal().MarkDirty(ctx, []telemetry.DirtyWindow{{Group: 1, Hour: 2}}))
		shut(t, d)

		d = open(t, options)
		must(t, d.Ping(ctx))
		same(ctx, t, d.Store().Tables().Deployments, c.deployment.ID, c.deployment)
		same(ctx, t, d.Store().Tables().Sensors, c.sensor.ID, c.sensor)
		counted(ctx, t, d.Quarantine(), map[telemetry.Reason]int64{telemetry.NoRoute: 1})
		dirty(ctx, t, d.RollUpJournal(), 9, telemetry.DirtyWindow{Group: 1, Hour: 2})
		block, err := d.IDBlocks().Lease(ctx, 1, 0, 1)
		if err != nil || block.First != 11 {
			t.Errorf("leased %+v, %v after reopening; want first 11", block, err)
		}
	})
}

func TestHubsMayStartTogether(t *testing.T) {
	onBothEngines(t, func(t *testing.T, options Options) {
		if options.SQLitePath != "" {
			return // a SQLite file is for one hub
		}
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				d, err := Open(t.Context(), options)
				if err != nil {
					t.Error(err)
					return
				}
				shut(t, d)
			})
		}
		group.Wait()
	})
}

func TestANewerStoreIsRefused(t *testing.T) {
	onBothEngines(t, func(t *testing.T, options Options) {
		d, err := Open(t.Context(), options)
		must(t, err)
		_, err = d.write.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)")
		must(t, err)
		shut(t, d)
		_, err = Open(t.Context(), options)
		if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "version 99999") {
			t.Errorf("got %v", err)
		}
	})
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		want    string
	}{
		"neither":   {Options{}, "neither"},
		"both":      {Options{SQLitePath: "a", PostgresURL: "b"}, "both"},
		"no folder": {Options{SQLitePath: filepath.Join(t.TempDir(), "none", "x.db")}, "no such file"},
		"bad URL":   {Options{PostgresURL: "postgres://u:secret@h:port/x"}, "URL"},
		"no server": {Options{PostgresURL: "postgres://u:secret@127.0.0.1:1/x?connect_timeout=2"}, "127.0.0.1"},
	} {
		_, err := Open(t.Context(), c.options)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestAFileThatIsNoDatabaseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	text := strings.Repeat("not a database, but the only copy of something\n", 100)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	if _, err := Open(t.Context(), Options{SQLitePath: path}); err == nil {
		t.Error("opened")
	}
	kept, err := os.ReadFile(path)
	if err != nil || string(kept) != text {
		t.Errorf("the file was changed: %v", err)
	}
}

func TestAFileMayHaveAnyNameAndIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "thành phố #1 50%?mode=memory&x.db")
	d, err := Open(t.Context(), Options{SQLitePath: path})
	must(t, err)
	put(t.Context(), t, d.Store().Tables().Things, devices.Thing{Code: "a"})
	for _, file := range []string{path, path + "-wal"} {
		info, err := os.Stat(file)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", filepath.Base(file), info.Mode())
		}
	}
	shut(t, d)
	count(t.Context(), t, open(t, Options{SQLitePath: path}), 1)
}

func TestSQLiteIsSetToBeDurable(t *testing.T) {
	d := open(t, Options{SQLitePath: filepath.Join(t.TempDir(), "x.db")})
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
		var got string
		must(t, d.write.QueryRow("PRAGMA "+pragma).Scan(&got))
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
	if _, err := d.read.Exec("DELETE FROM things"); err == nil {
		t.Error("a reader may write")
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	onBothEngines(t, func(t *testing.T, options Options) {
		before := goleak.IgnoreCurrent() // the shared server's keeper
		ctx, cancel := context.WithCancel(t.Context())
		d, err := Open(ctx, options)
		must(t, err)
		found(ctx, t, d.Store().Tables())
		_ = d.Store().Atomically(ctx, func(devices.Tables) error { return errors.New("x") })
		shut(t, d)
		cancel()
		goleak.VerifyNone(t, before)
	})
}
