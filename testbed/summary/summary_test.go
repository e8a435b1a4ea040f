package main

import (
	"strings"
	"testing"
)

const (
	passes = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":0.5}
`
	skips = `{"Action":"output","Package":"p","Test":"TestS","Output":"    x_test.go:9: group skipped: mosquitto: apt-get install mosquitto\n"}
{"Action":"skip","Package":"p","Test":"TestS"}
{"Action":"output","Package":"p","Test":"TestT","Output":"    x_test.go:9: group skipped: mosquitto: apt-get install mosquitto\n"}
{"Action":"skip","Package":"p","Test":"TestT"}
`
	fails = `{"Action":"output","Package":"p","Test":"TestF","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestF"}
{"Action":"fail","Package":"p"}
`
	panics = `{"Action":"output","Package":"q","Test":"TestP","Output":"panic: oh\n"}
{"Action":"fail","Package":"q"}
`
	broken = `{"ImportPath":"r","Action":"build-output","Output":"x.go:1: undefined\n"}
{"ImportPath":"r","Action":"build-fail"}
{"Action":"fail","Package":"r","FailedBuild":"r"}
`
)

func TestSummary(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		args []string
		ci   bool
		code int
		want []string // texts that must be in the output; the first is its last line
	}{
		"all pass":        {in: passes, want: []string{"1 passed, 0 failed, 0 skipped", "ok    p  1 tests"}},
		"skipped at home": {in: passes + skips, want: []string{"1 passed, 0 failed, 2 skipped", "skipped: mosquitto: apt-get install mosquitto (2 tests)"}},
		"skipped in CI":   {in: passes + skips, ci: true, code: 1, want: []string{"1 passed, 0 failed, 2 skipped", "nothing may be skipped"}},
		"a test fails":    {in: passes + fails, code: 1, want: []string{"1 passed, 1 failed, 0 skipped", "got 1, want 2", "failed: p TestF"}},
		"a panic":         {in: passes + panics, code: 1, want: []string{"1 passed, 1 failed, 0 skipped", "panic: oh", "failed: q ("}},
		"a build fails":   {in: passes + broken, code: 1, want: []string{"1 passed, 1 failed, 0 skipped", "x.go:1: undefined"}},
		"nothing ran":     {in: "", code: 1, want: []string{"0 passed, 0 failed, 0 skipped", "no test ran"}},
		"a check fails":   {in: passes, args: []string{"-check", "vet=2"}, code: 1, want: []string{"1 passed, 1 failed, 0 skipped", "failed: vet"}},
		"a check passes":  {in: passes, args: []string{"-check", "vet=0"}, want: []string{"2 passed, 0 failed, 0 skipped"}},
		"plain words":     {in: passes + "go: a word\n", want: []string{"1 passed, 0 failed, 0 skipped", "go: a word"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if code := run(c.args, strings.NewReader(c.in), &out, c.ci); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.HasSuffix(out.String(), "\n"+c.want[0]+"\n") {
				t.Errorf("the last line is not %q", c.want[0])
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing", want)
				}
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}

// The longest tests are told, the longest first, and their parts are not told
// once more.
func TestTheLongestTestsAreTold(t *testing.T) {
	var out strings.Builder
	tally := newTally(&out)
	for _, line := range []string{
		`{"Action":"pass","Package":"p","Test":"TestShort","Elapsed":4.9}`,
		`{"Action":"pass","Package":"p","Test":"TestLong/part","Elapsed":7}`,
		`{"Action":"pass","Package":"p","Test":"TestLong","Elapsed":7}`,
		`{"Action":"pass","Package":"q","Test":"TestLonger","Elapsed":70}`,
	} {
		tally.line(line)
	}
	if code := tally.close(true); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if want := "   70 s  q TestLonger\n    7 s  p TestLong\n\n4 passed, 0 failed, 0 skipped\n"; out.String() != want {
		t.Errorf("told %q\nwant %q", out.String(), want)
	}
}
