package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cityhub/access"
	"cityhub/database"
	"cityhub/testbed"
)

// TestPermissions calls every route as every caller on what is the caller's,
// on what is another's and on what another has published or granted, and
// compares with the permission table: what the table denies must be refused,
// what lies out of scope must look as if it did not exist, and all else must
// succeed.
func TestPermissions(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		permissions(t, database.Options{SQLitePath: filepath.Join(t.TempDir(), "hub.db")}, callers())
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		keys := slices.DeleteFunc(callers(), func(c caller) bool { return c.browser }) // the store knows no sessions
		permissions(t, database.Options{PostgresURL: testbed.PostgreSQL(t).URL}, keys)
	})
}

func permissions(t *testing.T, options database.Options, callers []caller) {
	w := newWorld(t, options)
	s := &suite{world: w, shared: map[string]*target{}}
	for _, kind := range kinds {
		s.shared[kind] = w.target(t, kind)
	}
	operations := w.operations()
	for _, op := range operations {
		c, ok := calls[op.id]
		if !ok {
			t.Errorf("%s %s: the suite does not know how to call %s; tell it in calls", op.method, op.path, op.id)
			continue
		}
		for _, who := range callers {
			for _, kind := range who.kinds(op.row) {
				s.cell(t, op, c, who, kind)
			}
		}
		s.forged(t, op, c)
	}
	t.Logf("%d routes × %d callers × %d targets: %d cells, %d leaks, %d wrongly refused",
		len(operations), len(callers), len(kinds), s.cells, s.leaks, s.refused)
}

// operation is a route of the API with its row of the permission table.
type operation struct {
	id, method, path string
	row              access.Action
}

func (w *world) operations() []operation {
	w.t.Helper()
	var spec struct {
		Paths map[string]map[string]struct {
			ID  string        `json:"operationId"`
			Row access.Action `json:"x-permission"`
		}
	}
	if err := json.Unmarshal(w.get("/api/openapi.json").want(200).body, &spec); err != nil {
		w.t.Fatal(err)
	}
	var all []operation
	for path, methods := range spec.Paths {
		for method, op := range methods {
			if !access.Known(op.Row) {
				w.t.Errorf("%s %s obeys no row of the permission table", method, path)
			}
			all = append(all, operation{op.ID, strings.ToUpper(method), path, op.Row})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	return all
}

type suite struct {
	*world
	shared                map[string]*target
	cells, leaks, refused int
}

// expected is what the table says of a cell.
type expected int

const (
	denied  expected = iota // the role may not do it at all
	hidden                  // the role may do it, but not to this
	limited                 // the role may do it to this, but not all of it
	allowed
)

func expect(row access.Action, c call, role access.Role, kind string) expected {
	reads := !c.inner && reading(row)
	switch reach := access.ReachOf(row, role); {
	case reach == access.Denied:
		return denied
	case c.shared, reach == access.All:
		return allowed
	case c.personal:
		return hidden
	case reach == access.Self && c.self && kind == own:
		return allowed
	case reach == access.Published && kind == public && !c.inner, reach >= access.Install && reads && kind != own && kind != other,
		reach >= access.Install && c.granted && (kind == granted || kind == grantedThing):
		return allowed
	case reach == access.Install && kind == own && c.fixed:
		return limited
	case reach >= access.Install && kind == own:
		return allowed
	}
	return hidden
}

// cell makes one call and judges the answer.
func (s *suite) cell(t *testing.T, op operation, c call, who caller, kind string) {
	want, x := who.expect(op.row, c, kind), s.shared[kind]
	if want == allowed && op.method != http.MethodGet {
		x = s.target(t, kind) // the call changes it
	}
	got := s.ask(t, op, c, s.as(who, x, s.shared[own]), x)
	if op.id == "sign-out" {
		delete(s.shown, who)
	}
	s.cells++
	fault := ""
	switch want {
	case denied:
		if status := map[bool]int{true: http.StatusUnauthorized, false: http.StatusForbidden}[who.role == access.Anonymous]; got.status != status {
			fault = fmt.Sprintf("want %d", status)
		}
	case limited:
		if got.status != http.StatusForbidden {
			fault = "want 403"
		}
	case hidden:
		fault = s.hidden(t, op, c, who, x, got)
	case allowed:
		if got.status >= 400 && !slices.Contains(c.answers, got.status) {
			s.refused++
			t.Errorf("%s as %s on %s: refused: %d %s", op.id, who, kind, got.status, got.body)
		} else if c.sees != nil && !c.sees(x, string(got.body)) {
			s.refused++
			t.Errorf("%s as %s on %s: %s is not in the answer", op.id, who, kind, x.mark)
		}
		return
	}
	if fault != "" {
		s.leaks++
		t.Errorf("LEAK: %s as %s on %s: %s, got %d %.300s", op.id, who, kind, fault, got.status, got.body)
	}
}

var passing = regexp.MustCompile(`"requestId":"[^"]*"|[A-Z0-9]{16}|\d+`)

// hidden says what gives away that the target is there; "" when nothing does.
func (s *suite) hidden(t *testing.T, op operation, c call, who caller, x *target, got reply) string {
	switch {
	case strings.Contains(string(got.body), x.mark) && (got.status < 400 || !c.refused):
		return "the answer shows the target"
	case c.sees != nil:
		if got.status != http.StatusOK || c.sees(x, string(got.body)) {
			return "the target must not be in the list"
		}
		return ""
	case got.status != http.StatusNotFound && !(c.refused && (got.status == http.StatusForbidden || got.status == http.StatusUnprocessableEntity)):
		return "want 404"
	}
	absent := x.nothing()
	nothing := s.ask(t, op, c, s.as(who, absent, s.shared[own]), absent)
	if a, b := passing.ReplaceAllString(string(got.body), "#"), passing.ReplaceAllString(string(nothing.body), "#"); a != b || got.status != nothing.status {
		return "it looks other than what does not exist, which answers " + b
	}
	return ""
}

// ask makes the call with a caller's headers.
func (s *suite) ask(t *testing.T, op operation, c call, headers []string, x *target) reply {
	t.Helper()
	body := ""
	if c.body != nil {
		body = c.body(s.world, x)
	}
	if c.form != "" {
		headers = append(headers, "Content-Type: "+c.form)
	}
	path := "/api/v1" + c.path(s.world, x)
	if op.id == "get-live" || op.id == "get-device-proof-live" {
		return s.snapshot(t, path, headers)
	}
	return s.call(op.method, path, body, headers...)
}

// snapshot reads a stream up to its first event.
func (s *suite) snapshot(t *testing.T, path string, headers []string) reply {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := must(http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil))(t)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	answer := must(s.client.Do(r))(t)
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 8<<20)
	got := reply{t: t, status: answer.StatusCode, header: answer.Header}
	for lines.Scan() {
		got.body = append(got.body, lines.Bytes()...)
		if strings.HasPrefix(lines.Text(), "data: ") || answer.StatusCode != http.StatusOK {
			break
		}
	}
	return got
}
