package access

import (
	"context"
	"errors"
	"strings"
	"time"
)

// mostSessions is how many sessions a user may have; the oldest make room.
const mostSessions = 20

var errWrongPassword = &Refusal{Kind: ErrCredentials, Detail: "name and password do not fit together"}

// SignIn makes a session for whoever knows a name and its password, and gives
// the session's token. address is the network where the caller is. It answers
// ErrCredentials, after the same time whether or not the name is known, and
// ErrSlowDown after too many of these.
func (a *Accounts) SignIn(ctx context.Context, name, password, address string) (token string, p *Principal, err error) {
	name = plainName(name)
	if err := a.slowdown.begin(a.o.Now(), name, address); err != nil {
		return "", nil, err
	}
	a.mu.RLock()
	var user User
	if u := a.users[a.names[name]]; u != nil && !u.Disabled {
		user = *u
	}
	a.mu.RUnlock()
	ok, outdated, err := a.hasher.matches(ctx, user.Password, password)
	if err != nil {
		return "", nil, err
	}
	if !ok {
		return "", nil, errWrongPassword
	}
	a.slowdown.succeeded(a.o.Now(), name, address)
	if outdated {
		if err := a.rehash(ctx, user.ID, user.Password, password); err != nil {
			return "", nil, err
		}
	}
	return a.Begin(ctx, user.ID)
}

// rehash keeps a password at today's cost, unless it was changed meanwhile.
func (a *Accounts) rehash(ctx context.Context, id int64, was, password string) error {
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	err = a.edit(ctx, "rehash", id, func(u *User) error {
		if u.Password != was {
			return ErrConflict
		}
		u.Password = hash
		return nil
	})
	if errors.Is(err, ErrConflict) {
		return errWrongPassword
	}
	return err
}

// Begin makes a session for a user who is known by other means than a
// password, such as the link of the first set-up.
func (a *Accounts) Begin(ctx context.Context, user int64) (token string, p *Principal, err error) {
	return a.begin(ctx, user, nil)
}

// begin makes a session; how says in the audit log by what means.
func (a *Accounts) begin(ctx context.Context, user int64, how any) (token string, p *Principal, err error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	token = newSecret(sessionPrefix)
	f, _ := fingerprintOf(sessionPrefix, token)
	now := a.o.Now()
	s := SignedIn{User: user, Hash: f.String(), Created: now, Seen: now}
	leaving := a.surplus(user)
	a.mu.RLock()
	who, _ := a.account(user)
	a.mu.RUnlock()
	home := who.home()
	err = a.keep(ctx, func(t Tables) error {
		for _, id := range leaving {
			if err := t.Sessions.Delete(ctx, id); err != nil {
				return err
			}
		}
		if err := t.Sessions.Put(ctx, &s); err != nil {
			return err
		}
		return a.note(ctx, t, "sign-in", "user", user, home, nil, how)
	}, func() {
		for _, id := range leaving {
			delete(a.sessions, id)
		}
		a.sessions[s.ID] = &s
	})
	if err != nil {
		return "", nil, err
	}
	p, err = a.BySession(ctx, token)
	return token, p, err
}

// surplus are the sessions of a user that must leave before one more begins.
func (a *Accounts) surplus(user int64) (ids []int64) {
	ids = a.sessionsOf(user)
	return ids[:max(0, len(ids)-mostSessions+1)]
}

// SignOut ends the session of a token, at once.
func (a *Accounts) SignOut(ctx context.Context, token string) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	f, _ := fingerprintOf(sessionPrefix, token)
	a.mu.RLock()
	c := a.byToken[f]
	a.mu.RUnlock()
	if c == nil {
		return errUnknown
	}
	return a.end(ctx, []int64{c.id})
}

// end deletes sessions; the caller holds changing.
func (a *Accounts) end(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return a.keep(ctx, func(t Tables) error {
		for _, id := range ids {
			if err := t.Sessions.Delete(ctx, id); err != nil {
				return err
			}
		}
		return nil
	}, func() {
		for _, id := range ids {
			delete(a.sessions, id)
		}
	})
}

// SessionLasts is when a session's token stops counting in any case.
func (a *Accounts) SessionLasts(token string) time.Time {
	f, _ := fingerprintOf(sessionPrefix, token)
	a.mu.RLock()
	defer a.mu.RUnlock()
	if c := a.byToken[f]; c != nil {
		return c.expires
	}
	return time.Time{}
}

// SessionEnds is when a session's token stops counting if it is not used.
func (a *Accounts) SessionEnds(token string) time.Time {
	f, _ := fingerprintOf(sessionPrefix, token)
	a.mu.RLock()
	defer a.mu.RUnlock()
	c := a.byToken[f]
	if c == nil {
		return time.Time{}
	}
	idle := time.Unix(0, c.used.Load()).Add(a.o.SessionIdle)
	if c.expires.Before(idle) {
		return c.expires
	}
	return idle
}

func plainName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
