package access

import (
	"context"
	"slices"
)

// AddRole gives a user one more role.
func (a *Accounts) AddRole(ctx context.Context, user int64, b Binding) (UserRole, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	p := actor(ctx)
	if _, err := a.User(ctx, user); err != nil {
		return UserRole{}, err
	}
	if err := checkBinding(p, b); err != nil {
		return UserRole{}, err
	}
	a.mu.RLock()
	had := slices.Contains(a.bindingsOf(user), b)
	a.mu.RUnlock()
	if had {
		return UserRole{}, refuse(ErrConflict, "role", "is the user's already")
	}
	role := UserRole{User: user, Binding: b}
	err := a.keep(ctx, func(t Tables) error {
		if err := t.Roles.Put(ctx, &role); err != nil {
			return err
		}
		return a.note(ctx, t, "create", "role", role.ID, b.Organisation, nil, role)
	}, func() { a.roles[role.ID] = role })
	return role, err
}

// RemoveRole takes a role away from a user, at once.
func (a *Accounts) RemoveRole(ctx context.Context, user, id int64) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	p := actor(ctx)
	if _, err := a.User(ctx, user); err != nil {
		return err
	}
	a.mu.RLock()
	role, ok := a.roles[id]
	a.mu.RUnlock()
	if !ok || role.User != user {
		return refuse(ErrNotFound, "", "role is not there")
	}
	if !p.mayGive(role.Binding) {
		return refuse(ErrForbidden, "", "the role is beyond what you may give or take; ask a city administrator")
	}
	if err := a.remains(0, id); err != nil {
		return err
	}
	return a.keep(ctx, func(t Tables) error {
		if err := t.Roles.Delete(ctx, id); err != nil {
			return err
		}
		return a.note(ctx, t, "delete", "role", id, role.Organisation, role, nil)
	}, func() { delete(a.roles, id) })
}
