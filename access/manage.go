package access

import (
	"context"
	"slices"
)

// gives says which roles the holder of a role may give to others, within the
// organisation of the own binding. A role that is not in it gives none.
var gives = map[Role][]Role{
	CityAdmin: {OpenData, Viewer, Technician, Operator, OrgAdmin, CityAdmin, Auditor, Gateway},
	OrgAdmin:  {OpenData, Viewer, Technician, Operator, OrgAdmin, Gateway},
}

// cityWide are the roles whose rows in the table end at no organisation.
var cityWide = []Role{CityAdmin, Auditor}

// mayGive says whether a principal may give a binding, and so take it away
// again and change whoever holds it.
func (p *Principal) mayGive(wanted Binding) bool {
	return slices.ContainsFunc(p.Bindings, func(own Binding) bool {
		if !slices.Contains(gives[own.Role], wanted.Role) {
			return false
		}
		return own.Role == CityAdmin || own.Organisation == 0 || own.Organisation == wanted.Organisation
	})
}

// checkBinding refuses a binding that nobody may have, and one that is beyond
// what the principal may give.
func checkBinding(p *Principal, b Binding) error {
	known := slices.Contains(gives[CityAdmin], b.Role)
	switch {
	case !known:
		return refuse(ErrInvalid, "role", "is not known; the roles are open-data, viewer, technician, operator, organisation-admin, city-admin, auditor, gateway")
	case slices.Contains(cityWide, b.Role) && b.Organisation != 0:
		return refuse(ErrInvalid, "organisation", "must be left out: a "+string(b.Role)+" is for the whole city")
	case !p.mayGive(b):
		return refuse(ErrForbidden, "role", "is beyond what you may give: only roles within your own organisation, and none above your own")
	}
	return nil
}

// holder is whose bindings decide who may see and change something.
type holder struct {
	what     string
	bindings []Binding
}

// visible says whether an account may be known of.
func (h holder) visible(p *Principal, a Action) bool {
	scope, allowed := p.Scope(a)
	return allowed && (scope.All || slices.ContainsFunc(h.bindings, func(b Binding) bool {
		return b.Organisation != 0 && scope.Owns(b.Organisation)
	}))
}

// manageable answers ErrNotFound for what may not be known of, ErrForbidden
// for what may be seen only: somebody who holds more than the principal could
// give, or something in another organisation.
func (h holder) manageable(p *Principal) error {
	if !h.visible(p, AccountRead) {
		return refuse(ErrNotFound, "", h.what+" is not there")
	}
	scope, allowed := p.Scope(AccountManage)
	beyond := slices.ContainsFunc(h.bindings, func(b Binding) bool { return !p.mayGive(b) })
	if !allowed || beyond || len(h.bindings) == 0 && !scope.All {
		return refuse(ErrForbidden, "", h.what+" has rights beyond yours; ask a city administrator")
	}
	return nil
}

// bindingsOf are a user's; the caller holds mu.
func (a *Accounts) bindingsOf(user int64) (all []Binding) {
	for _, r := range sorted(a.roles) {
		if r.User == user {
			all = append(all, r.Binding)
		}
	}
	return all
}

// cityAdmins counts the users who can sign in and look after the hub, leaving
// out one user or one role; the caller holds mu.
func (a *Accounts) cityAdmins(withoutUser, withoutRole int64) int {
	able := map[int64]bool{}
	for _, r := range a.roles {
		u := a.users[r.User]
		if r.Role == CityAdmin && r.ID != withoutRole && r.User != withoutUser && u != nil && !u.Disabled {
			able[r.User] = true
		}
	}
	return len(able)
}

// remains refuses to leave the city without anybody to look after the hub.
func (a *Accounts) remains(withoutUser, withoutRole int64) error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.cityAdmins(0, 0) > 0 && a.cityAdmins(withoutUser, withoutRole) == 0 {
		return refuse(ErrConflict, "", "this is the last city administrator who can sign in; make another first")
	}
	return nil
}

func actor(ctx context.Context) *Principal { return PrincipalOf(ctx) }
