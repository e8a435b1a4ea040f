package access

import "context"

// EditUser changes a user. A password that is not "" becomes the new one.
// Whoever is disabled, or has a new password, is signed out everywhere. Another
// e-mail address ends the link to an identity.
func (a *Accounts) EditUser(ctx context.Context, id int64, profile Profile, password string) (Account, error) {
	if err := a.mayManage(ctx, id); err != nil {
		return Account{}, err
	}
	if err := profile.check(); err != nil {
		return Account{}, err
	}
	hash := ""
	if password != "" {
		if err := checkPassword(password, profile.Name); err != nil {
			return Account{}, err
		}
		var err error
		if hash, err = a.hasher.hash(ctx, password); err != nil {
			return Account{}, err
		}
	}
	err := a.edit(ctx, "edit", id, func(u *User) error {
		if err := a.mayManage(ctx, id); err != nil {
			return err
		}
		if profile.Disabled && !u.Disabled {
			if err := a.remains(id, 0); err != nil {
				return err
			}
		}
		if profile.Email != u.Email {
			u.Subject = "" // it may be another person's account now
		}
		u.Name, u.FullName, u.Email, u.Disabled = profile.Name, profile.FullName, profile.Email, profile.Disabled
		if hash != "" {
			u.Password = hash
		}
		return nil
	})
	if err != nil {
		return Account{}, err
	}
	return a.User(ctx, id)
}

// edit changes a user in the store and in memory, one at a time.
func (a *Accounts) edit(ctx context.Context, action string, id int64, change func(*User) error) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	a.mu.RLock()
	found, ok := a.account(id)
	a.mu.RUnlock()
	if !ok {
		return refuse(ErrNotFound, "", "user is not there")
	}
	next := found.User
	if err := change(&next); err != nil {
		return err
	}
	a.mu.RLock()
	holder, taken := a.names[next.Name]
	a.mu.RUnlock()
	if taken && holder != id {
		return refuse(ErrConflict, "name", "is taken by another user; choose a different one")
	}
	var leaving []int64
	if next.Disabled || next.Password != found.Password {
		leaving = a.sessionsOf(id)
	}
	return a.keep(ctx, func(t Tables) error {
		for _, session := range leaving {
			if err := t.Sessions.Delete(ctx, session); err != nil {
				return err
			}
		}
		if err := t.Users.Put(ctx, &next); err != nil {
			return err
		}
		return a.note(ctx, t, action, "user", id, found.home(), found.User, next)
	}, func() {
		for _, session := range leaving {
			delete(a.sessions, session)
		}
		delete(a.names, found.Name)
		a.users[id], a.names[next.Name] = &next, id
	})
}

func (a *Accounts) sessionsOf(user int64) (ids []int64) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, s := range sorted(a.sessions) {
		if s.User == user {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func (a *Accounts) mayManage(ctx context.Context, id int64) error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	found, ok := a.account(id)
	if !ok {
		return refuse(ErrNotFound, "", "user is not there")
	}
	return found.holder().manageable(actor(ctx))
}

// RemoveUser takes a user away, with sessions and roles, at once.
func (a *Accounts) RemoveUser(ctx context.Context, id int64) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	if err := a.mayManage(ctx, id); err != nil {
		return err
	}
	if err := a.remains(id, 0); err != nil {
		return err
	}
	a.mu.RLock()
	was, _ := a.account(id)
	a.mu.RUnlock()
	return a.keep(ctx, func(t Tables) error {
		if err := t.Users.Delete(ctx, id); err != nil {
			return err
		}
		return a.note(ctx, t, "delete", "user", id, was.home(), was, nil)
	}, func() {
		delete(a.names, a.users[id].Name)
		delete(a.users, id)
		for role, r := range a.roles {
			if r.User == id {
				delete(a.roles, role)
			}
		}
		for session, s := range a.sessions {
			if s.User == id {
				delete(a.sessions, session)
			}
		}
	})
}

// ChangePassword changes the password of whoever asks, who must know the
// present one; every session ends.
func (a *Accounts) ChangePassword(ctx context.Context, present, next, address string) error {
	p := actor(ctx)
	if p.Kind != UserKind {
		return refuse(ErrForbidden, "", "only a user who has signed in has a password")
	}
	if err := checkPassword(next, p.Name); err != nil {
		return err
	}
	if err := a.slowdown.begin(a.o.Now(), p.Name, address); err != nil {
		return err
	}
	a.mu.RLock()
	kept := ""
	if u := a.users[p.ID]; u != nil {
		kept = u.Password
	}
	a.mu.RUnlock()
	ok, _, err := a.hasher.matches(ctx, kept, present)
	if err != nil {
		return err
	}
	if !ok {
		return refuse(ErrInvalid, "current", "is not the present password")
	}
	a.slowdown.succeeded(a.o.Now(), p.Name, address)
	hash, err := a.hasher.hash(ctx, next)
	if err != nil {
		return err
	}
	return a.edit(ctx, "change-password", p.ID, func(u *User) error {
		if u.Password != kept {
			return refuse(ErrConflict, "", "the password was changed meanwhile; sign in again")
		}
		u.Password = hash
		return nil
	})
}
