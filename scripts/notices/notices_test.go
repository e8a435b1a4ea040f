package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNoticesAreUpToDate(t *testing.T) {
	text, err := os.ReadFile("../../THIRD_PARTY_NOTICES")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "== ") {
			have[strings.TrimSpace(line)] = true
		}
	}
	modules, err := list("../..")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := packages("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 5 {
		t.Errorf("only %d npm packages are shipped", len(pages))
	}
	for _, m := range append(modules, pages...) {
		if !have[m.heading()] {
			t.Errorf("%s is missing: run make notices", m.heading())
		}
		delete(have, m.heading())
	}
	for heading := range have {
		t.Errorf("%s is linked no more: run make notices", heading)
	}
}

func TestLicencesAreFoundOrMissed(t *testing.T) {
	dir := t.TempDir()
	m := linked{path: "example.org/m", version: "v1.0.0", dir: dir}
	if _, err := m.licences(); err == nil {
		t.Error("a module without a licence is passed on")
	}
	for name, text := range map[string]string{"LICENSE.md": "terms", "license.go": "package m", "README": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	texts, err := m.licences()
	if err != nil || len(texts) != 1 || string(texts[0]) != "terms" {
		t.Errorf("licences: %q %v", texts, err)
	}
}
