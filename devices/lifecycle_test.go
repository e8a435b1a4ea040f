package devices_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

// field is a town with two organisations, and a clock that goes on by itself.
type field struct {
	*town
	lan, minh int64 // organisations
	thing     int64
}

func openField(t testing.TB) *field {
	t.Helper()
	f := &field{town: openTown(t)}
	for _, o := range []struct {
		code string
		id   *int64
	}{{"lan", &f.lan}, {"minh", &f.minh}} {
		organisation := devices.Organisation{Code: o.code}
		if err := f.Organisations.Create(t.Context(), &organisation); err != nil {
			t.Fatal(err)
		}
		*o.id = organisation.ID
	}
	f.thing = f.newThing(t, "st", f.lan)
	return f
}

func (f *field) newThing(t testing.TB, code string, organisation int64) int64 {
	t.Helper()
	thing := devices.Thing{Code: code, OrganisationID: organisation}
	if err := f.Things.Create(t.Context(), &thing); err != nil {
		t.Fatal(err)
	}
	return thing.ID
}

func (f *field) newDevice(t testing.TB, code string) int64 {
	t.Helper()
	d := devices.Device{Code: code, SensorID: f.sensor.ID, OrganisationID: f.lan}
	if err := f.Devices.Create(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

// as gives the context of somebody who may operate what an organisation has.
func as(ctx context.Context, name string, organisation int64) context.Context {
	p := &access.Principal{Kind: access.UserKind, ID: 7, Name: name,
		Bindings: []access.Binding{{Role: access.OrgAdmin, Organisation: organisation}}}
	scope, _ := p.Scope(access.DeviceOperate)
	return access.WithScope(access.WithPrincipal(ctx, p), &scope)
}

func (f *field) events(t testing.TB, device int64) []devices.DeviceEvent {
	t.Helper()
	events, err := f.DeviceEvents(t.Context(), device, devices.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestAClaimedDeviceBelongsToItsOrganisation(t *testing.T) {
	f := openField(t)
	d := devices.Device{Code: "new", SensorID: f.sensor.ID}
	if err := f.Devices.Create(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	ctx := as(t.Context(), "Lan", f.lan)
	fix := &devices.Fix{Accuracy: 4.5}
	fix.Lon, fix.Lat = 105.85, 21.03
	got, err := f.Claim(ctx, d.ID, f.lan, then.Add(-time.Hour), "picked up", fix)
	if err != nil || got.State != devices.Claimed || got.OrganisationID != f.lan {
		t.Fatalf("%+v, %v", got, err)
	}
	last := f.events(t, d.ID)[1]
	if last.Move != devices.Claim || last.From != devices.Stock || last.To != devices.Claimed || last.Actor.Name != "Lan" || last.Actor.ID != 7 ||
		!last.Time.Equal(then.Add(-time.Hour)) || !last.Noted.Equal(then) || last.Reason != "picked up" || last.Fix == nil || *last.Fix != *fix || last.OrganisationID != f.lan {
		t.Errorf("%+v", last)
	}
	var refused *devices.TransitionError
	if _, err := f.Claim(ctx, d.ID, f.lan, time.Time{}, "", nil); !errors.As(err, &refused) || refused.Last == nil || refused.Last.Actor.Name != "Lan" {
		t.Errorf("a second claim: %v", err)
	}
	for name, ctx := range map[string]context.Context{"another organisation's device": as(t.Context(), "Minh", f.minh), "in another's name": ctx} {
		if _, err := f.Claim(ctx, d.ID, f.minh, time.Time{}, "", nil); !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.DeviceEvents(as(t.Context(), "Minh", f.minh), d.ID, devices.Page{Limit: 9}); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("another organisation reads its events: %v", err)
	}
	if n := len(f.events(t, d.ID)); n != 2 {
		t.Errorf("%d events; refused steps left some", n)
	}
}

func TestWrongStepsAreRefused(t *testing.T) {
	f := openField(t)
	id := f.newDevice(t, "d")
	off := &devices.Fix{}
	off.Lat = 91
	for name, c := range map[string]struct {
		step  devices.Step
		field string
	}{
		"future":       {devices.Step{At: then.Add(11 * time.Minute)}, "at"},
		"long ago":     {devices.Step{At: time.Unix(-1, 0)}, "at"},
		"a long story": {devices.Step{Reason: strings.Repeat("ờ", 2001)}, "reason"},
		"off":          {devices.Step{Fix: off}, "position"},
		"accuracy":     {devices.Step{Fix: &devices.Fix{Accuracy: -1}}, "accuracy"},
	} {
		_, err := f.Retire(t.Context(), id, c.step)
		var field *devices.FieldError
		if !errors.As(err, &field) || field.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.Retire(t.Context(), id, devices.Step{At: then.Add(9 * time.Minute), Reason: strings.Repeat("ờ", 2000)}); err != nil {
		t.Error(err)
	}
}

func TestAStateIsNotEdited(t *testing.T) {
	f := openField(t)
	id := f.newDevice(t, "d")
	_, err := f.Devices.Update(t.Context(), id, func(d *devices.Device) error { d.State = devices.Retired; return nil })
	if !errors.Is(err, devices.ErrInvalid) {
		t.Error(err)
	}
}

func TestLegalMovesAreNamedInOrder(t *testing.T) {
	want := map[devices.State]string{
		devices.Stock: "claim deploy hand-over retire", devices.Claimed: "deploy hand-over retire",
		devices.Deployed: "replace recall begin-maintenance hand-over", devices.Maintenance: "replace recall end-maintenance hand-over",
		devices.Recalled: "deploy hand-over retire", devices.Retired: "",
	}
	for _, s := range devices.States() {
		got := strings.Trim(fmt.Sprint(devices.LegalMoves(s)), "[]")
		if got != want[s] {
			t.Errorf("%s: %q, want %q", s, got, want[s])
		}
	}
	if !slices.Contains(devices.Moves(), devices.Register) {
		t.Error("register is no move")
	}
}
