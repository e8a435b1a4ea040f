package imports_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
	"cityhub/database"
	"cityhub/devices"
	"cityhub/devices/credentials"
	"cityhub/imports"
)

var update = flag.Bool("update", false, "write the golden files anew")

var hanoi = time.FixedZone("Asia/Ho_Chi_Minh", 7*3600)

// office is a registry with imports.
type office struct {
	*imports.Imports
	registry *devices.Registry
	keeper   *credentials.Keeper
	dir      string
	ahead    time.Duration // of the clock
}

func openOffice(t testing.TB) *office {
	t.Helper()
	o := &office{dir: t.TempDir()}
	db, err := database.Open(t.Context(), database.Options{SQLitePath: filepath.Join(t.TempDir(), "registry.db")})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	o.registry, err = devices.Open(t.Context(), db.Store(), time.Now)
	must(t, err)
	o.keeper, err = credentials.Open(t.Context(), credentials.Options{Store: db.Credentials(), Registry: o.registry, Now: time.Now})
	must(t, err)
	_, _, err = o.registry.PutSensor(t.Context(), devices.Sensor{Code: "air", Channels: []devices.Channel{{Key: "pm25", Property: "pm25", Unit: "µg/m³"}}})
	must(t, err)
	o.open(t)
	return o
}

// open begins anew, as a hub that comes back.
func (o *office) open(t testing.TB) {
	t.Helper()
	var err error
	o.Imports, err = imports.Open(imports.Options{Dir: o.dir, Key: bytes.Repeat([]byte{7}, 32), Registry: o.registry, Credentials: o.keeper, Zone: hanoi,
		Now: func() time.Time { return time.Now().Add(o.ahead) },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	must(t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// through imports a file of devices to its end.
func (o *office) through(ctx context.Context, t testing.TB, u imports.Upload) imports.Import {
	t.Helper()
	u.Kind = imports.Devices
	state, err := o.Start(ctx, u)
	must(t, err)
	return o.finish(ctx, t, state.ID)
}

func (o *office) finish(ctx context.Context, t testing.TB, id string) imports.Import {
	t.Helper()
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(running) }()
	defer func() { stop(); must(t, <-ended) }()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		state, err := o.Get(ctx, id)
		must(t, err)
		if state.State == imports.Done || state.State == imports.Broken {
			return state
		}
	}
	t.Fatal("the import does not end")
	return imports.Import{}
}

func file(text string) map[string][]byte { return map[string][]byte{"devices.csv": []byte(text)} }

// Every file of the folder has the promised results, in both languages.
func TestFiles(t *testing.T) {
	names, err := filepath.Glob("testdata/files/*.[cx]*")
	must(t, err)
	if len(names) < 7 {
		t.Fatalf("only %d files", len(names))
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			must(t, err)
			got := told(t, openOffice(t), imports.Upload{Files: map[string][]byte{filepath.Base(name): raw}})
			golden := strings.TrimSuffix(name, filepath.Ext(name)) + ".golden"
			if *update {
				must(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// told imports and tells the results; first dry, which must say the same.
func told(t *testing.T, o *office, u imports.Upload) string {
	u.Kind = imports.Devices
	if _, err := o.Start(t.Context(), u); err != nil {
		var field *devices.FieldError
		if !errors.As(err, &field) {
			t.Fatal(err)
		}
		return fmt.Sprintf("refused  %s  %s\n\t%s\n\t%s\n", field.Field, field.Code, field.Detail,
			imports.Text(imports.Vietnamese, field.Code, field.Args, field.Detail))
	}
	u.DryRun = true
	o = openOffice(t)
	dry := o.through(t.Context(), t, u)
	if _, units, _ := o.registry.Size(); units != 0 {
		t.Errorf("a dry run left %d devices", units)
	}
	u.DryRun = false
	wet := o.through(t.Context(), t, u)
	if diff := cmp.Diff(tell(t, o, wet.ID), tell(t, o, dry.ID)); diff != "" {
		t.Errorf("a dry run tells something else (-real +dry):\n%s", diff)
	}
	again := o.through(t.Context(), t, u)
	if again.Created+again.Updated != 0 || again.Failed != wet.Failed {
		t.Errorf("again: %+v", again.Counts)
	}
	return tell(t, o, wet.ID)
}

func tell(t *testing.T, o *office, id string) string {
	var text strings.Builder
	must(t, o.Rows(t.Context(), id, func(r imports.Result) error {
		fmt.Fprintf(&text, "%d  %s  %s", r.Line, r.Device, r.Result)
		if r.Code != "" {
			fmt.Fprintf(&text, "  %s  %s\n\t%s\n\t%s", r.Column, r.Code, r.Text(imports.English), r.Text(imports.Vietnamese))
		}
		text.WriteString("\n")
		return nil
	}))
	return text.String()
}

// as gives a context of somebody with a role in an organisation.
func as(t *testing.T, role access.Role, organisation int64, id int64) context.Context {
	t.Helper()
	p := &access.Principal{Kind: access.UserKind, ID: id, Name: "x", Bindings: []access.Binding{{Role: role, Organisation: organisation}}}
	scope, ok := p.Scope(access.ThingWrite)
	if !ok {
		t.Fatalf("%s may write nothing", role)
	}
	return access.WithScope(access.WithPrincipal(t.Context(), p), &scope)
}

// An import does no more than its sender may, also after a restart, and
// nobody else sees it.
func TestAnImportHasItsSendersRights(t *testing.T) {
	o := openOffice(t)
	o.through(t.Context(), t, imports.Upload{Files: file("device,model,station,organisation\na,air,s-a,one\nb,air,s-b,two\n")})
	one, err := o.registry.Organisations.List(t.Context(), devices.Page{Limit: 1, Match: map[string]any{"code": "one"}})
	must(t, err)
	admin := as(t, access.OrgAdmin, one[0].ID, 7)
	state, err := o.Start(admin, imports.Upload{Kind: imports.Devices, Files: file("device,model,station,organisation,serial\n" +
		"a,air,,,SN\nb,air,,,SN\nc,air,s-b,,\nd,air,,two,\ne,air,,none,\nf,air,s-f,,\ng,air,s-g,one,\na2,air,s-a,one,\n")})
	must(t, err)
	o.open(t) // the hub stops and comes back
	o.finish(admin, t, state.ID)
	want := "2 updated\n3 failed device-unavailable\n4 failed station-unavailable\n5 failed organisation-unknown\n6 failed organisation-unknown\n7 created\n8 created\n9 created\n"
	if diff := cmp.Diff(want, codes(t, o, state.ID)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, code := range []string{"f", "g", "a2"} {
		found, err := o.registry.Devices.List(t.Context(), devices.Page{Limit: 1, Match: map[string]any{"code": code}})
		if must(t, err); len(found) != 1 || found[0].OrganisationID != one[0].ID {
			t.Errorf("device %s: %+v", code, found)
		}
	}
	other := as(t, access.OrgAdmin, one[0].ID, 8)
	if _, err := o.Get(other, state.ID); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("a colleague's import: %v", err)
	}
	if list := o.List(other); len(list) != 0 {
		t.Errorf("a colleague lists %d imports", len(list))
	}
	if list := o.List(t.Context()); len(list) != 2 {
		t.Errorf("the city's administrators list %d imports", len(list))
	}
}

func codes(t *testing.T, o *office, id string) string {
	t.Helper()
	var text strings.Builder
	must(t, o.Rows(t.Context(), id, func(r imports.Result) error {
		_, err := fmt.Fprintln(&text, strings.TrimSpace(fmt.Sprintf("%d %s %s", r.Line, r.Result, r.Code)))
		return err
	}))
	return text.String()
}

// Secrets that a file gives are set; others are made when asked, once, and
// handed out once.
func TestSecrets(t *testing.T) {
	o := openOffice(t)
	const secret = "0123456789abcdefghijklmnop"
	given := file("device,model,secret\nk-1,air," + secret + "\nk-2,air,\n")
	if s := o.through(t.Context(), t, imports.Upload{Files: given}); s.Created != 2 || s.Seed != nil {
		t.Errorf("%+v", s)
	}
	if s := o.through(t.Context(), t, imports.Upload{Files: given}); s.Unchanged != 2 {
		t.Errorf("again: %+v", s.Counts)
	}
	must2 := func(device, secret string) {
		t.Helper()
		if _, err := o.keeper.ByDevice(t.Context(), device, secret); err != nil {
			t.Errorf("%s is not let in: %v", device, err)
		}
	}
	must2("k-1", secret)
	made := o.through(t.Context(), t, imports.Upload{Files: file("device,model\nk-1,air\nk-2,air\nk-3,air\nk 4,air\n"), Credentials: true})
	seed, err := o.TakeSeed(t.Context(), made.ID)
	must(t, err)
	var table strings.Builder
	must(t, o.WriteTable(t.Context(), &table, made.ID, imports.TableOptions{Lang: imports.English, Seed: seed}))
	lines := strings.Split(table.String(), "\n")
	if lines[0] != "\ufeffdevice,model,secret,result,result_column,result_code,result_message" || !strings.HasPrefix(lines[1], "k-1,air,,unchanged,") {
		t.Errorf("%s", table.String())
	}
	must2("k-2", strings.Split(lines[2], ",")[2])
	must2("k-3", strings.Split(lines[3], ",")[2])
	if again, err := o.TakeSeed(t.Context(), made.ID); err != nil || again != nil {
		t.Errorf("handed out twice: %v", err)
	}
	o.open(t)
	if again, err := o.TakeSeed(t.Context(), made.ID); err != nil || again != nil {
		t.Errorf("handed out again after a restart: %v", err)
	}
	table.Reset()
	must(t, o.WriteTable(t.Context(), &table, made.ID, imports.TableOptions{Lang: imports.Vietnamese, Failed: true}))
	if got := table.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "k 4,air,failed,device,code-format,\"\"\"k 4\"\" phải có") {
		t.Errorf("%s", got)
	}
	if s := o.through(t.Context(), t, imports.Upload{Files: file(table.String())}); s.Total != 1 || s.Failed != 1 {
		t.Errorf("the results sent again: %+v", s.Counts)
	}
}

// An import that is stopped anywhere goes on where it was, and every row has
// one result in the end.
func TestAnImportGoesOn(t *testing.T) {
	o := openOffice(t)
	const n = 2_100
	var text strings.Builder
	text.WriteString("device,model,station\n")
	for i := range n {
		fmt.Fprintf(&text, "d-%d,air,s-%d\n", i, i)
	}
	state, err := o.Start(t.Context(), imports.Upload{Kind: imports.Devices, Files: file(text.String())})
	must(t, err)
	stops := 0
	for done := -1; ; {
		running, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- o.Run(running) }()
		for state, err = o.Get(t.Context(), state.ID); err == nil && state.Done <= max(done, 0) && state.State != imports.Done; state, err = o.Get(t.Context(), state.ID) {
			time.Sleep(time.Millisecond)
		}
		must(t, err)
		stop()
		must(t, <-ended)
		if state.State == imports.Done {
			break
		}
		done = state.Done
		stops++
		tear(t, filepath.Join(o.dir, state.ID, "rows.jsonl"))
		o.open(t)
	}
	if stops < 2 {
		t.Fatalf("it was stopped only %d times", stops)
	}
	if state.Total != n || state.Done != n || state.Failed != 0 || state.Created+state.Unchanged != n {
		t.Errorf("%+v", state.Counts)
	}
	line := 1
	must(t, o.Rows(t.Context(), state.ID, func(r imports.Result) error {
		if line++; r.Line != line || r.Device != fmt.Sprintf("d-%d", line-2) {
			return fmt.Errorf("after line %d comes %+v", line-1, r)
		}
		return nil
	}))
	if stations, units, _ := o.registry.Size(); stations != n || units != n {
		t.Errorf("%d stations and %d devices", stations, units)
	}
}

// tear leaves half a line at the end, as a kill in the middle of writing does.
func tear(t *testing.T, name string) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(`{"line":17,"dev`)
	must(t, err)
	must(t, f.Close())
}

// Every code has words in Vietnamese that take the arguments of the English.
func TestEveryCodeHasWords(t *testing.T) {
	for _, dir := range []string{"../devices", "../sheet", "."} {
		sources, err := filepath.Glob(dir + "/*.go")
		must(t, err)
		for _, name := range sources {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(name)
			must(t, err)
			for _, found := range codeIn.FindAllStringSubmatch(string(raw), -1) {
				code := found[1] + found[2] + found[4]
				said := imports.Text(imports.Vietnamese, code, nil, "\x00")
				if said == "\x00" {
					t.Errorf("%s: %s has no words", name, code)
				} else if found[3] != "" && strings.Count(said, "%s") != strings.Count(found[3], "%s") {
					t.Errorf("%s: %s: %q takes other arguments than %q", name, code, said, found[3])
				}
			}
		}
	}
}

var codeIn = regexp.MustCompile(`(?:coded\("([a-z-]+)", [^"]*(?:"[a-z_]+", )?|[fF]ault\("([a-z-]+)", )"([^"]*)"|Code: "([a-z-]+)"`)
