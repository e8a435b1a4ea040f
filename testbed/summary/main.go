// Command summary reads the events of `go test -json` and tells them in a form
// for people: a line per package, the output of what failed, each skipped group
// by name, and at last one line of counts.
//
//	go test -json ./... | summary [-check NAME=EXITCODE]...
//
// A -check is another step whose exit code counts as one test. The exit code is
// 1 when anything failed, when nothing ran, and, with CI=true, when anything was
// skipped.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Getenv("CI") == "true"))
}

func run(args []string, in io.Reader, out io.Writer, nothingSkipped bool) int {
	tally := newTally(out)
	flags := flag.NewFlagSet("summary", flag.ContinueOnError)
	flags.Func("check", "`NAME=EXITCODE` of another step", tally.check)
	if err := flags.Parse(args); err != nil {
		return 2
	}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			tally.line(line)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			tally.fail("reading the events: " + err.Error())
			break
		}
	}
	return tally.close(nothingSkipped)
}

// check counts another step.
func (t *tally) check(text string) error {
	name, code, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("-check %q: want NAME=EXITCODE", text)
	}
	if code == "0" {
		t.passed++
	} else {
		t.fail(name)
	}
	return nil
}
