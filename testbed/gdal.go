package testbed

import (
	"os/exec"
	"testing"
)

// OGRInfo asks GDAL's program of that name about files of geometry, and gives
// all that it says, warnings and errors too.
func OGRInfo(t testing.TB, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("ogrinfo")
	if err != nil {
		absent(t, "gdal", "apt-get install gdal-bin")
	}
	said, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ogrinfo %q: %v\n%s", args, err, said)
	}
	return string(said)
}
