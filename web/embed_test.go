package web

import (
	"io/fs"
	"strings"
	"testing"
)

// A checkout in which the pages were not built still compiles; one in which
// they were holds them whole.
func TestAppIsWholeOrAbsent(t *testing.T) {
	index, err := fs.ReadFile(App(), "index.html")
	if err != nil {
		if rest, _ := fs.Glob(dist, "dist/*"); len(rest) != 1 {
			t.Errorf("no index.html among %v", rest)
		}
		return
	}
	named := 0
	for _, part := range strings.Split(string(index), `"/assets/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if _, err := fs.Stat(App(), "assets/"+name); err != nil {
			t.Error(err)
		}
		named++
	}
	if named < 2 {
		t.Errorf("index.html names %d files", named)
	}
}
