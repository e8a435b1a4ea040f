package database

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/devices/credentials"
)

// putDevice makes a device with all that it needs.
func putDevice(ctx context.Context, t *testing.T, d *Database, code string) devices.Device {
	t.Helper()
	s := d.Store().Tables()
	model := put(ctx, t, s.Sensors, devices.Sensor{Code: "model-" + code})
	return put(ctx, t, s.Devices, devices.Device{Code: code, SensorID: model.ID, State: devices.Stock})
}

func TestCredentialsAreKeptWithTheirCommands(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		device, store := putDevice(ctx, t, d, "a"), d.Credentials()
		entry := func() *access.AuditEntry {
			return &access.AuditEntry{Time: noon, Kind: access.SystemKind, Action: "credential-rotate", Noun: "device", Entity: device.ID}
		}
		first := credentials.Credential{DeviceID: device.ID, Hash: "h1", Since: noon}
		must(t, store.Put(ctx, first, []credentials.Command{{Username: "a", Code: "a", Sealed: "s1", Due: noon}}, entry()))
		second := credentials.Credential{DeviceID: device.ID, Hash: "h2", Slot: 1, Since: noon.Add(1), OldHash: "h1", OldUntil: noon.Add(time.Hour)}
		must(t, store.Put(ctx, second, []credentials.Command{
			{Username: "a.2", Code: "a", Sealed: "s2", Due: noon}, {Username: "a", Code: "a", Due: noon.Add(time.Hour)}}, entry()))
		all, err := store.Load(ctx)
		must(t, err)
		if diff := cmp.Diff([]credentials.Credential{second}, all); diff != "" {
			t.Error(diff)
		}
		due := func(at time.Time) (names []string) {
			commands, err := store.Due(ctx, at, 10)
			must(t, err)
			for _, c := range commands {
				names = append(names, c.Username+"="+c.Sealed)
			}
			return names
		}
		if got := fmt.Sprint(due(noon), due(noon.Add(time.Hour))); got != "[a.2=s2] [a= a.2=s2]" {
			t.Errorf("due: %s", got)
		}
		commands, err := store.Due(ctx, noon, 10)
		must(t, err)
		must(t, store.Put(ctx, second, []credentials.Command{{Username: "a.2", Code: "a", Due: noon}}, entry()))
		must(t, store.Done(ctx, []int64{commands[0].ID}))
		if got := fmt.Sprint(due(noon)); got != "[a.2=]" {
			t.Errorf("a later command was forgotten with the one before: %s", got)
		}
		log, err := d.AuditLog().Audit(ctx, access.AuditFilter{Limit: 9, Noun: "device"})
		must(t, err)
		if len(log) != 3 {
			t.Errorf("%d entries in the audit log, want 3", len(log))
		}
		must(t, d.Store().Tables().Devices.Delete(ctx, device.ID))
		if all, err = store.Load(ctx); err != nil || len(all) != 0 {
			t.Errorf("the credential outlives its device: %v %v", all, err)
		}
		refused(t, "no device", store.Put(ctx, first, nil, entry()), devices.ErrInvalid, "device", "does not exist")
	})
}

func TestUsersWhoHaveToGoComeBeforeSecrets(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		store := d.Credentials()
		var commands []credentials.Command
		for i := range 20 {
			commands = append(commands, credentials.Command{Username: fmt.Sprint("new-", i), Code: "x", Sealed: "s", Due: noon})
		}
		must(t, store.Tell(ctx, commands))
		must(t, store.Tell(ctx, []credentials.Command{{Username: "old", Code: "x", Due: noon}}))
		must(t, store.Tell(ctx, []credentials.Command{{Username: "older", Code: "x", Due: noon}}))
		due := func() (names []string, all []credentials.Command) {
			all, err := store.Due(ctx, noon, 4)
			must(t, err)
			for _, c := range all {
				names = append(names, fmt.Sprint(c.Username, c.Tries))
			}
			return names, all
		}
		names, all := due()
		if fmt.Sprint(names) != "[older0 old0 new-00 new-10]" {
			t.Errorf("due: %v", names)
		}
		for i := range all[:3] {
			all[i].Due, all[i].Tries = noon.Add(time.Second), 1
		}
		must(t, store.Tell(ctx, []credentials.Command{{Username: "old", Code: "x", Due: noon}}))
		must(t, store.Later(ctx, all[:3]))
		if names, _ := due(); fmt.Sprint(names) != "[old0 new-10 new-20 new-30]" {
			t.Errorf("due after some were put off: %v", names)
		}
		later, err := store.Due(ctx, noon.Add(time.Second), 2)
		must(t, err)
		if len(later) != 2 || later[1].Username != "older" || later[1].Tries != 1 || !later[1].Due.Equal(noon.Add(time.Second)) {
			t.Errorf("due a second later: %+v", later)
		}
	})
}

func TestAClaimCodeIsTriedFiveTimesAndUsedOnce(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		device, store := putDevice(ctx, t, d, "a"), d.Credentials()
		code := credentials.ClaimCode{DeviceID: device.ID, Hash: "h", Maker: "Lan", Created: noon, Expires: noon.Add(time.Hour)}
		renew := func() { must(t, store.PutClaimCode(ctx, code)) }
		try := func(at time.Time) bool {
			got, open, err := store.TryClaimCode(ctx, device.ID, at, 5)
			must(t, err)
			if open && (got.Hash != "h" || got.Maker != "Lan" || !got.Expires.Equal(code.Expires)) {
				t.Errorf("%+v", got)
			}
			return open
		}
		if try(noon) {
			t.Error("a device without a code can be tried")
		}
		renew()
		var open atomic.Int64
		var guessers sync.WaitGroup
		for range 40 { // tries beside each other do not outrun the count
			guessers.Go(func() {
				if _, ok, err := store.TryClaimCode(ctx, device.ID, noon, 5); err == nil && ok {
					open.Add(1)
				}
			})
		}
		guessers.Wait()
		if open.Load() != 5 || try(noon) {
			t.Errorf("%d tries were taken, want 5 and no more", open.Load())
		}
		renew()
		if try(code.Expires) || !try(code.Expires.Add(-1)) {
			t.Error("a code is tried until it expires, and not after")
		}
		use := func(hash string, at time.Time) bool {
			done, err := store.UseClaimCode(ctx, device.ID, hash, at)
			must(t, err)
			return done
		}
		if use("other", noon) || !use("h", noon) || use("h", noon) || try(noon) {
			t.Error("a code is used once")
		}
		if !use("h", time.Time{}) || use("h", time.Time{}) || !try(noon) {
			t.Error("a use is taken back once")
		}
		_, open2, err := store.TryClaimCode(ctx, device.ID+99, noon, 5)
		must(t, err)
		if open2 {
			t.Error("another device has the code")
		}
	})
}
