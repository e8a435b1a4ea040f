package testbed

import (
	"os"
	"path/filepath"
	"testing"
)

const schemathesisVersion = "4.32.5" // as scripts/build-schemathesis has it

// Schemathesis gives the path of the program that calls an API as its
// description says one may: the one that scripts/build-schemathesis made.
func Schemathesis(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err == nil {
		program := filepath.Join(cache, "cityhub", "schemathesis-"+schemathesisVersion, "bin", "schemathesis")
		if _, err := os.Stat(program); err == nil {
			return program
		}
	}
	absent(t, "generated requests", "scripts/build-schemathesis")
	return ""
}
