package devices_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cityhub/devices"
)

// What the older calls do to a device is told as well.
func TestDeploymentsTellTheirEvents(t *testing.T) {
	f := openField(t)
	id := f.newDevice(t, "d")
	d := devices.Deployment{DeviceID: id, ThingID: f.thing, From: morning}
	if err := f.Deployments.Create(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Maintain(t.Context(), id, true, devices.Step{}); err != nil {
		t.Fatal(err)
	}
	edit := func(do func(*devices.Deployment)) {
		t.Helper()
		if _, err := f.Deployments.Update(t.Context(), d.ID, func(d *devices.Deployment) error { do(d); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	edit(func(d *devices.Deployment) { d.From = morning.Add(-time.Hour) })
	if s := f.device(t, "d").State; s != devices.Maintenance {
		t.Errorf("an edit of its deployment made it %s", s)
	}
	edit(func(d *devices.Deployment) { d.To = evening })
	if _, err := f.Retire(t.Context(), id, devices.Step{}); err != nil {
		t.Fatal(err)
	}
	again := devices.Deployment{DeviceID: id, ThingID: f.thing, From: evening}
	var refused *devices.TransitionError
	if err := f.Deployments.Create(t.Context(), &again); !errors.As(err, &refused) {
		t.Errorf("a retired device is deployed: %v", err)
	}
	edit(func(d *devices.Deployment) { d.From = morning })
	var told []string
	for _, e := range f.events(t, id) {
		told = append(told, fmt.Sprintf("%s %s", e.Move, e.Time.Format("15:04")))
	}
	if got, want := strings.Join(told, ", "), "register 00:00, deploy 20:00, begin-maintenance 00:00, recall 22:00, retire 00:00"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAThingWithoutAPlaceGetsTheDevices(t *testing.T) {
	f := openField(t)
	id := f.newDevice(t, "d")
	fix := &devices.Fix{}
	fix.Lon, fix.Lat = 105.8, 21
	if _, err := f.Deploy(t.Context(), id, devices.Destination{ThingID: f.thing}, devices.Step{Fix: fix}); err != nil {
		t.Fatal(err)
	}
	if p := f.target(t, "d", then).Station.Position; p == nil || *p != fix.Position {
		t.Errorf("the station stands at %v", p)
	}
}
