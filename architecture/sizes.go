package architecture

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strings"
)

// The longest that a file and a function may be, in lines.
const (
	longestFile     = 400
	longestFunction = 60
)

// tooLong lists files ("devices/nouns.go") and functions ("devices/nouns.go
// Name") that may be longer, each with its reason.
var tooLong = map[string]string{}

// drawers are names of folders that say nothing about what is in them.
var drawers = []string{"util", "utils", "common", "internal", "pkg", "models", "helpers", "misc", "shared", "lib"}

// checkName says what is wrong with the folder of a Go file.
func checkName(file string) []string {
	var wrong []string
	for _, part := range strings.Split(path.Dir(file), "/") {
		for _, drawer := range drawers {
			if part == drawer {
				wrong = append(wrong, fmt.Sprintf("%s: a folder called %s is a drawer without a label: name the noun", file, part))
			}
		}
	}
	return wrong
}

// checkSize says which file and which functions of it are too long. Generated
// files may be as long as they like.
func checkSize(file string, source []byte) ([]string, error) {
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(tree) {
		return nil, nil
	}
	var wrong []string
	if lines := bytes.Count(source, []byte("\n")); lines > longestFile && tooLong[file] == "" {
		wrong = append(wrong, fmt.Sprintf("%s has %d lines, more than %d: what two things does it do?", file, lines, longestFile))
	}
	for _, declared := range tree.Decls {
		function, ok := declared.(*ast.FuncDecl)
		if !ok {
			continue
		}
		lines := files.Position(function.End()).Line - files.Position(function.Pos()).Line + 1
		if lines > longestFunction && tooLong[file+" "+function.Name.Name] == "" {
			wrong = append(wrong, fmt.Sprintf("%s: %s has %d lines, more than %d", file, function.Name.Name, lines, longestFunction))
		}
	}
	return wrong, nil
}
