package access_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
)

var reachNames = map[access.Reach]string{access.Denied: "–", access.Published: "P", access.Self: "self", access.Install: "O²", access.Own: "O", access.All: "A"}

// TestTheDocumentShowsTheTable holds docs/access.md and the table together.
func TestTheDocumentShowsTheTable(t *testing.T) {
	want := &strings.Builder{}
	for _, a := range access.Actions() {
		fmt.Fprintf(want, "| `%s` |", a)
		for _, role := range access.Columns {
			fmt.Fprintf(want, " %s |", reachNames[access.ReachOf(a, role)])
		}
		want.WriteString("\n")
	}
	text, err := os.ReadFile("../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	got := &strings.Builder{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `") {
			got.WriteString(line)
		}
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("docs/access.md has another table (-table +document):\n%s", diff)
	}
}

func TestWhatIsNotInTheTableIsDenied(t *testing.T) {
	for _, c := range []struct {
		action access.Action
		role   access.Role
	}{{"thing.explode", access.CityAdmin}, {access.ThingRead, "emperor"}, {"", ""}} {
		if got := access.ReachOf(c.action, c.role); got != access.Denied {
			t.Errorf("%q as %q reaches %d", c.action, c.role, got)
		}
	}
}

func TestScope(t *testing.T) {
	grant := access.Grant{Owner: 9, Reader: 3, Property: "pm25"}
	bind := func(b ...access.Binding) *access.Principal {
		return &access.Principal{Kind: access.UserKind, Bindings: b, Grants: []access.Grant{grant}}
	}
	for name, c := range map[string]struct {
		who     *access.Principal
		action  access.Action
		allowed bool
		want    access.Scope
	}{
		"nobody reads what is published":         {access.AnonymousPrincipal(), access.ReadingRead, true, access.Scope{Public: true}},
		"nobody writes":                          {access.AnonymousPrincipal(), access.ThingWrite, false, access.Scope{}},
		"a viewer reads own, granted, published": {bind(access.Binding{Role: access.Viewer, Organisation: 3}), access.ReadingRead, true, access.Scope{Own: []int64{3}, Grants: []access.Grant{grant}, Public: true, Internal: true}},
		"a grant is for who reads there":         {bind(access.Binding{Role: access.Viewer, Organisation: 4}, access.Binding{Role: access.Gateway, Organisation: 3}), access.ReadingRead, true, access.Scope{Own: []int64{4}, Public: true, Internal: true}},
		"a grant does not let write":             {bind(access.Binding{Role: access.OrgAdmin, Organisation: 3}), access.ThingWrite, true, access.Scope{Own: []int64{3}}},
		"two organisations":                      {bind(access.Binding{Role: access.OrgAdmin, Organisation: 7}, access.Binding{Role: access.Technician, Organisation: 3}), access.ThingWrite, true, access.Scope{Own: []int64{3, 7}, Install: []int64{3}}},
		"the wider right counts":                 {bind(access.Binding{Role: access.Technician, Organisation: 3}, access.Binding{Role: access.OrgAdmin, Organisation: 3}), access.ThingWrite, true, access.Scope{Own: []int64{3}}},
		"in either order":                        {bind(access.Binding{Role: access.OrgAdmin, Organisation: 3}, access.Binding{Role: access.Technician, Organisation: 3}), access.ThingWrite, true, access.Scope{Own: []int64{3}}},
		"a city's technician is limited":         {bind(access.Binding{Role: access.Technician}), access.ThingWrite, true, access.Scope{All: true, Limited: true}},
		"a city's administrator is not":          {bind(access.Binding{Role: access.CityAdmin}, access.Binding{Role: access.Technician}), access.ThingWrite, true, access.Scope{All: true}},
		"an auditor changes nothing":             {bind(access.Binding{Role: access.Auditor}), access.ThingWrite, false, access.Scope{}},
		"a device is itself":                     {bind(access.Binding{Role: access.Device, Organisation: 3}), access.ReadingWrite, true, access.Scope{}},
		"nobody without a binding":               {bind(), access.ThingRead, false, access.Scope{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, allowed := c.who.Scope(c.action)
			if allowed != c.allowed {
				t.Fatalf("allowed %t, want %t", allowed, c.allowed)
			}
			c.want.Action, c.want.Principal = c.action, c.who
			if len(got.Install) == 0 {
				got.Install = nil
			}
			if allowed {
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestReads(t *testing.T) {
	viewer := &access.Scope{Own: []int64{3}, Public: true, Internal: true,
		Grants: []access.Grant{{Owner: 9, Property: "pm25"}, {Owner: 8, Thing: 5}, {Owner: 7}}}
	for name, c := range map[string]struct {
		scope     *access.Scope
		org       int64
		thing     int64
		property  string
		published access.Publication
		want      bool
	}{
		"own":                                  {viewer, 3, 1, "noise", access.Private, true},
		"another's":                            {viewer, 4, 1, "noise", access.Private, false},
		"another's, internal":                  {viewer, 4, 1, "noise", access.Internal, true},
		"another's, public":                    {viewer, 4, 1, "noise", access.Open, true},
		"granted property":                     {viewer, 9, 1, "pm25", access.Private, true},
		"another property":                     {viewer, 9, 1, "noise", access.Private, false},
		"granted thing":                        {viewer, 8, 5, "noise", access.Private, true},
		"another thing":                        {viewer, 8, 6, "noise", access.Private, false},
		"all granted":                          {viewer, 7, 6, "noise", access.Private, true},
		"nobody's":                             {viewer, 0, 6, "noise", access.Private, false},
		"nobody reads public":                  {&access.Scope{Public: true}, 4, 1, "noise", access.Open, true},
		"nobody does not read internal":        {&access.Scope{Public: true}, 4, 1, "noise", access.Internal, false},
		"the zero scope reads nothing":         {&access.Scope{}, 0, 0, "", access.Open, false},
		"a scope without a publication mark":   {viewer, 4, 1, "noise", "", false},
		"who reads all reads what nobody owns": {&access.Scope{All: true}, 0, 6, "noise", access.Private, true},
	} {
		if got := c.scope.Reads(c.org, c.thing, c.property, c.published); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func BenchmarkScope(b *testing.B) {
	p := &access.Principal{Kind: access.UserKind, Bindings: []access.Binding{{Role: access.Viewer, Organisation: 3}, {Role: access.Operator, Organisation: 7}},
		Grants: []access.Grant{{Owner: 9, Property: "pm25"}}}
	b.ReportAllocs()
	for b.Loop() {
		s, ok := p.Scope(access.ReadingRead)
		if !ok || !s.Reads(9, 1, "pm25", access.Private) {
			b.Fatal("refused")
		}
	}
}
