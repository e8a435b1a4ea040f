package testbed

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Node runs a script of a folder beside its node_modules with what it reads
// from standard input, and gives what it writes.
func Node(t testing.TB, script string, input []byte) []byte {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		absent(t, "node", "apt-get install nodejs npm")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(script), "..", "node_modules")); err != nil {
		absent(t, "npm packages", "scripts/npm ci")
	}
	var said, complaint bytes.Buffer
	call := exec.Command(program, script)
	call.Stdin, call.Stdout, call.Stderr = bytes.NewReader(input), &said, &complaint
	if err := call.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, complaint.String())
	}
	return said.Bytes()
}
