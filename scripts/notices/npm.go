package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// compiled are packages that npm counts as tools, and of which the pages
// contain code all the same.
var compiled = []string{"clsx", "esm-env", "svelte"}

// unused are packages that npm brings along for command-line tools, and of
// which the pages contain nothing.
var unused = []string{"@mapbox/jsonlint-lines-primitives", "json-stringify-pretty-compact", "minimist"}

// locked is what web/package-lock.json says of a package.
type locked struct {
	Version, License        string
	Dev, Optional           bool
	DevOptional, Extraneous bool
}

// packages gives the npm packages that the pages contain code of, by name.
func packages(top string) ([]linked, error) {
	text, err := os.ReadFile(filepath.Join(top, "web", "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct{ Packages map[string]locked }
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("web/package-lock.json: %w", err)
	}
	var all []linked
	for at, p := range lock.Packages {
		_, name, inside := cutLast(at, "node_modules/")
		shipped := !p.Dev && !p.Optional && !p.DevOptional && !strings.HasPrefix(name, "@types/") && !slices.Contains(unused, name)
		if inside && (shipped || slices.Contains(compiled, name)) {
			all = append(all, linked{path: "npm " + name, version: p.Version, dir: filepath.Join(top, "web", at), terms: p.License})
		}
	}
	slices.SortFunc(all, func(a, b linked) int { return strings.Compare(a.heading(), b.heading()) })
	return all, nil
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}
