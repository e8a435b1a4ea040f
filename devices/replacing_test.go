package devices_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cityhub/devices"
)

// model makes a model from "key:property:unit" texts.
func (f *field) model(t testing.TB, code string, channels ...string) devices.Sensor {
	t.Helper()
	s := devices.Sensor{Code: code}
	for _, c := range channels {
		p := strings.Split(c, ":")
		s.Channels = append(s.Channels, devices.Channel{Key: p[0], Property: p[1], Unit: p[2], Lo: -1e9, Hi: 1e9})
	}
	s, _, err := f.PutSensor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *field) unit(t testing.TB, code, model string) int64 {
	t.Helper()
	found, err := f.Sensors.List(t.Context(), devices.Page{Limit: 1, Match: map[string]any{"code": model}})
	if err != nil || len(found) != 1 {
		t.Fatal(model, err)
	}
	d := devices.Device{Code: code, SensorID: found[0].ID, OrganisationID: f.lan}
	if err := f.Devices.Create(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

func (f *field) deploy(t testing.TB, device int64, at time.Time) devices.Deployment {
	t.Helper()
	d, err := f.Deploy(t.Context(), device, devices.Destination{ThingID: f.thing}, devices.Step{At: at})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// streams tells where a device's keys go at a time: "key→property@datastream".
func (f *field) streams(t testing.TB, r *devices.Registry, device string, at time.Time) string {
	t.Helper()
	target, err := r.Resolve(device, at)
	if err != nil {
		return err.Error()
	}
	var texts []string
	for _, c := range target.Model.Sensor.Channels {
		id := target.Series.Datastreams[c.Slot]
		d, err := f.Datastreams.Get(t.Context(), id)
		if err != nil || d.Property != c.Property || d.Unit != target.Series.Unit(c.Slot) || d.Group != target.Series.ID {
			t.Errorf("%s: key %s has slot %d, which is %+v of group %d, %v", device, c.Key, c.Slot, d, target.Series.ID, err)
		}
		if _, kind := target.Model.Channel(c.Key); kind != devices.Number {
			t.Errorf("%s: key %s is of kind %q", device, c.Key, kind)
		}
		texts = append(texts, fmt.Sprintf("%s→%s@%d", c.Key, c.Property, id))
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

// reopened is the registry as another start of the hub finds it.
func (f *field) reopened(t testing.TB) *devices.Registry {
	t.Helper()
	r, err := devices.Open(t.Context(), f.database.Store(), func() time.Time { return then })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (f *field) expect(t testing.TB, device string, at time.Time, want string) {
	t.Helper()
	for name, r := range map[string]*devices.Registry{"now": f.Registry, "after a restart": f.reopened(t)} {
		if got := f.streams(t, r, device, at); got != want {
			t.Errorf("%s at %s, %s: %s, want %s", device, at.Format("15:04"), name, got, want)
		}
	}
}

var (
	morning = then.Add(-4 * time.Hour)
	noon    = then.Add(-3 * time.Hour)
	evening = then.Add(-2 * time.Hour)
)

// Another model has its channels in another order and under other keys: its
// readings still go to the station's datastreams.
func TestADeviceOfAnotherModelGoesOnWithTheSeries(t *testing.T) {
	f := openField(t)
	f.model(t, "m1", "a:x:u", "b:y:v", "c:z:w")
	f.model(t, "m2", "Z:z:w", "X:x:u", "Y:y:v")
	a, b := f.unit(t, "a", "m1"), f.unit(t, "b", "m2")
	f.deploy(t, a, morning)
	first := f.streams(t, f.Registry, "a", noon)
	ids := f.target(t, "a", morning).Series.Datastreams
	ctx := as(t.Context(), "Lan", f.lan)
	d, differences, err := f.Replace(ctx, a, b, false, devices.Step{At: noon, Reason: "dead"})
	if err != nil || len(differences) != 0 || d.ThingID != f.thing {
		t.Fatalf("%+v, %v, %v", d, differences, err)
	}
	f.expect(t, "b", noon, fmt.Sprintf("X→x@%d Y→y@%d Z→z@%d", ids[0], ids[1], ids[2]))
	f.expect(t, "a", noon.Add(-1), first) // a late reading of the old one
	f.expect(t, "a", noon, devices.ErrNotDeployed.Error())
	if a, b := f.device(t, "a"), f.device(t, "b"); a.State != devices.Recalled || b.State != devices.Deployed {
		t.Errorf("the old one is %s, the new one %s", a.State, b.State)
	}
	gone, came := f.events(t, a), f.events(t, b)
	if e := gone[len(gone)-1]; e.Move != devices.Replace || e.OtherID != b || e.ThingID != f.thing || e.Reason != "dead" || !e.Time.Equal(noon) || e.Actor.Name != "Lan" {
		t.Errorf("of the old one: %+v", e)
	}
	if e := came[len(came)-1]; e.Move != devices.Deploy || e.OtherID != a || e.ThingID != f.thing || !e.Time.Equal(noon) {
		t.Errorf("of the new one: %+v", e)
	}
}

func TestDifferencesAreRefusedWithAList(t *testing.T) {
	f := openField(t)
	f.model(t, "m1", "a:x:u", "b:y:v")
	f.model(t, "more", "a:x:u", "b:y:v", "c:z:w")
	f.model(t, "less", "b:y:v")
	f.model(t, "other", "a:x:U", "b:y:v")
	a := f.unit(t, "a", "m1")
	f.deploy(t, a, morning)
	before := f.streams(t, f.Registry, "a", noon)
	for model, want := range map[string]devices.Difference{
		"more":  {Property: "z", Change: devices.Added, Now: "w"},
		"less":  {Property: "x", Change: devices.Missing, Was: "u"},
		"other": {Property: "x", Change: devices.OtherUnit, Was: "u", Now: "U"},
	} {
		b := f.unit(t, "b-"+model, model)
		_, _, err := f.Replace(t.Context(), a, b, false, devices.Step{At: noon})
		var refused *devices.DifferencesError
		if !errors.As(err, &refused) || !errors.Is(err, devices.ErrConflict) || len(refused.Differences) != 1 || refused.Differences[0] != want {
			t.Errorf("%s: %v", model, err)
		}
		if d := f.device(t, "b-"+model); d.State != devices.Stock || len(f.events(t, b)) != 1 {
			t.Errorf("%s: a refused replacement left %s, %d events", model, d.State, len(f.events(t, b)))
		}
	}
	f.expect(t, "a", then, before)
	streams, err := f.Datastreams.List(t.Context(), devices.Page{Limit: 99})
	if err != nil || len(streams) != 2 || len(f.events(t, a)) != 2 {
		t.Errorf("refused replacements left %d datastreams, %v", len(streams), err)
	}
}

func TestAcceptedDifferencesEndAndBeginDatastreams(t *testing.T) {
	f := openField(t)
	f.model(t, "m1", "a:x:u", "b:y:v")
	f.model(t, "m2", "n:z:w", "b:y:v")
	a, b, c := f.unit(t, "a", "m1"), f.unit(t, "b", "m2"), f.unit(t, "c", "m1")
	f.deploy(t, a, morning)
	first := f.streams(t, f.Registry, "a", morning)
	ids := f.target(t, "a", morning).Series.Datastreams
	_, differences, err := f.Replace(t.Context(), a, b, true, devices.Step{At: noon})
	if err != nil || len(differences) != 2 {
		t.Fatal(differences, err)
	}
	target := f.target(t, "b", noon)
	f.expect(t, "b", noon, fmt.Sprintf("b→y@%d n→z@%d", ids[1], target.Series.Datastreams[2]))
	f.expect(t, "a", noon.Add(-1), first)
	ended, err := f.Datastreams.Get(t.Context(), ids[0])
	if err != nil || !ended.Ended.Equal(noon) {
		t.Errorf("x ended at %s, %v", ended.Ended, err)
	}
	if at, err := f.Series(target.Series.ID); err != nil || at.Model.Sensor.Code != "m2" {
		t.Errorf("the place is filled by %s, %v", at.Model.Sensor.Code, err)
	}
	// The first model comes back: x goes on, z ends, nothing is made.
	if _, _, err = f.Replace(t.Context(), b, c, true, devices.Step{At: evening}); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "c", evening, first)
	again, err := f.Datastreams.Get(t.Context(), ids[0])
	if err != nil || !again.Ended.IsZero() {
		t.Errorf("x ended at %s, %v", again.Ended, err)
	}
	if all, err := f.Datastreams.List(t.Context(), devices.Page{Limit: 99}); err != nil || len(all) != 3 {
		t.Errorf("%d datastreams, %v", len(all), err)
	}
}

// A place holds one unit a property; so another unit takes another place.
func TestAnotherUnitTakesAnotherPlace(t *testing.T) {
	f := openField(t)
	f.model(t, "m1", "a:x:u", "b:y:v")
	f.model(t, "m2", "a:x:U", "b:y:v")
	a, b, c := f.unit(t, "a", "m1"), f.unit(t, "b", "m2"), f.unit(t, "c", "m1")
	f.deploy(t, a, morning)
	first := f.streams(t, f.Registry, "a", morning)
	ids := f.target(t, "a", morning).Series.Datastreams
	if _, _, err := f.Replace(t.Context(), a, b, true, devices.Step{At: noon}); err != nil {
		t.Fatal(err)
	}
	if f.target(t, "b", noon).Series.ID == f.target(t, "a", morning).Series.ID {
		t.Error("two units share a place")
	}
	for _, id := range ids {
		if d, err := f.Datastreams.Get(t.Context(), id); err != nil || !d.Ended.Equal(noon) {
			t.Errorf("%s ended at %s, %v", d.Property, d.Ended, err)
		}
	}
	if _, _, err := f.Replace(t.Context(), b, c, true, devices.Step{At: evening}); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "c", evening, first) // the old place is taken up again
}

// The models of a mixed place grow: no channel may take another's slot.
func TestModelsOfAMixedPlaceGrow(t *testing.T) {
	f := openField(t)
	f.model(t, "m1", "a:x:u")
	f.model(t, "m2", "n:z:w", "a:x:u")
	a, b, c := f.unit(t, "a", "m1"), f.unit(t, "b", "m2"), f.unit(t, "c", "m1")
	f.deploy(t, a, morning)
	if _, _, err := f.Replace(t.Context(), a, b, true, devices.Step{At: noon}); err != nil {
		t.Fatal(err)
	}
	f.model(t, "m1", "a:x:u", "p:p:q")          // slot 1 of m1, which z has in the place
	f.model(t, "m2", "n:z:w", "a:x:u", "r:r:s") // slot 2 of m2, which p has in the place
	x, p := f.target(t, "a", morning), f.target(t, "b", noon)
	ids := p.Series.Datastreams
	if len(ids) != 4 || x.Series.ID != p.Series.ID {
		t.Fatalf("%v", ids)
	}
	f.expect(t, "a", morning, fmt.Sprintf("a→x@%d p→p@%d", ids[0], ids[2]))
	f.expect(t, "b", noon, fmt.Sprintf("a→x@%d n→z@%d r→r@%d", ids[0], ids[1], ids[3]))
	if _, _, err := f.Replace(t.Context(), b, c, true, devices.Step{At: evening}); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "c", evening, fmt.Sprintf("a→x@%d p→p@%d", ids[0], ids[2]))
	_, err := f.Sensors.Update(t.Context(), f.device(t, "a").SensorID, func(s *devices.Sensor) error {
		s.Channels = append(s.Channels, devices.Channel{Key: "z", Property: "z", Unit: "other"})
		return nil
	})
	if !errors.Is(err, devices.ErrInvalid) {
		t.Errorf("a channel that measures a datastream of the place in another unit: %v", err)
	}
}

// A model that has once taken a place over finds it again.
func TestARecalledGuestsSuccessorFindsThePlace(t *testing.T) {
	f := openField(t)
	f.model(t, "m1", "a:x:u", "b:y:v")
	f.model(t, "m2", "Y:y:v", "X:x:u")
	a, b, c := f.unit(t, "a", "m1"), f.unit(t, "b", "m2"), f.unit(t, "c", "m2")
	f.deploy(t, a, morning)
	if _, _, err := f.Replace(t.Context(), a, b, false, devices.Step{At: noon}); err != nil {
		t.Fatal(err)
	}
	ids := f.target(t, "a", morning).Series.Datastreams
	if _, err := f.Recall(t.Context(), b, devices.Step{At: evening}); err != nil {
		t.Fatal(err)
	}
	f.deploy(t, c, evening)
	f.expect(t, "c", evening, fmt.Sprintf("X→x@%d Y→y@%d", ids[0], ids[1]))
}
