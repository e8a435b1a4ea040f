package database

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
	"cityhub/devices"
)

// keptAsIs puts a record, changes it, and reads the whole table.
func keptAsIs[T any](ctx context.Context, t *testing.T, table access.Table[T], first, changed T, id func(*T) *int64) T {
	t.Helper()
	must(t, table.Put(ctx, &first))
	if *id(&first) == 0 {
		t.Fatalf("%T got no id", first)
	}
	*id(&changed) = *id(&first)
	for _, record := range []T{first, changed} {
		must(t, table.Put(ctx, &record))
		all, err := table.All(ctx)
		must(t, err)
		if diff := cmp.Diff([]T{record}, all); diff != "" {
			t.Errorf("%T: %s", record, diff)
		}
	}
	return changed
}

func TestAccountsAreKept(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		s, a := d.Store().Tables(), d.Accounts().Tables()
		one, two := put(ctx, t, s.Organisations, devices.Organisation{Code: "one"}), put(ctx, t, s.Organisations, devices.Organisation{Code: "two"})
		thing := put(ctx, t, s.Things, devices.Thing{Code: "t", OrganisationID: one.ID})
		later := noon.AddDate(0, 0, 1)
		user := keptAsIs(ctx, t, a.Users, access.User{Name: "an", Created: noon},
			access.User{Name: "bình@x", FullName: "Bình", Email: "b@x", Password: "$argon2id$", Subject: "https://id.example b", Disabled: true, Created: later}, func(u *access.User) *int64 { return &u.ID })
		keptAsIs(ctx, t, a.Roles, access.UserRole{User: user.ID, Binding: access.Binding{Role: access.CityAdmin}},
			access.UserRole{User: user.ID, Binding: access.Binding{Role: access.Viewer, Organisation: one.ID}}, func(r *access.UserRole) *int64 { return &r.ID })
		key := keptAsIs(ctx, t, a.Keys, access.Key{Name: "k", Hash: "1", Created: noon, Binding: access.Binding{Role: access.CityAdmin}},
			access.Key{Name: "l", Hint: "chk_x", Hash: "2", Created: noon, Expires: later, Used: later, Binding: access.Binding{Role: access.Gateway, Organisation: two.ID}},
			func(k *access.Key) *int64 { return &k.ID })
		keptAsIs(ctx, t, a.Sessions, access.SignedIn{User: user.ID, Hash: "1", Created: noon, Seen: noon},
			access.SignedIn{User: user.ID, Hash: "2", Created: noon, Seen: later}, func(s *access.SignedIn) *int64 { return &s.ID })
		set := keptAsIs(ctx, t, a.SetUps, access.SetUp{Hash: "1", Expires: noon}, access.SetUp{Hash: "2", Expires: later}, func(s *access.SetUp) *int64 { return &s.ID })
		keptAsIs(ctx, t, a.Grants, access.Grant{Owner: one.ID, Reader: two.ID},
			access.Grant{Owner: one.ID, Reader: two.ID, Thing: thing.ID, Property: "pm25"}, func(g *access.Grant) *int64 { return &g.ID })

		again := access.User{Name: user.Name, Created: noon}
		refused(t, "a second name", a.Users.Put(ctx, &again), devices.ErrConflict, "name", "taken")
		refused(t, "an organisation that is not there", a.Keys.Put(ctx, &access.Key{Name: "m", Hash: "3", Created: noon,
			Binding: access.Binding{Role: access.Viewer, Organisation: 987654}}), devices.ErrInvalid, "organisation_id", "does not exist")
		refused(t, "an organisation with accounts", s.Organisations.Delete(ctx, two.ID), devices.ErrConflict, "id", "in use by")

		must(t, a.Users.Delete(ctx, user.ID)) // and what hangs on it
		must(t, s.Things.Delete(ctx, thing.ID))
		none(ctx, t, "roles", a.Roles)
		none(ctx, t, "sessions", a.Sessions)
		none(ctx, t, "grants", a.Grants)
		must(t, a.Keys.Delete(ctx, key.ID))
		must(t, a.SetUps.Delete(ctx, set.ID))
		if err := a.Keys.Delete(ctx, key.ID); !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("a key is removed twice: %v", err)
		}
	})
}

func none[T any](ctx context.Context, t *testing.T, what string, table access.Table[T]) {
	t.Helper()
	all, err := table.All(ctx)
	must(t, err)
	if len(all) != 0 {
		t.Errorf("%s stay: %v", what, all)
	}
}

func TestAccountsChangeTogetherOrNotAtAll(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		mine := errors.New("mine")
		err := d.Accounts().Atomically(ctx, func(a access.Tables) error {
			must(t, a.Users.Put(ctx, &access.User{Name: "an", Created: noon}))
			entry, err := access.Change(ctx, noon, "create", "user", 1, 0, nil, nil)
			must(t, err)
			must(t, a.Log.Record(ctx, entry))
			return mine
		})
		if !errors.Is(err, mine) {
			t.Errorf("error %v", err)
		}
		none(ctx, t, "users", d.Accounts().Tables().Users)
		entries, err := d.AuditLog().Audit(ctx, access.AuditFilter{Limit: 9})
		must(t, err)
		if len(entries) != 0 {
			t.Errorf("the log has %v", entries)
		}
	})
}
