package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestAModelNamesNoFileButOneBesideIt(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "m.yaml")
	for line, want := range map[string][]string{
		"codec: m.js":              {filepath.Join(dir, "m.js")},
		"code: m":                  nil,
		"codec: ../m.js":           nil,
		"codec: \"../../.ssh/id\"": nil,
		"codec: /etc/passwd":       nil,
		"codec: sub/m.js":          nil,
		"codec: ..":                nil,
	} {
		if err := os.WriteFile(model, []byte("code: x\n"+line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := codecBeside(model)
		if !slices.Equal(got, want) || (err == nil) != (want != nil || line == "code: m") {
			t.Errorf("%s: %v, %v", line, got, err)
		}
	}
}
