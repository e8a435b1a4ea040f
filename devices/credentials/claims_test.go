package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/database"
	"cityhub/devices"
	"cityhub/devices/credentials"
)

// office is a registry with its credentials and claims on a real store.
type office struct {
	db       *database.Database
	registry *devices.Registry
	keeper   *credentials.Keeper
	claims   *credentials.Claims
	ward     devices.Organisation
	passed   atomic.Int64 // of the clock
}

var start = time.Date(2025, 7, 1, 8, 0, 0, 0, time.UTC)

func (o *office) now() time.Time { return start.Add(time.Duration(o.passed.Load())) }

func (o *office) wait(d time.Duration) { o.passed.Add(int64(d)) }

func openOffice(t testing.TB, change func(*credentials.Options)) *office {
	t.Helper()
	o := &office{}
	var err error
	ok := func(e error) {
		t.Helper()
		if e != nil {
			t.Fatal(e)
		}
	}
	o.db, err = database.Open(t.Context(), database.Options{SQLitePath: filepath.Join(t.TempDir(), "hub.db")})
	ok(err)
	t.Cleanup(func() { o.db.Close() })
	o.registry, err = devices.Open(t.Context(), o.db.Store(), o.now)
	ok(err)
	options := credentials.Options{Store: o.db.Credentials(), Registry: o.registry, Now: o.now}
	if change != nil {
		change(&options)
	}
	o.keeper, err = credentials.Open(t.Context(), options)
	ok(err)
	o.claims = credentials.NewClaims(credentials.ClaimOptions{Store: o.db.Credentials(), Finder: o.registry.Devices,
		Taker: o.registry, Log: o.db.AuditLog(), Now: o.now})
	o.ward = devices.Organisation{Code: "ward"}
	ok(o.registry.Organisations.Create(t.Context(), &o.ward))
	_, _, err = o.registry.PutSensor(t.Context(), devices.Sensor{Code: "air", Channels: []devices.Channel{{Key: "p", Property: "pm25", Hi: 1000}}})
	ok(err)
	return o
}

func (o *office) device(t testing.TB, code, serial string) devices.Device {
	t.Helper()
	sensors, err := o.registry.Sensors.List(t.Context(), devices.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	d := devices.Device{Code: code, Serial: serial, SensorID: sensors[0].ID}
	if err := o.registry.Devices.Create(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// as is a technician of the ward.
func (o *office) as(t testing.TB, id int64) context.Context { return o.of(t, id, o.ward.ID) }

func (o *office) of(t testing.TB, id, organisation int64) context.Context {
	p := &access.Principal{Kind: access.UserKind, ID: id, Name: fmt.Sprint("user-", id),
		Bindings: []access.Binding{{Role: access.Technician, Organisation: organisation}}}
	scope, _ := p.Scope(access.DeviceClaim)
	return access.WithScope(access.WithPrincipal(t.Context(), p), &scope)
}

// audited counts the audit log's entries by action.
func (o *office) audited(t testing.TB) map[string]int {
	t.Helper()
	log, err := o.db.AuditLog().Audit(t.Context(), access.AuditFilter{Limit: 100_000, Noun: "device"})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, e := range log {
		counts[e.Action]++
	}
	return counts
}

func TestADeviceIsClaimedOnceByItsLabel(t *testing.T) {
	o := openOffice(t, nil)
	d := o.device(t, "aq-1", "SN 4711")
	code, expires, err := o.claims.Make(t.Context(), &d, 0)
	if err != nil || !expires.Equal(start.Add(72*time.Hour)) {
		t.Fatal(code, expires, err)
	}
	wish := credentials.Wish{Label: " SN 4711 ", Code: strings.ToLower(strings.ReplaceAll(code, "-", " ")), Organisation: o.ward.ID}
	claimed, err := o.claims.Claim(o.as(t, 1), wish)
	if err != nil || claimed.OrganisationID != o.ward.ID || claimed.State != "claimed" {
		t.Fatalf("%+v %v", claimed, err)
	}
	if _, err := o.claims.Claim(o.as(t, 2), wish); !errors.Is(err, credentials.ErrNoClaim) {
		t.Errorf("the code was used twice: %v", err)
	}
	if _, _, err := o.claims.Make(t.Context(), &claimed, 0); !errors.Is(err, devices.ErrConflict) {
		t.Errorf("a code was made for a claimed device: %v", err)
	}
	if got := o.audited(t); got["claim"] != 1 || got["claim-code"] != 1 || got["claim-refused"] != 1 {
		t.Errorf("audited %v", got)
	}
}

func TestClaimsThatFailLookAlike(t *testing.T) {
	o := openOffice(t, nil)
	d, other := o.device(t, "aq-1", "S1"), o.device(t, "aq-2", "S2")
	o.device(t, "twin-1", "same")
	o.device(t, "twin-2", "same")
	code, _, err := o.claims.Make(t.Context(), &d, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	late, _, err := o.claims.Make(t.Context(), &other, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	o.wait(2 * time.Minute)
	for name, w := range map[string]credentials.Wish{
		"another code":              {Label: "S1", Code: access.NewClaimCode()},
		"no code":                   {Label: "S1"},
		"another device's code":     {Label: "S2", Code: code},
		"a code that has run out":   {Label: "S2", Code: late},
		"no such serial":            {Label: "S3", Code: code},
		"no such id":                {DeviceID: 999, Code: code},
		"two devices of the serial": {Label: "same", Code: code},
		"nothing":                   {},
	} {
		w.Organisation = o.ward.ID
		if _, err := o.claims.Claim(o.as(t, 1), w); err == nil || err.Error() != credentials.ErrNoClaim.Error() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.claims.Claim(o.as(t, 1), credentials.Wish{DeviceID: d.ID, Code: code, Organisation: o.ward.ID}); err != nil {
		t.Errorf("after two wrong tries the right one is refused: %v", err)
	}
}

func TestACodeIsLockedAfterFiveWrongTries(t *testing.T) {
	o := openOffice(t, nil)
	d := o.device(t, "aq-1", "S1")
	code, _, err := o.claims.Make(t.Context(), &d, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range credentials.MaxClaimTries {
		_, _ = o.claims.Claim(o.as(t, int64(i)), credentials.Wish{Label: "S1", Code: access.NewClaimCode(), Organisation: o.ward.ID})
	}
	if _, err := o.claims.Claim(o.as(t, 9), credentials.Wish{Label: "S1", Code: code, Organisation: o.ward.ID}); !errors.Is(err, credentials.ErrNoClaim) {
		t.Errorf("the right code still opens: %v", err)
	}
	if got := o.audited(t); got["claim-locked"] != 1 || got["claim-refused"] != 6 {
		t.Errorf("audited %v", got)
	}
	code, _, err = o.claims.Make(t.Context(), &d, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.claims.Claim(o.as(t, 9), credentials.Wish{Label: "S1", Code: code, Organisation: o.ward.ID}); err != nil {
		t.Errorf("a new code does not unlock: %v", err)
	}
}

func TestTenThousandGuessesHitNothing(t *testing.T) {
	o := openOffice(t, nil)
	for i := range 200 {
		d := o.device(t, fmt.Sprint("aq-", i), fmt.Sprint("S", i))
		if _, _, err := o.claims.Make(t.Context(), &d, 0); err != nil {
			t.Fatal(err)
		}
	}
	var hits, refused, locked int
	for i := range 10_000 { // ten technicians of ten organisations, two hundred devices
		_, err := o.claims.Claim(o.of(t, int64(i%10), int64(i%10)+100), credentials.Wish{Label: fmt.Sprint("S", i%200), Code: access.NewClaimCode(), Organisation: o.ward.ID})
		var many *credentials.TooManyGuesses
		switch {
		case err == nil:
			hits++
		case errors.As(err, &many) && many.After > 0 && many.After <= time.Hour:
			locked++
		case errors.Is(err, credentials.ErrNoClaim):
			refused++
		default:
			t.Fatal(err)
		}
	}
	got := o.audited(t)
	t.Logf("10,000 guesses: %d hits, %d looked at and refused, %d not looked at; audited %v", hits, refused, locked, got)
	if hits != 0 || refused != 200 || locked != 9_800 || got["claim-refused"] != refused || got["claim-locked"] != 10 {
		t.Error("want no hit, 200 looked at, all of them and ten locks in the audit log")
	}
	o.wait(time.Hour + time.Minute)
	if _, err := o.claims.Claim(o.of(t, 1, 101), credentials.Wish{Label: "S1", Organisation: o.ward.ID}); !errors.Is(err, credentials.ErrNoClaim) {
		t.Errorf("the lock does not end: %v", err)
	}
}

// However many keys an organisation makes, it guesses no more than its own
// share, and others go on to claim.
func TestOneOrganisationLocksItselfAlone(t *testing.T) {
	o := openOffice(t, nil)
	d := o.device(t, "aq-1", "S1")
	code, _, err := o.claims.Make(t.Context(), &d, 0)
	if err != nil {
		t.Fatal(err)
	}
	var many *credentials.TooManyGuesses
	looked := 0
	for i := range 2_000 {
		_, err := o.claims.Claim(o.of(t, int64(i+10), 77), credentials.Wish{Label: "nothing", Code: access.NewClaimCode(), Organisation: 77})
		if !errors.As(err, &many) {
			looked++
		}
	}
	if looked != 60 {
		t.Errorf("%d guesses of one organisation were looked at", looked)
	}
	if _, err := o.claims.Claim(o.as(t, 1), credentials.Wish{Label: "S1", Code: code, Organisation: o.ward.ID}); err != nil {
		t.Errorf("another organisation's claim: %v", err)
	}
}
