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

// brought gives a new device that is in a state.
func (f *field) brought(t testing.TB, code string, s devices.State) int64 {
	t.Helper()
	id := f.newDevice(t, code)
	do := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	to := devices.Destination{New: &devices.Thing{Code: "of-" + code}}
	switch s {
	case devices.Claimed:
		do(f.Claim(t.Context(), id, f.lan, morning, "", nil))
	case devices.Retired:
		do(f.Retire(t.Context(), id, devices.Step{At: morning}))
	case devices.Deployed, devices.Maintenance, devices.Recalled:
		do(f.Deploy(t.Context(), id, to, devices.Step{At: morning}))
	}
	if s == devices.Maintenance {
		do(f.Maintain(t.Context(), id, true, devices.Step{At: morning}))
	}
	if s == devices.Recalled {
		do(f.Recall(t.Context(), id, devices.Step{At: noon}))
	}
	if d := f.device(t, code); d.State != s {
		t.Fatalf("brought to %s, not %s", d.State, s)
	}
	return id
}

// try makes a move of a device by its call.
func (f *field) try(ctx context.Context, t testing.TB, id int64, code string, m devices.Move) (err error) {
	step := devices.Step{At: evening}
	switch m {
	case devices.Claim:
		_, err = f.Claim(ctx, id, f.lan, evening, "", nil)
	case devices.Deploy:
		_, err = f.Deploy(ctx, id, devices.Destination{New: &devices.Thing{Code: "to-" + code}}, step)
	case devices.Replace:
		_, _, err = f.Replace(ctx, id, f.newDevice(t, "for-"+code), false, step)
	case devices.Recall:
		_, err = f.Recall(ctx, id, step)
	case devices.BeginMaintenance, devices.EndMaintenance:
		_, err = f.Maintain(ctx, id, m == devices.BeginMaintenance, step)
	case devices.HandOver:
		_, err = f.HandOver(ctx, id, f.minh, true, step)
	case devices.Retire:
		_, err = f.Retire(ctx, id, step)
	}
	return err
}

// grid says where every move leads from every state; - is refused.
const grid = `
              claim   deploy   replace  recall   begin-maintenance end-maintenance hand-over   retire
stock         claimed deployed -        -        -                 -               claimed     retired
claimed       -       deployed -        -        -                 -               claimed     retired
deployed      -       -        recalled recalled maintenance       -               deployed    -
maintenance   -       -        recalled recalled -                 deployed        maintenance -
recalled      -       deployed -        -        -                 -               claimed     retired
retired       -       -        -        -        -                 -               -           -`

func TestEveryMoveFromEveryState(t *testing.T) {
	f := openField(t)
	lines := strings.Split(strings.TrimPrefix(grid, "\n"), "\n")
	moves := strings.Fields(lines[0])
	if len(lines) != 1+len(devices.States()) || len(moves) != len(devices.Moves())-1 {
		t.Fatal("the grid lacks states or moves")
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		for i, move := range moves {
			code := cells[0] + "-" + move
			id := f.brought(t, code, devices.State(cells[0]))
			before := len(f.events(t, id))
			err := f.try(as(t.Context(), "Lan", f.lan), t, id, code, devices.Move(move))
			want, kept := cells[i+1], 1
			var refused *devices.TransitionError
			if want == "-" {
				want, kept = cells[0], 0
				if !errors.As(err, &refused) || refused.Move != devices.Move(move) || !slices.Equal(refused.Legal, devices.LegalMoves(devices.State(cells[0]))) {
					t.Errorf("%s: %v", code, err)
				}
			} else if err != nil {
				t.Errorf("%s: %v", code, err)
			}
			if d := f.device(t, code); string(d.State) != want {
				t.Errorf("%s leads to %s, want %s", code, d.State, want)
			}
			if n := len(f.events(t, id)) - before; n != kept {
				t.Errorf("%s leaves %d events, want %d", code, n, kept)
			}
		}
	}
}

// What is not the caller's looks as if it did not exist, whatever the state.
func TestNobodyMovesAnothersDevice(t *testing.T) {
	f := openField(t)
	ctx := as(t.Context(), "Minh", f.minh)
	for _, s := range devices.States() {
		for _, m := range devices.Moves()[2:] {
			code := string(s) + "-" + string(m)
			id := f.brought(t, code, s)
			err := f.try(ctx, t, id, code, m)
			if !errors.Is(err, devices.ErrNotFound) {
				t.Errorf("%s: %v", code, err)
			}
			if d := f.device(t, code); d.State != s || d.OrganisationID != f.lan {
				t.Errorf("%s: the device is %+v", code, d)
			}
		}
	}
	mine, theirs := f.newDevice(t, "mine"), f.newThing(t, "theirs", f.minh)
	lan := as(t.Context(), "Lan", f.lan)
	if _, err := f.Deploy(lan, mine, devices.Destination{ThingID: theirs}, devices.Step{}); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("a deployment at another's thing: %v", err)
	}
	foreign := devices.Device{Code: "foreign", SensorID: f.sensor.ID, OrganisationID: f.minh}
	if err := f.Devices.Create(t.Context(), &foreign); err != nil {
		t.Fatal(err)
	}
	f.deploy(t, mine, morning)
	if _, _, err := f.Replace(lan, mine, foreign.ID, true, devices.Step{}); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("a replacement by another's device: %v", err)
	}
}

func TestADeviceIsHandedOverWithItsThing(t *testing.T) {
	f := openField(t)
	a, b := f.newDevice(t, "a"), f.newDevice(t, "b")
	f.deploy(t, a, morning)
	f.deploy(t, b, morning)
	lan, minh := as(t.Context(), "Lan", f.lan), as(t.Context(), "Minh", f.minh)
	if _, err := f.HandOver(lan, a, f.minh, false, devices.Step{}); !errors.Is(err, devices.ErrConflict) {
		t.Errorf("without its thing: %v", err)
	}
	if _, err := f.HandOver(lan, a, f.minh, true, devices.Step{Reason: "merger"}); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"a", "b"} {
		d := f.device(t, code)
		events := f.events(t, d.ID)
		if last := events[len(events)-1]; d.OrganisationID != f.minh || last.Move != devices.HandOver || last.OrganisationID != f.minh || last.ThingID != f.thing || last.Reason != "merger" {
			t.Errorf("%s: %+v, %+v", code, d, last)
		}
	}
	seen, err := f.DeviceEvents(minh, a, devices.Page{Limit: 100})
	if err != nil || len(seen) < 3 {
		t.Fatalf("%d events, %v", len(seen), err)
	}
	for _, e := range seen[:len(seen)-1] { // what and when, and nothing else of the giver's
		if e.Move == "" || e.Time.IsZero() || e.Actor.Name != "" || e.Actor.ID != 0 || e.Reason != "" || e.Fix != nil || e.ThingID != 0 {
			t.Errorf("the taker sees %+v", e)
		}
	}
	if last := seen[len(seen)-1]; last.Reason != "merger" || last.Actor.Name != "Lan" {
		t.Errorf("the taker sees of the hand-over %+v", last)
	}
	if _, err := f.Recall(lan, a, devices.Step{}); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("the giver recalls it: %v", err)
	}
	if _, err := f.Recall(minh, a, devices.Step{}); err != nil {
		t.Errorf("the taker recalls it: %v", err)
	}
}

func TestAnEditPartsNoDeviceFromItsThingsOwner(t *testing.T) {
	f := openField(t)
	id := f.newDevice(t, "d")
	f.deploy(t, id, morning)
	give := func(to int64) error {
		_, err := f.Devices.Update(t.Context(), id, func(d *devices.Device) error { d.OrganisationID = to; return nil })
		return err
	}
	var field *devices.FieldError
	if err := give(f.minh); !errors.As(err, &field) || field.Field != "organisation" || !errors.Is(err, devices.ErrConflict) {
		t.Errorf("a device that stands at another's thing: %v", err)
	}
	if _, err := f.Recall(as(t.Context(), "Lan", f.lan), id, devices.Step{}); err != nil {
		t.Fatal(err)
	}
	if err := give(f.minh); err != nil {
		t.Errorf("one that stands nowhere: %v", err)
	}
}
