package devices_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

func (w *town) deployment(t *testing.T, device string) devices.Deployment {
	t.Helper()
	list, err := w.Deployments.List(t.Context(), devices.Page{Limit: 9, Match: map[string]any{"device_id": w.device(t, device).ID}})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d deployments of %s, %v", len(list), device, err)
	}
	return list[0]
}

func TestADeploymentGivenToAnotherDeviceLeavesTheFirst(t *testing.T) {
	w := openTown(t)
	w.row(t, devices.Row{Device: "a", Station: "s", From: then.Format(time.RFC3339)}, devices.Created)
	w.row(t, devices.Row{Device: "b"}, devices.Created)
	b := w.device(t, "b").ID
	_, err := w.Deployments.Update(t.Context(), w.deployment(t, "a").ID, func(d *devices.Deployment) error { d.DeviceID = b; return nil })
	if err != nil {
		t.Fatal(err)
	}
	w.target(t, "b", then)
	if got, err := w.Resolve("a", then); !errors.Is(err, devices.ErrNotDeployed) {
		t.Errorf("a still stands at %+v, %v", got.Station, err)
	}
	if a, b := w.device(t, "a"), w.device(t, "b"); a.State != devices.Recalled || b.State != devices.Deployed {
		t.Errorf("a is %s, b is %s", a.State, b.State)
	}
}

func TestADeviceIsDeployedAsLongAsOneDeploymentIsOpen(t *testing.T) {
	w := openTown(t)
	w.row(t, devices.Row{Device: "a", Station: "s", From: then.Format(time.RFC3339)}, devices.Created)
	d := w.deployment(t, "a")
	earlier := devices.Deployment{DeviceID: d.DeviceID, ThingID: d.ThingID, From: then.Add(-time.Hour), To: then}
	if err := w.Deployments.Create(t.Context(), &earlier); err != nil {
		t.Fatal(err)
	}
	if a := w.device(t, "a"); a.State != devices.Deployed {
		t.Errorf("an earlier deployment made a device that stands there %s", a.State)
	}
	if err := w.Deployments.Delete(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	if a := w.device(t, "a"); a.State != devices.Recalled {
		t.Errorf("without an open deployment it is %s", a.State)
	}
}

// A code and a DevEUI name devices in one and the same place.
func TestADevicesNameCannotBeAnothersDevEUI(t *testing.T) {
	const eui = "70B3D57ED0000001"
	w := openTown(t)
	w.row(t, devices.Row{Device: "a", DevEUI: eui, Station: "s", From: then.Format(time.RFC3339)}, devices.Created)
	if _, err := w.ImportRow(t.Context(), devices.Row{Device: eui, Model: "air", Station: "elsewhere"}); !errors.Is(err, devices.ErrConflict) {
		t.Errorf("a device with the DevEUI of another for its code: %v", err)
	}
	if got := w.target(t, eui, then); got.Device != "a" {
		t.Errorf("readings of a's DevEUI go to %s", got.Device)
	}
	const own = "70B3D57ED0000002"
	w.row(t, devices.Row{Device: own, DevEUI: own}, devices.Created) // its own is no other's
	w.row(t, devices.Row{Device: own, DevEUI: own, Serial: "1"}, devices.Updated)
	if _, err := w.ImportRow(t.Context(), devices.Row{Device: "c", DevEUI: own, Model: "air"}); !errors.Is(err, devices.ErrConflict) {
		t.Errorf("the same DevEUI twice: %v", err)
	}
	w.row(t, devices.Row{Device: "70B3D57ED0000003"}, devices.Created)
	if _, err := w.ImportRow(t.Context(), devices.Row{Device: "d", DevEUI: "70B3D57ED0000003", Model: "air"}); !errors.Is(err, devices.ErrConflict) {
		t.Errorf("a device with the code of another for its DevEUI: %v", err)
	}
}

// Whose device has the name already, is not told those who do not own it.
func TestANameTakenDoesNotNameAnothersDevice(t *testing.T) {
	w := openTown(t)
	const eui = "70B3D57ED0000001"
	w.row(t, devices.Row{Device: "theirs", DevEUI: eui, Model: "air", Organisation: "two"}, devices.Created)
	w.row(t, devices.Row{Device: "mine", Model: "air", Organisation: "one"}, devices.Created)
	mine, theirs := w.device(t, "mine"), w.device(t, "theirs")
	for name, test := range map[string]struct {
		owner int64
		named bool
	}{"a stranger": {mine.OrganisationID, false}, "its owner": {theirs.OrganisationID, true}} {
		t.Run(name, func(t *testing.T) {
			ctx := access.WithScope(t.Context(), &access.Scope{Own: []int64{test.owner}})
			err := w.Devices.Create(ctx, &devices.Device{Code: eui, SensorID: mine.SensorID, OrganisationID: test.owner})
			if !errors.Is(err, devices.ErrConflict) || strings.Contains(err.Error(), "theirs") != test.named {
				t.Errorf("%v", err)
			}
		})
	}
}
