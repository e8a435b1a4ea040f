package database

import (
	"context"

	"github.com/uptrace/bun"

	"cityhub/access"
	"cityhub/devices"
)

// Accounts keeps users, roles, keys, sessions and grants.
func (d *Database) Accounts() access.Store { return accountStore{d} }

// accountStore implements access.Store.
type accountStore struct{ database *Database }

// Tables implements access.Store.
func (s accountStore) Tables() access.Tables { return accountTables(s.database.outside()) }

// Atomically implements access.Store.
func (s accountStore) Atomically(ctx context.Context, do func(access.Tables) error) error {
	return s.database.atomically(ctx, func(at *session) error { return do(accountTables(at)) })
}

func accountTables(at *session) access.Tables {
	return access.Tables{
		Users:    whole[access.User, userRow]{table[access.User, userRow]{users(), at}},
		Roles:    whole[access.UserRole, userRoleRow]{table[access.UserRole, userRoleRow]{userRoles(), at}},
		Keys:     whole[access.Key, keyRow]{table[access.Key, keyRow]{keys(), at}},
		Sessions: whole[access.SignedIn, sessionRow]{table[access.SignedIn, sessionRow]{sessions(), at}},
		SetUps:   whole[access.SetUp, setUpRow]{table[access.SetUp, setUpRow]{setUps(), at}},
		Grants:   whole[access.Grant, grantRow]{table[access.Grant, grantRow]{grants(), at}},
		Log:      recorder{at},
	}
}

// whole is a table that is read all at once.
type whole[E, R any] struct{ table[E, R] }

// All implements access.Table.
func (w whole[E, R]) All(ctx context.Context) (all []E, err error) {
	const limit = 10_000
	for page := (devices.Page{Limit: limit}); ; {
		some, err := w.List(ctx, page)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < limit {
			return all, nil
		}
		page.After = *w.id(&some[len(some)-1])
	}
}

type userRow struct {
	bun.BaseModel `bun:"table:users"`

	ID       int64 `bun:"id,pk"`
	Name     string
	FullName string
	Email    string
	Password string
	Subject  string
	Disabled bool
	Created  instant
}

func users() noun[access.User, userRow] {
	return noun[access.User, userRow]{
		name: "user",
		id:   func(u *access.User) *int64 { return &u.ID },
		toRow: func(u *access.User) userRow {
			return userRow{ID: u.ID, Name: u.Name, FullName: u.FullName, Email: u.Email, Password: u.Password, Subject: u.Subject,
				Disabled: u.Disabled, Created: instant{u.Created}}
		},
		toNoun: func(r *userRow) access.User {
			return access.User{ID: r.ID, Name: r.Name, FullName: r.FullName, Email: r.Email, Password: r.Password, Subject: r.Subject,
				Disabled: r.Disabled, Created: r.Created.Time}
		},
	}
}

type userRoleRow struct {
	bun.BaseModel `bun:"table:user_roles"`

	ID             int64 `bun:"id,pk"`
	UserID         reference
	Role           string
	OrganisationID reference
}

func userRoles() noun[access.UserRole, userRoleRow] {
	return noun[access.UserRole, userRoleRow]{
		name: "role",
		id:   func(r *access.UserRole) *int64 { return &r.ID },
		toRow: func(r *access.UserRole) userRoleRow {
			return userRoleRow{ID: r.ID, UserID: reference(r.User), Role: string(r.Role), OrganisationID: reference(r.Organisation)}
		},
		toNoun: func(r *userRoleRow) access.UserRole {
			return access.UserRole{ID: r.ID, User: int64(r.UserID), Binding: access.Binding{Role: access.Role(r.Role), Organisation: int64(r.OrganisationID)}}
		},
	}
}

type keyRow struct {
	bun.BaseModel `bun:"table:api_keys"`

	ID             int64 `bun:"id,pk"`
	Name           string
	Hint           string
	Hash           string
	Role           string
	OrganisationID reference
	Created        instant
	Expires        instant
	Used           instant
}

func keys() noun[access.Key, keyRow] {
	return noun[access.Key, keyRow]{
		name: "key",
		id:   func(k *access.Key) *int64 { return &k.ID },
		toRow: func(k *access.Key) keyRow {
			return keyRow{ID: k.ID, Name: k.Name, Hint: k.Hint, Hash: k.Hash, Role: string(k.Binding.Role),
				OrganisationID: reference(k.Binding.Organisation), Created: instant{k.Created}, Expires: instant{k.Expires}, Used: instant{k.Used}}
		},
		toNoun: func(r *keyRow) access.Key {
			return access.Key{ID: r.ID, Name: r.Name, Hint: r.Hint, Hash: r.Hash,
				Binding: access.Binding{Role: access.Role(r.Role), Organisation: int64(r.OrganisationID)},
				Created: r.Created.Time, Expires: r.Expires.Time, Used: r.Used.Time}
		},
	}
}

type grantRow struct {
	bun.BaseModel `bun:"table:grants"`

	ID       int64 `bun:"id,pk"`
	OwnerID  reference
	ReaderID reference
	ThingID  reference
	Property string
}

func grants() noun[access.Grant, grantRow] {
	return noun[access.Grant, grantRow]{
		name: "grant",
		id:   func(g *access.Grant) *int64 { return &g.ID },
		toRow: func(g *access.Grant) grantRow {
			return grantRow{ID: g.ID, OwnerID: reference(g.Owner), ReaderID: reference(g.Reader), ThingID: reference(g.Thing), Property: g.Property}
		},
		toNoun: func(r *grantRow) access.Grant {
			return access.Grant{ID: r.ID, Owner: int64(r.OwnerID), Reader: int64(r.ReaderID), Thing: int64(r.ThingID), Property: r.Property}
		},
	}
}
