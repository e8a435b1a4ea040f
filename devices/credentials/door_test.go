package credentials_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/devices/credentials"
)

// keys are API keys by their text.
type keys map[string]*access.Principal

func (k keys) ByKey(_ context.Context, key string) (*access.Principal, error) {
	if p := k[key]; p != nil {
		return p, nil
	}
	return nil, errors.New("unknown")
}

func (k keys) Key(_ context.Context, id int64) (access.Key, error) {
	for _, p := range k {
		if p.ID == id {
			return access.Key{ID: id, Binding: p.Bindings[0]}, nil
		}
	}
	return access.Key{}, errors.New("unknown")
}

func TestWhoComesInAtTheDoor(t *testing.T) {
	o := openOffice(t, nil)
	d := o.device(t, "aq-1", "")
	o.device(t, "gw-2", "")
	secret := o.rotate(t, &d, 0)
	gateway := &access.Principal{Kind: access.KeyKind, ID: 7, Name: "gw", Bindings: []access.Binding{{Role: access.Gateway, Organisation: o.ward.ID}}}
	viewer := &access.Principal{Kind: access.KeyKind, ID: 8, Name: "map", Bindings: []access.Binding{{Role: access.Viewer, Organisation: o.ward.ID}}}
	known := keys{"k": gateway, "v": viewer}
	door := credentials.NewDoor(o.keeper, o.registry, known)
	for _, c := range []struct{ name, client, username, password, want string }{
		{"a device", "aq-1", "aq-1", secret, "aq-1"},
		{"its second user name", "aq-1", "aq-1.2", secret, "aq-1"},
		{"another client id", "aq-2", "aq-1", secret, ""},
		{"a client id below", "aq-1-x", "aq-1", secret, ""},
		{"wrong secret", "aq-1", "aq-1", secret + "x", ""},
		{"no secret", "gw-2", "gw-2", "", ""},
		{"a gateway by name", "gw", "gw", "k", "key:7"},
		{"a second connection", "gw-9", "gw", "k", "key:7"},
		{"a gateway without a client id", "", "gw", "k", "key:7"},
		{"a device without a client id", "", "aq-1", secret, ""},
		{"a gateway by id", "7", "7", "k", "key:7"},
		{"under a device's name", "gw-2", "gw", "k", ""},
		{"under another client id", "other", "gw", "k", ""},
		{"under another name", "other", "other", "k", ""},
		{"a key that may not send", "map", "map", "v", ""},
	} {
		sender, valid := door.Authenticate(c.client, c.username, c.password)
		if sender != c.want || sender != "" && !valid() {
			t.Errorf("%s: %q, want %q", c.name, sender, c.want)
		}
	}
	_, device := door.Authenticate("aq-1", "aq-1", secret)
	_, key := door.Authenticate("gw", "gw", "k")
	if err := o.keeper.Revoke(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	delete(known, "k")
	if device() || key() {
		t.Error("what was revoked stays valid")
	}
}

func TestForWhomAGatewaySpeaks(t *testing.T) {
	o := openOffice(t, nil)
	o.device(t, "city", "")
	mine := o.device(t, "mine", "")
	if _, err := o.registry.Devices.Update(t.Context(), mine.ID, func(d *devices.Device) error {
		d.OrganisationID, d.DevEUI = o.ward.ID, "A84041FFFF1C2D3E"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	known := keys{
		"idle": {Kind: access.KeyKind, ID: 3, Name: "idle", Bindings: []access.Binding{{Role: access.Gateway, Organisation: o.ward.ID}}},
		"map":  {Kind: access.KeyKind, ID: 4, Name: "map", Bindings: []access.Binding{{Role: access.Viewer}}},
		"ward": {Kind: access.KeyKind, ID: 1, Name: "ward", Bindings: []access.Binding{{Role: access.Gateway, Organisation: o.ward.ID}}},
		"all":  {Kind: access.KeyKind, ID: 2, Name: "all", Bindings: []access.Binding{{Role: access.Gateway}}},
	}
	door := credentials.NewDoor(o.keeper, o.registry, known)
	ward, _ := door.Authenticate("ward", "ward", "ward")
	all, _ := door.Authenticate("all", "all", "all")
	for _, c := range []struct {
		sender, device string
		want           bool
	}{
		{ward, "mine", true}, {ward, "A84041FFFF1C2D3E", true}, {ward, "city", false}, {ward, "unknown", true},
		{all, "mine", true}, {all, "city", true}, {"key:3", "mine", true}, {"key:3", "city", false}, {"key:4", "mine", false},
		{"key:9", "mine", false}, {"mine", "mine", false},
	} {
		if got := door.Speaks(c.sender, c.device); got != c.want {
			t.Errorf("%s speaks for %s: %v, want %v", c.sender, c.device, got, c.want)
		}
	}
	if !door.Gateway(ward) || door.Gateway("mine") {
		t.Error("who is a gateway")
	}
	delete(known, "ward")
	if door.Speaks(ward, "mine") {
		t.Error("a gateway whose key is gone speaks on")
	}
}

func TestTheOverlapEndsForThoseWhoAreIn(t *testing.T) {
	o := openOffice(t, nil)
	d := o.device(t, "aq-1", "")
	first := o.rotate(t, &d, 0)
	door := credentials.NewDoor(o.keeper, o.registry, nil)
	_, valid := door.Authenticate("aq-1", "aq-1", first)
	o.rotate(t, &d, time.Hour)
	if !valid() {
		t.Error("the connection ends before the overlap")
	}
	o.wait(time.Hour)
	if valid() {
		t.Error("the connection outlives the overlap")
	}
}
