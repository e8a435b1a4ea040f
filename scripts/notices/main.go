// Command notices prints the licences of every module that the programs are
// linked with, and of every npm package that their pages contain, as those licences ask of who passes the programs on.
//
//	go run ./scripts/notices > THIRD_PARTY_NOTICES          from the top of the tree
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(".", os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

// linked is a module that a program contains code of.
type linked struct {
	path, version string
	dir           string // its source
	terms         string // the name of its licence, where that stands beside the source
}

// heading is the line by which a module stands in the file.
func (l linked) heading() string { return "== " + l.path + " " + l.version }

func run(top string, out io.Writer) error {
	modules, err := list(top)
	if err != nil {
		return err
	}
	pages, err := packages(top)
	if err != nil {
		return err
	}
	modules = append(modules, pages...)
	fmt.Fprintln(out, "The programs of cityhub contain code of the modules and npm packages below. Made by `make notices`.")
	for _, m := range modules {
		texts, err := m.licences()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s\n", m.heading())
		for _, text := range texts {
			fmt.Fprintf(out, "\n%s\n", bytes.TrimRight(text, " \n\r\t"))
		}
	}
	return nil
}

// list gives the modules that the programs are linked with, by path.
func list(top string) ([]linked, error) {
	cmd := exec.Command("go", "list", "-deps", "-f",
		"{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/...", "./deploy/probe")
	cmd.Dir, cmd.Stderr = top, os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []linked
	lines := strings.Fields(string(text))
	for module := range slices.Chunk(lines, 3) {
		all = append(all, linked{path: module[0], version: module[1], dir: module[2]})
	}
	slices.SortFunc(all, func(a, b linked) int { return strings.Compare(a.path, b.path) })
	return slices.Compact(all), nil
}

// licences reads the files in which a module says what it asks for.
func (l linked) licences() ([][]byte, error) {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, err
	}
	var texts [][]byte
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !named(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(l.dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 && l.terms != "" {
		return [][]byte{[]byte("It has no file with its licence; it says that this is " + l.terms + ".")}, nil
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%s %s has no licence file: may it be passed on?", l.path, l.version)
	}
	return texts, nil
}

func named(file string) bool {
	file = strings.ToUpper(file)
	for _, begin := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"} {
		if strings.HasPrefix(file, begin) && !strings.HasSuffix(file, ".GO") {
			return true
		}
	}
	return false
}
