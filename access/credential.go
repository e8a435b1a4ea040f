package access

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// credential is a key or a session, and who is let in by it.
type credential struct {
	id        int64
	principal *Principal
	created   time.Time
	expires   time.Time     // zero: never
	idle      time.Duration // how long it may be unused; 0: for ever
	used      atomic.Int64  // nanoseconds
	lost      atomic.Bool   // taken away, or replaced by one that says something else
	now       func() time.Time
}

// over says whether it has had its time.
func (c *credential) over() bool {
	now := c.now()
	return !c.expires.IsZero() && !now.Before(c.expires) || c.idle > 0 && now.UnixNano()-c.used.Load() > int64(c.idle)
}

// issue makes the credentials anew, from what is in memory. Whoever holds a
// principal that says something else now can ask it for Revoked.
func (a *Accounts) issue() {
	keys, tokens := map[fingerprint]*credential{}, map[fingerprint]*credential{}
	for _, k := range a.keys {
		p := &Principal{Kind: KeyKind, ID: k.ID, Name: k.Name, Bindings: []Binding{k.Binding}}
		p.Grants = a.granted(p.Bindings)
		f := parseFingerprint(k.Hash)
		keys[f] = renew(a.byKey[f], &credential{id: k.ID, principal: p, created: k.Created, expires: k.Expires, now: a.o.Now}, k.Used)
	}
	bindings := map[int64][]Binding{}
	for _, r := range sorted(a.roles) {
		bindings[r.User] = append(bindings[r.User], r.Binding)
	}
	for _, s := range a.sessions {
		u := a.users[s.User]
		if u == nil || u.Disabled {
			continue
		}
		p := &Principal{Kind: UserKind, ID: u.ID, Name: u.Name, Bindings: bindings[u.ID]}
		p.Grants = a.granted(p.Bindings)
		f := parseFingerprint(s.Hash)
		tokens[f] = renew(a.byToken[f], &credential{id: s.ID, principal: p, created: s.Created,
			expires: s.Created.Add(a.o.SessionMost), idle: a.o.SessionIdle, now: a.o.Now}, s.Seen)
	}
	revoke(a.byKey, keys)
	revoke(a.byToken, tokens)
	a.byKey, a.byToken = keys, tokens
}

// renew keeps the credential that was there while it says the same.
func renew(was, is *credential, used time.Time) *credential {
	if was != nil && was.id == is.id && was.expires.Equal(is.expires) && was.principal.Name == is.principal.Name &&
		slices.Equal(was.principal.Bindings, is.principal.Bindings) && slices.Equal(was.principal.Grants, is.principal.Grants) {
		return was
	}
	is.used.Store(nanos(used))
	if was != nil {
		is.used.Store(was.used.Load())
	}
	is.principal.Lost = func() bool { return is.lost.Load() || is.over() }
	return is
}

// revoke tells the holders of what is gone or says something else now.
func revoke(old, now map[fingerprint]*credential) {
	for f, c := range old {
		if now[f] != c {
			c.lost.Store(true)
		}
	}
}

func (a *Accounts) granted(bindings []Binding) (all []Grant) {
	for _, g := range sorted(a.grants) {
		if slices.ContainsFunc(bindings, func(b Binding) bool { return b.Organisation == g.Reader }) {
			all = append(all, g)
		}
	}
	return all
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

var errUnknown = &Refusal{Kind: ErrCredentials, Detail: "the key or session is not known, has expired or was revoked; sign in again, or ask an administrator for a new key"}

// ByKey tells who asks by an API key. ErrCredentials says that nobody does.
func (a *Accounts) ByKey(_ context.Context, key string) (*Principal, error) {
	f, ok := fingerprintOf(keyPrefix, key)
	if !ok {
		return nil, &Refusal{Kind: ErrCredentials, Detail: "this is no key of the hub: its form or its checksum is wrong; copy it again, whole"}
	}
	a.mu.RLock()
	c := a.byKey[f]
	a.mu.RUnlock()
	return c.admit()
}

// BySession tells who asks by a session's token. ErrCredentials says that
// nobody does, or no longer.
func (a *Accounts) BySession(_ context.Context, token string) (*Principal, error) {
	f, ok := fingerprintOf(sessionPrefix, token)
	if !ok {
		return nil, errUnknown
	}
	a.mu.RLock()
	c := a.byToken[f]
	a.mu.RUnlock()
	return c.admit()
}

// admit gives who is let in by it, and notes that it was used.
func (c *credential) admit() (*Principal, error) {
	if c == nil || c.over() {
		return nil, errUnknown
	}
	c.used.Store(nanos(c.now()))
	return c.principal, nil
}
