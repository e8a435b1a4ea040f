package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build events
	Test       string
	Elapsed    float64 // seconds
	Output     string
}

type test struct{ pkg, name string }

// tally counts tests and keeps the output of those that have not ended yet.
type tally struct {
	out     io.Writer
	passed  int
	failed  []string
	skipped []string            // one reason a skipped test
	said    map[test][]string   // output of tests under way; name "" is the package's own
	built   map[string][]string // output of builds, by import path
	broken  map[string]int      // failed tests of a package
	ran     map[string]int      // ended tests of a package
	slow    []slow              // tests that took long
}

// slow is a test and its time.
type slow struct {
	test
	seconds float64
}

// Those tests are told that took so many seconds, and the longest of them.
const (
	long      = 5
	mostTold  = 20
	underTest = "/"
)

func newTally(out io.Writer) *tally {
	return &tally{out: out, said: map[test][]string{}, built: map[string][]string{},
		broken: map[string]int{}, ran: map[string]int{}}
}

// line takes one line of the stream. What is no event, such as a word of the go
// command itself, is passed on.
func (t *tally) line(text string) {
	var e event
	if json.Unmarshal([]byte(text), &e) != nil || e.Action == "" {
		fmt.Fprint(t.out, text)
		return
	}
	switch {
	case e.Action == "build-output":
		t.built[e.ImportPath] = append(t.built[e.ImportPath], e.Output)
	case e.Action == "build-fail":
		t.show(t.built[e.ImportPath])
	case e.Action == "output":
		key := test{e.Package, e.Test}
		t.said[key] = append(t.said[key], e.Output)
	case e.Test == "":
		t.endPackage(e)
	default:
		t.endTest(e)
	}
}

func (t *tally) endTest(e event) {
	key := test{e.Package, e.Test}
	switch e.Action {
	case "pass":
		t.passed++
	case "skip":
		t.skipped = append(t.skipped, reason(key, t.said[key]))
	case "fail":
		t.show(t.said[key])
		t.broken[e.Package]++
		t.fail(e.Package + " " + e.Test)
	default:
		return // run, pause, cont, start, bench
	}
	t.ran[e.Package]++
	delete(t.said, key)
	if e.Elapsed >= long && !strings.Contains(e.Test, underTest) {
		t.slow = append(t.slow, slow{key, e.Elapsed})
	}
}

func (t *tally) endPackage(e event) {
	switch e.Action {
	case "pass":
		if t.ran[e.Package] > 0 {
			fmt.Fprintf(t.out, "ok    %s  %d tests  %.1f s\n", e.Package, t.ran[e.Package], e.Elapsed)
		}
	case "fail":
		t.showUnfinished(e.Package)
		fmt.Fprintf(t.out, "FAIL  %s  %.1f s\n", e.Package, e.Elapsed)
		if t.broken[e.Package] == 0 {
			t.fail(e.Package + " (did not build, or ended before its tests did)")
		}
	}
}

// showUnfinished shows what a package said whose tests were cut short by a
// panic, a race, a time limit or an exit.
func (t *tally) showUnfinished(pkg string) {
	for key, said := range t.said {
		if key.pkg == pkg && (key.name != "" || t.broken[pkg] == 0) {
			t.show(said)
		}
	}
}

func (t *tally) show(lines []string) { fmt.Fprint(t.out, strings.Join(lines, "")) }

func (t *tally) fail(name string) { t.failed = append(t.failed, name) }

const group = "group skipped: "

// reason finds why a test was skipped: the group that it belongs to, else its
// name with its last words.
func reason(key test, said []string) string {
	last := ""
	for _, line := range said {
		if _, found, ok := strings.Cut(line, group); ok {
			return strings.TrimSpace(found)
		}
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "===") {
			last = line
		}
	}
	return key.pkg + " " + key.name + ": " + last
}

// tellSlow tells the longest tests: who wants the whole sooner begins there.
func (t *tally) tellSlow() {
	slices.SortFunc(t.slow, func(a, b slow) int { return cmp.Compare(b.seconds, a.seconds) })
	for _, s := range t.slow[:min(mostTold, len(t.slow))] {
		fmt.Fprintf(t.out, "%5.0f s  %s %s\n", s.seconds, s.pkg, s.name)
	}
}

// close writes the summary and gives the exit code.
func (t *tally) close(nothingSkipped bool) int {
	t.tellSlow()
	fmt.Fprintln(t.out)
	for _, name := range t.failed {
		fmt.Fprintln(t.out, "failed:", name)
	}
	counts := map[string]int{}
	for _, why := range t.skipped {
		counts[why]++
	}
	for _, why := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(t.out, "skipped: %s (%d tests)\n", why, counts[why])
	}
	code := 0
	if len(t.failed) > 0 {
		code = 1
	}
	if nothingSkipped && len(t.skipped) > 0 {
		fmt.Fprintln(t.out, "failed: with CI=true nothing may be skipped")
		code = 1
	}
	if t.passed == 0 {
		fmt.Fprintln(t.out, "failed: no test ran")
		code = 1
	}
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, len(t.failed), len(t.skipped))
	return code
}
