package sqlite

import (
	"testing"

	"cityhub/telemetry"
	"cityhub/telemetry/archivetest"
)

func open(t testing.TB, opts Options) *Archive {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	a, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func TestArchive(t *testing.T) {
	archivetest.Run(t, func(t *testing.T) telemetry.Archive { return open(t, Options{}) })
}
