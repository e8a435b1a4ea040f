package api_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The routes are a promise to others: a change must show in this list.
func TestRoutes(t *testing.T) {
	h := newHub(t)
	r := h.get("/api/openapi.json").want(200)
	var spec struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Parameters  []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal(r.body, &spec); err != nil {
		t.Fatal(err)
	}
	if spec.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %s", spec.OpenAPI)
	}
	var routes []string
	for path, methods := range spec.Paths {
		for method, op := range methods {
			var names []string
			for _, p := range op.Parameters {
				if p.In == "query" {
					names = append(names, p.Name)
				}
			}
			line := path + " " + strings.ToUpper(method) + " " + op.OperationID
			if len(names) > 0 {
				line += " ?" + strings.Join(names, "&")
			}
			routes = append(routes, line)
		}
	}
	slices.Sort(routes)
	got := strings.Join(routes, "\n") + "\n"
	golden := filepath.Join("testdata", "routes.txt")
	if *update {
		check(t, os.MkdirAll("testdata", 0o755))
		check(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want := string(must(os.ReadFile(golden))(t))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the routes changed (-want +got); with -update they become the new promise:\n%s", diff)
	}
}
