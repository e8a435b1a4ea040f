package credentials_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/devices/credentials"
)

// door notes whom a broker was told to send away.
type door struct{ gone []string }

func (d *door) Disconnect(code string) bool {
	d.gone = append(d.gone, code)
	return true
}

func (o *office) in(t testing.TB, code, secret string) bool {
	t.Helper()
	p, err := o.keeper.ByDevice(t.Context(), code, secret)
	if err != nil {
		if !errors.Is(err, credentials.ErrRefused) {
			t.Fatal(err)
		}
		return false
	}
	scope, ok := p.Scope(access.ReadingWrite)
	if p.Kind != access.DeviceKind || p.Name != code || !ok || scope.All || len(scope.Own) != 0 {
		t.Errorf("principal %+v, scope %+v", p, scope)
	}
	return true
}

func (o *office) rotate(t testing.TB, d *devices.Device, overlap time.Duration) string {
	t.Helper()
	issued, err := o.keeper.Rotate(t.Context(), d, overlap, "")
	if err != nil {
		t.Fatal(err)
	}
	return issued.Secret
}

func TestRotationWithOverlap(t *testing.T) {
	gone := &door{}
	o := openOffice(t, func(o *credentials.Options) { o.Direct = []credentials.Direct{gone} })
	d, other := o.device(t, "aq-1", ""), o.device(t, "aq-2", "")
	if o.in(t, "aq-1", "") {
		t.Fatal("a device without a secret comes in")
	}
	first := o.rotate(t, &d, credentials.DefaultOverlap)
	o.rotate(t, &other, 0)
	if !o.in(t, "aq-1", first) || o.in(t, "aq-2", first) || o.in(t, "aq-3", first) || o.in(t, "aq-1", first+" ") {
		t.Fatal("the secret is its device's alone")
	}
	second := o.rotate(t, &d, time.Hour)
	if !o.in(t, "aq-1", first) || !o.in(t, "aq-1", second) {
		t.Fatal("both are valid during the overlap")
	}
	third := o.rotate(t, &d, time.Hour)
	if o.in(t, "aq-1", first) || !o.in(t, "aq-1", second) || !o.in(t, "aq-1", third) {
		t.Fatal("at most two are valid")
	}
	o.wait(time.Hour)
	if o.in(t, "aq-1", second) || !o.in(t, "aq-1", third) {
		t.Fatal("the overlap ends")
	}
	gone.gone = nil
	fourth := o.rotate(t, &d, 0)
	if o.in(t, "aq-1", third) || !o.in(t, "aq-1", fourth) || !slices.Equal(gone.gone, []string{"aq-1"}) {
		t.Fatalf("without overlap the one before ends at once, with its connection: %v", gone.gone)
	}
	again, err := credentials.Open(t.Context(), credentials.Options{Store: o.db.Credentials(), Registry: o.registry, Now: o.now})
	if err != nil {
		t.Fatal(err)
	}
	o.keeper = again
	if !o.in(t, "aq-1", fourth) {
		t.Error("the secret does not outlive a start")
	}
}

func TestRevocation(t *testing.T) {
	gone := &door{}
	o := openOffice(t, func(o *credentials.Options) { o.Direct = []credentials.Direct{gone} })
	d := o.device(t, "aq-1", "")
	first := o.rotate(t, &d, 0)
	second := o.rotate(t, &d, time.Hour)
	if err := o.keeper.Revoke(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	if o.in(t, "aq-1", first) || o.in(t, "aq-1", second) || !o.keeper.Revoked("aq-1") || o.keeper.Revoked("aq-2") {
		t.Error("a revoked device still comes in")
	}
	if !slices.Contains(gone.gone, "aq-1") {
		t.Error("its connection stays")
	}
	third := o.rotate(t, &d, time.Hour)
	if !o.in(t, "aq-1", third) || o.in(t, "aq-1", second) || o.keeper.Revoked("aq-1") {
		t.Error("a new secret lets it in again, and no old one")
	}
	if got := o.audited(t); got["credential-rotate"] != 3 || got["credential-revoke"] != 1 {
		t.Errorf("audited %v", got)
	}
}

func TestGivenSecretsAndOverlapsAreChecked(t *testing.T) {
	o := openOffice(t, nil)
	d := o.device(t, "aq-1", "")
	for name, c := range map[string]struct {
		overlap time.Duration
		secret  string
		field   string
	}{
		"negative overlap": {-1, "", "overlap"},
		"endless overlap":  {credentials.MaxOverlap + 1, "", "overlap"},
		"weak secret":      {0, "hanoi2025", "secret"},
		"good secret":      {0, "abcdefghijklmnopqrstuvwx", ""},
	} {
		_, err := o.keeper.Rotate(t.Context(), &d, c.overlap, c.secret)
		var field *devices.FieldError
		if errors.As(err, &field); (field == nil) != (c.field == "") || field != nil && field.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !o.in(t, "aq-1", "abcdefghijklmnopqrstuvwx") {
		t.Error("the given secret is not valid")
	}
	gone := devices.Device{ID: 99, Code: "gone"}
	if _, err := o.keeper.Rotate(t.Context(), &gone, 0, ""); err == nil {
		t.Error("a device that does not exist got a secret")
	}
}
