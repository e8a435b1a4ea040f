package access

import "context"

// Grants gives those that an organisation of whoever asks has given or got, by id.
func (a *Accounts) Grants(ctx context.Context) (found []Grant) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	scope, _ := actor(ctx).Scope(AccountRead)
	for _, g := range sorted(a.grants) {
		if g.seenBy(&scope) {
			found = append(found, g)
		}
	}
	return found
}

func (g Grant) seenBy(s *Scope) bool { return s.Owns(g.Owner) || s.Owns(g.Reader) }

// Grant gives one of them; ErrNotFound for others.
func (a *Accounts) Grant(ctx context.Context, id int64) (Grant, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	scope, _ := actor(ctx).Scope(AccountRead)
	g, ok := a.grants[id]
	if !ok || !g.seenBy(&scope) {
		return Grant{}, refuse(ErrNotFound, "", "grant is not there")
	}
	return g, nil
}

// AddGrant lets an organisation read what belongs to an organisation that
// whoever asks looks after.
func (a *Accounts) AddGrant(ctx context.Context, g Grant) (Grant, error) {
	scope, allowed := actor(ctx).Scope(AccountManage)
	switch {
	case g.Owner == 0:
		return Grant{}, refuse(ErrInvalid, "owner", "must be given")
	case g.Reader == 0:
		return Grant{}, refuse(ErrInvalid, "reader", "must be given")
	case g.Owner == g.Reader:
		return Grant{}, refuse(ErrInvalid, "reader", "is the owner, who may read it anyway")
	case !allowed || !scope.Owns(g.Owner):
		return Grant{}, refuse(ErrForbidden, "owner", "must be your own organisation: only who owns something can let others read it")
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	g.ID = 0
	for _, had := range a.Grants(ctx) {
		had.ID = 0
		if had == g {
			return Grant{}, refuse(ErrConflict, "", "this has been granted already")
		}
	}
	err := a.keep(ctx, func(t Tables) error {
		if err := t.Grants.Put(ctx, &g); err != nil {
			return err
		}
		return a.note(ctx, t, "create", "grant", g.ID, g.Owner, nil, g)
	}, func() { a.grants[g.ID] = g })
	return g, err
}

// RemoveGrant takes a grant back, at once.
func (a *Accounts) RemoveGrant(ctx context.Context, id int64) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	g, err := a.Grant(ctx, id)
	if err != nil {
		return err
	}
	if scope, allowed := actor(ctx).Scope(AccountManage); !allowed || !scope.Owns(g.Owner) {
		return refuse(ErrForbidden, "", "only who granted it can take it back")
	}
	return a.keep(ctx, func(t Tables) error {
		if err := t.Grants.Delete(ctx, id); err != nil {
			return err
		}
		return a.note(ctx, t, "delete", "grant", id, g.Owner, g, nil)
	}, func() { delete(a.grants, id) })
}
