package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cityhub/access"
)

// A caller is somebody with a role, and by what they come in.
type caller struct {
	role    access.Role
	browser bool // a user's session, of somebody who has a second role elsewhere; else a key, or a device's secret
}

func (c caller) String() string {
	if c.browser {
		return string(c.role) + " in a session"
	}
	return string(c.role)
}

// callers are a key of each role, and a user of each that people have.
func callers() (all []caller) {
	for _, role := range access.Columns {
		all = append(all, caller{role, false})
	}
	for _, role := range access.Columns {
		if !slices.Contains([]access.Role{access.Anonymous, access.OpenData, access.Device, access.Gateway}, role) {
			all = append(all, caller{role, true})
		}
	}
	return all
}

// kinds are those of the targets that a caller is tried on: who comes with a
// session differs from a key in what the second role adds, and how far readings
// are published or granted matters to who reads.
func (c caller) kinds(row access.Action) []string {
	switch {
	case c.browser:
		return []string{own, other, granted}
	case reading(row):
		return kinds
	}
	return []string{own, other, public, granted}
}

func reading(row access.Action) bool {
	return row == access.ThingRead || row == access.ReadingRead || row == access.ReadingExport
}

// expect is what the table says of all roles of the caller: the widest counts.
func (c caller) expect(row access.Action, how call, kind string) expected {
	first := expect(row, how, c.role, kind)
	if !c.browser {
		return first
	}
	if kind == own || kind == granted {
		kind = other // they are so to the second role
	}
	return max(first, expect(row, how, access.Viewer, kind))
}

// as gives the headers of a caller of the organisation own, or of the city; a
// device is the target's where that is of the organisation.
func (w *world) as(c caller, x, home *target) []string {
	w.t.Helper()
	switch {
	case c.role == access.Anonymous:
		return []string{"Authorization: "}
	case c.role == access.Device:
		if x.organisation != home.organisation || x.absent() {
			x = home
		}
		if x.secret == "" {
			x.secret = must(w.keeper.Rotate(w.t.Context(), &x.device, 0, ""))(w.t).Secret
		}
		return []string{"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(x.device.Code+":"+x.secret))}
	}
	if w.shown[c] == nil {
		b := access.Binding{Role: c.role, Organisation: home.organisation}
		if c.role == access.CityAdmin || c.role == access.Auditor {
			b.Organisation = 0
		}
		w.shown[c] = w.enterAs(c, b)
	}
	return slices.Clone(w.shown[c])
}

func (w *world) enterAs(c caller, b access.Binding) []string {
	w.t.Helper()
	if !c.browser {
		return []string{"Authorization: Bearer " + w.newKey(b.Role, b.Organisation)}
	}
	w.made++
	further := access.Binding{Role: access.Viewer, Organisation: w.organisations[second].ID}
	s := w.signIn(fmt.Sprintf("caller-%d", w.made), b, further)
	return []string{s.cookie, s.csrf}
}

// forged holds that a change which another site makes a browser send is
// refused, whoever is signed in.
func (s *suite) forged(t *testing.T, op operation, c call) {
	if op.method == http.MethodGet || op.row == access.Public {
		return
	}
	who := caller{access.CityAdmin, true}
	headers := slices.DeleteFunc(s.as(who, s.shared[own], s.shared[own]), func(h string) bool { return strings.HasPrefix(h, "X-CSRF-Token") })
	if got := s.ask(t, op, c, headers, s.shared[own]); got.status != http.StatusForbidden {
		s.leaks++
		t.Errorf("LEAK: %s by another site's form: got %d %.300s", op.id, got.status, got.body)
	}
	s.cells++
}
