package database

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry/geofence"
)

func TestGeofencesAreKept(t *testing.T) { withDatabase(t, geofencesAreKept) }

func geofencesAreKept(ctx context.Context, t *testing.T, d *Database) {
	store, tables := d.Geofences(), d.Store().Tables()
	at := geo.Position{Lon: 105.8, Lat: 21}
	first := []geofence.State{{Fence: 1, Thing: 7, Since: 5, Inside: true, Pending: 9, At: at}, {Fence: 2, Thing: 7, Since: 6, Pending: 8}}
	must(t, store.Keep(ctx, geofence.Kept{States: first, Sightings: map[int64]int64{7: 100, 8: 50}}))
	second := []geofence.State{{Fence: 1, Thing: 7, Since: 5, Inside: true}, {Fence: 2, Thing: 7, Since: 6}}
	must(t, store.Keep(ctx, geofence.Kept{States: second, Sightings: map[int64]int64{7: 200}}))
	states, sightings, err := store.Load(ctx)
	must(t, err)
	if diff := cmp.Diff(second[:1], states) + cmp.Diff(map[int64]int64{7: 200, 8: 50}, sightings); diff != "" {
		t.Errorf("what is known (-want +got):\n%s", diff)
	}

	o := devices.Organisation{Code: "o"}
	must(t, tables.Organisations.Put(ctx, &o))
	own, other := devices.Thing{Code: "own", OrganisationID: o.ID}, devices.Thing{Code: "other"}
	must(t, tables.Things.Put(ctx, &own))
	must(t, tables.Things.Put(ctx, &other))
	noon := time.Date(2026, 3, 3, 12, 0, 0, 5, time.UTC)
	events := []*geofence.Event{
		{Fence: 1, Zone: 3, Thing: own.ID, Entered: true, Time: noon, Confirmed: noon.Add(time.Minute), Position: at},
		{Fence: 1, Zone: 3, Thing: other.ID, Entered: true, Time: noon.Add(time.Hour), Confirmed: noon.Add(time.Hour), Position: at},
		{Fence: 2, Zone: 4, Thing: own.ID, Time: noon.Add(2 * time.Hour), Confirmed: noon.Add(2 * time.Hour), Position: at}}
	must(t, store.Keep(ctx, geofence.Kept{Events: events}))
	for name, c := range map[string]struct {
		filter geofence.Filter
		want   []int
	}{
		"all":      {geofence.Filter{}, []int{0, 1, 2}},
		"fence":    {geofence.Filter{Fence: 1}, []int{0, 1}},
		"zone":     {geofence.Filter{Zone: 4}, []int{2}},
		"thing":    {geofence.Filter{Thing: other.ID}, []int{1}},
		"time":     {geofence.Filter{From: noon, To: noon.Add(time.Hour)}, []int{0, 1}},
		"after":    {geofence.Filter{After: events[0].ID}, []int{1, 2}},
		"limit":    {geofence.Filter{Limit: 1}, []int{0}},
		"own":      {geofence.Filter{Scope: &access.Scope{Own: []int64{o.ID}}}, []int{0, 2}},
		"nothing":  {geofence.Filter{Scope: &access.Scope{Public: true}}, nil},
		"the city": {geofence.Filter{Scope: &access.Scope{All: true}}, []int{0, 1, 2}},
	} {
		if c.filter.Limit == 0 {
			c.filter.Limit = 10
		}
		got, err := store.Events(ctx, c.filter)
		must(t, err)
		var want []geofence.Event
		for _, i := range c.want {
			want = append(want, *events[i])
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFencesAreNouns(t *testing.T) { withDatabase(t, fencesAreNouns) }

func fencesAreNouns(ctx context.Context, t *testing.T, d *Database) {
	tables := d.Store().Tables()
	z := devices.Zone{Code: "z", Kind: "depot", Name: "Z"}
	must(t, tables.Zones.Put(ctx, &z))
	f := devices.Fence{Code: "f", Name: "F", ZoneID: z.ID, Things: []int64{3, 4}, Metres: 12.5, Hold: time.Minute, Since: time.Unix(5, 6).UTC()}
	must(t, tables.Fences.Put(ctx, &f))
	got, err := tables.Fences.Get(ctx, f.ID)
	must(t, err)
	if diff := cmp.Diff(f, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := tables.Zones.Delete(ctx, z.ID); err == nil {
		t.Error("a zone with a fence can be deleted")
	}
}
