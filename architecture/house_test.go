package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// golist runs `go list` at the top of the tree and decodes what it prints.
func golist[T any](t *testing.T, args ...string) []T {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e"}, args...)...)
	cmd.Dir = ".."
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, said.String())
	}
	var all []T
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var one T
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
}

func TestArrowsPointDown(t *testing.T) {
	type listed struct {
		ImportPath string
		Imports    []string
	}
	var packages []pkg
	for _, l := range golist[listed](t, "-json=ImportPath,Imports", "./...") {
		packages = append(packages, pkg{l.ImportPath, l.Imports})
	}
	if len(packages) < 5 {
		t.Fatalf("go list knows only %d packages", len(packages))
	}
	for _, wrong := range checkImports(packages) {
		t.Error(wrong)
	}
}

func TestTheTablesAreSound(t *testing.T) {
	known := map[string]bool{}
	for _, r := range rooms {
		if r.why == "" {
			t.Errorf("room %s gives no reason", r.path)
		}
		known[r.path] = true
	}
	rank := map[string]int{} // a room's arrows must end at rooms listed before it
	for i, r := range rooms {
		rank[r.path] = i
	}
	for _, r := range rooms {
		for _, to := range r.may {
			if !known[to] {
				t.Errorf("%s may import %s, which is no room", r.path, to)
			}
			for _, back := range rooms[rank[to]].may {
				if back == r.path {
					t.Errorf("%s and %s may import each other", r.path, to)
				}
			}
		}
	}
	for _, l := range libraries {
		for _, owner := range l.owners {
			if l.why == "" || !known[strings.TrimSuffix(owner, "/…")] && roomOf(module+owner) == nil {
				t.Errorf("library %s: no reason, or no room %s", l.path, owner)
			}
		}
	}
	for arrow, why := range besides {
		if why == "" {
			t.Errorf("%s has no reason", arrow)
		}
	}
}

// goFiles calls each with every Go file of the project, by its path from the top.
func goFiles(t *testing.T, each func(file string, source []byte)) {
	t.Helper()
	top := os.DirFS("..")
	err := fs.WalkDir(top, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if name != "." && strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || file == "data" || file == "bin" {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		source, err := fs.ReadFile(top, file)
		if err != nil {
			return err
		}
		each(file, source)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNothingGrowsTooLong(t *testing.T) {
	seen := 0
	goFiles(t, func(file string, source []byte) {
		seen++
		wrong, err := checkSize(file, source)
		if err != nil {
			t.Error(err)
		}
		for _, w := range append(wrong, checkName(file)...) {
			t.Error(w)
		}
	})
	if seen < 10 {
		t.Fatalf("only %d files were looked at", seen)
	}
}

// SQLite and QuickJS are C programs in Go's clothes and share one C library,
// each made for an exact version of it. Go would pick the higher of two.
func TestSQLiteAndQuickJSShareTheirLibc(t *testing.T) {
	type listed struct{ Path, Version, GoMod string }
	wanted := map[string][]string{}
	selected := ""
	for _, m := range golist[listed](t, "-m", "-json=Path,Version,GoMod",
		"modernc.org/sqlite", "modernc.org/quickjs", "modernc.org/libquickjs", "modernc.org/libc") {
		if m.Path == "modernc.org/libc" {
			selected = m.Version
			continue
		}
		text, err := os.ReadFile(m.GoMod)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`modernc\.org/libc (v\S+)`).FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s %s asks for no modernc.org/libc: mend this test", m.Path, m.Version)
		}
		wanted[string(found[1])] = append(wanted[string(found[1])], m.Path)
	}
	if len(wanted) != 1 || wanted[selected] == nil {
		t.Fatalf("modernc.org/libc %s is selected, but asked for are %v: upgrade them together", selected, wanted)
	}
}

// An exception that nobody needs any more would hide the next one.
func TestExceptionsAreInUse(t *testing.T) {
	type listed struct {
		ImportPath string
		Imports    []string
	}
	used := map[string]bool{}
	for _, l := range golist[listed](t, "-json=ImportPath,Imports", "./...") {
		from := roomOf(l.ImportPath)
		for _, imported := range l.Imports {
			if to := roomOf(imported); from != nil && to != nil {
				used[from.path+" → "+to.path] = true
			}
		}
	}
	for arrow := range besides {
		if !used[arrow] {
			t.Errorf("%s is excepted in rooms.go and no longer needed", arrow)
		}
	}
}
