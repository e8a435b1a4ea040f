package access

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// AccountsOptions says what accounts work with. Store and Now are required.
type AccountsOptions struct {
	Store Store
	Now   func() time.Time
	Cost  Cost // of a password's hash; DefaultCost when zero

	SessionIdle time.Duration // a session ends when unused for so long; 12 h when 0
	SessionMost time.Duration // and after so long in any case; 7 days when 0
}

// Accounts knows who is who: users, their sessions and roles, keys and grants.
// Everything is in memory, so that telling who asks costs microseconds and a
// revocation counts from the moment the call answers. It is safe for
// concurrent use. One program at a time may have a store open.
type Accounts struct {
	o        AccountsOptions
	hasher   *hasher
	slowdown *slowdown

	changing sync.Mutex // held by whoever changes the store, then the memory
	mu       sync.RWMutex
	users    map[int64]*User
	names    map[string]int64
	roles    map[int64]UserRole
	keys     map[int64]*Key
	grants   map[int64]Grant
	sessions map[int64]*SignedIn
	byKey    map[fingerprint]*credential
	byToken  map[fingerprint]*credential
}

// OpenAccounts reads the store.
func OpenAccounts(ctx context.Context, o AccountsOptions) (*Accounts, error) {
	if o.SessionIdle == 0 {
		o.SessionIdle = 12 * time.Hour
	}
	if o.SessionMost == 0 {
		o.SessionMost = 7 * 24 * time.Hour
	}
	a := &Accounts{o: o, hasher: newHasher(o.Cost), slowdown: newSlowdown(),
		users: map[int64]*User{}, names: map[string]int64{}, roles: map[int64]UserRole{}, keys: map[int64]*Key{},
		grants: map[int64]Grant{}, sessions: map[int64]*SignedIn{},
		byKey: map[fingerprint]*credential{}, byToken: map[fingerprint]*credential{}}
	if err := a.load(ctx, o.Store.Tables()); err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	return a, nil
}

func (a *Accounts) load(ctx context.Context, t Tables) error {
	users, err := t.Users.All(ctx)
	if err != nil {
		return err
	}
	roles, err := t.Roles.All(ctx)
	if err != nil {
		return err
	}
	keys, err := t.Keys.All(ctx)
	if err != nil {
		return err
	}
	grants, err := t.Grants.All(ctx)
	if err != nil {
		return err
	}
	sessions, err := t.Sessions.All(ctx)
	if err != nil {
		return err
	}
	a.change(func() {
		for i := range users {
			a.users[users[i].ID], a.names[users[i].Name] = &users[i], users[i].ID
		}
		for _, r := range roles {
			a.roles[r.ID] = r
		}
		for i := range keys {
			a.keys[keys[i].ID] = &keys[i]
		}
		for _, g := range grants {
			a.grants[g.ID] = g
		}
		for i := range sessions {
			a.sessions[sessions[i].ID] = &sessions[i]
		}
	})
	return nil
}

// Empty says whether there is no user yet.
func (a *Accounts) Empty() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return len(a.users) == 0
}

// keep changes the store and then, when that is kept, the memory.
func (a *Accounts) keep(ctx context.Context, store func(Tables) error, memory func()) error {
	if err := a.o.Store.Atomically(ctx, store); err != nil {
		return err
	}
	a.change(memory)
	return nil
}

// note records who changed what, with the change itself. organisation is whose
// administrators may read it.
func (a *Accounts) note(ctx context.Context, t Tables, action, noun string, id, organisation int64, before, after any) error {
	entry, err := Change(ctx, a.o.Now(), action, noun, id, organisation, before, after)
	if err != nil {
		return err
	}
	return t.Log.Record(ctx, entry)
}

// change changes the memory, and with it who is who.
func (a *Accounts) change(do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	do()
	a.issue()
}

// sorted gives records in the order of their ids.
func sorted[T any](records map[int64]T) []T {
	out := make([]T, 0, len(records))
	for _, id := range slices.Sorted(maps.Keys(records)) {
		out = append(out, records[id])
	}
	return out
}
