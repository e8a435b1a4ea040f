package devices_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

// technicianOf is the context of a technician of an organisation, for one action.
func technicianOf(t testing.TB, organisation int64, action access.Action) context.Context {
	p := &access.Principal{Kind: access.UserKind, ID: 7, Name: "Lan", Bindings: []access.Binding{{Role: access.Technician, Organisation: organisation}}}
	scope, _ := p.Scope(action)
	return access.WithScope(access.WithPrincipal(t.Context(), p), &scope)
}

func TestVisitsBelongToWhomTheThingBelongs(t *testing.T) {
	w := openTown(t)
	w.row(t, devices.Row{Device: "a", Station: "s", Organisation: "HN", From: "2025-01-01T00:00:00Z"}, devices.Created)
	other := devices.Organisation{Code: "HP"}
	if err := w.Organisations.Create(t.Context(), &other); err != nil {
		t.Fatal(err)
	}
	own, theirs := technicianOf(t, 1, access.VisitManage), technicianOf(t, other.ID, access.VisitManage)
	const ulid = "01K8ZS2V1Q0000000000000001"
	v := devices.Visit{ThingID: 1, ClientID: ulid}
	if err := w.OpenVisit(own, &v); err != nil || v.OpenedBy != "Lan" || !v.Opened.Equal(then) {
		t.Fatalf("%+v: %v", v, err)
	}
	n := devices.VisitNote{VisitID: v.ID, Text: "x"}
	if err := w.AddNote(own, &n); err != nil || n.Author != "Lan" {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"get":        second(w.Visits.Get(theirs, v.ID)),
		"note":       w.AddNote(theirs, &devices.VisitNote{VisitID: v.ID, Text: "y"}),
		"read note":  second(w.VisitNotes.Get(theirs, n.ID)),
		"close":      second(w.CloseVisit(theirs, v.ID, time.Time{}, "")),
		"photo":      w.RemovePhoto(theirs, v.ID, 1),
		"open there": w.OpenVisit(theirs, &devices.Visit{ThingID: 1}),
	} {
		if !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("%s: %v; want what is not there", name, err)
		}
	}
	if err := w.OpenVisit(theirs, &devices.Visit{ThingID: 1, ClientID: ulid}); !errors.Is(err, devices.ErrConflict) {
		t.Errorf("a client id of another's: %v", err)
	}
	for what, ctx := range map[string]context.Context{"visits": theirs, "own visits": own} {
		found, err := w.Visits.List(ctx, devices.Page{Limit: 9})
		if err != nil || (len(found) == 1) != (what == "own visits") {
			t.Errorf("%s: %v, %v", what, found, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAVisitMarksItsTimeAlsoAfterARestart(t *testing.T) {
	w := openTown(t)
	w.row(t, devices.Row{Device: "a", Station: "s", From: "2025-01-01T00:00:00Z"}, devices.Created)
	hour := func(n int) time.Time { return then.Add(time.Duration(n) * time.Hour) }
	for _, c := range []struct{ from, to int }{{-10, -8}, {-9, -7}, {-5, -4}, {-2, 0}} { // the first two overlap
		v := devices.Visit{ThingID: 1, Opened: hour(c.from)}
		if err := w.OpenVisit(t.Context(), &v); err != nil {
			t.Fatal(err)
		}
		if c.to == 0 {
			continue // the last stays open
		}
		if _, err := w.CloseVisit(t.Context(), v.ID, hour(c.to), "done"); err != nil {
			t.Fatal(err)
		}
	}
	check := func(r *devices.Registry) {
		t.Helper()
		target, err := r.Resolve("a", then)
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range map[int]bool{-11: false, -10: true, -8: true, -7: false, -6: false, -5: true, -4: false, -3: false, -2: true, 0: true} {
			if got := target.Station.UnderMaintenance(hour(n).UnixNano()); got != want {
				t.Errorf("%d h: under maintenance %v; want %v", n, got, want)
			}
		}
		if since, open := target.Station.Visited(); !open || since != hour(-2).UnixNano() {
			t.Errorf("open %v since %d", open, since)
		}
	}
	check(w.Registry)
	thing, err := w.Things.Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Things.Update(t.Context(), 1, func(t *devices.Thing) error { t.Name = thing.Name + "!"; return nil }); err != nil {
		t.Fatal(err)
	}
	check(w.Registry)
	again, err := devices.Open(t.Context(), w.database.Store(), func() time.Time { return then })
	if err != nil {
		t.Fatal(err)
	}
	check(again)
}
