package access_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"cityhub/access"
)

// Who may give what: everything that is not in this table is refused, by every
// call that could give it.
func TestNobodyGivesMoreThanTheyHold(t *testing.T) {
	o := newOffice(t)
	given := []access.Role{access.OpenData, access.Viewer, access.Technician, access.Operator, access.OrgAdmin, access.Gateway}
	for _, own := range access.Columns {
		for _, in := range []int64{0, o.one} {
			if in == 0 && own != access.CityAdmin && own != access.Auditor || in != 0 && (own == access.CityAdmin || own == access.Auditor) {
				continue
			}
			ctx := o.as(access.Binding{Role: own, Organisation: in})
			for _, role := range access.Columns {
				for _, to := range []int64{0, o.one, o.two} {
					b := access.Binding{Role: role, Organisation: to}
					sound := role != access.Anonymous && role != access.Device && (to == 0 || role != access.CityAdmin && role != access.Auditor)
					may := sound && (own == access.CityAdmin || own == access.OrgAdmin && to == o.one && slices.Contains(given, role))
					_, _, err := o.AddKey(ctx, "k", b, time.Time{})
					if (err == nil) != may {
						t.Errorf("%s of %d gives a key the role %s in %d: %v", own, in, role, to, err)
					}
					_, err = o.AddUser(ctx, access.Profile{Name: o.unused()}, "", []access.Binding{b})
					if (err == nil) != may {
						t.Errorf("%s of %d makes a user with the role %s in %d: %v", own, in, role, to, err)
					}
					target := o.user(o.unused(), access.Binding{Role: access.Technician, Organisation: o.one})
					_, err = o.AddRole(ctx, target.ID, b)
					taken := b == target.Roles[0].Binding
					if (err == nil) != (may && !taken) {
						t.Errorf("%s of %d gives a user the role %s in %d: %v", own, in, role, to, err)
					}
				}
			}
		}
	}
}

// unused is a name that no user has.
func (o *office) unused() string { return "u" + strconv.Itoa(len(o.Users(o.t.Context()))) }

// An administrator of one organisation can neither see who is in another only,
// nor take over somebody with rights elsewhere or above.
func TestAnAdministratorEndsAtTheOrganisation(t *testing.T) {
	o := newOffice(t)
	in := func(r access.Role, org int64) access.Binding { return access.Binding{Role: r, Organisation: org} }
	own := o.user("own", in(access.Viewer, o.one))
	both := o.user("both", in(access.Viewer, o.one), in(access.Viewer, o.two))
	chief := o.user("chief", city, in(access.Viewer, o.one))
	other := o.user("other", in(access.Viewer, o.two))
	nowhere := o.user("nowhere")
	ctx := o.as(in(access.OrgAdmin, o.one))
	var seen []string
	for _, u := range o.Users(ctx) {
		seen = append(seen, u.Name)
	}
	if !slices.Equal(seen, []string{"own", "both", "chief"}) {
		t.Errorf("sees %v", seen)
	}
	for _, c := range []struct {
		user access.Account
		kind error
	}{{own, nil}, {both, access.ErrForbidden}, {chief, access.ErrForbidden}, {other, access.ErrNotFound}, {nowhere, access.ErrNotFound}} {
		_, err := o.EditUser(ctx, c.user.ID, access.Profile{Name: c.user.Name, FullName: "x"}, "a new password of mine")
		is(t, "edit "+c.user.Name, err, c.kind)
	}
	is(t, "remove both", o.RemoveUser(ctx, both.ID), access.ErrForbidden)
	is(t, "remove other", o.RemoveUser(ctx, other.ID), access.ErrNotFound)
	is(t, "take a role elsewhere", o.RemoveRole(ctx, both.ID, both.Roles[1].ID), access.ErrForbidden)
	is(t, "take the city's role", o.RemoveRole(ctx, chief.ID, chief.Roles[0].ID), access.ErrForbidden)
	is(t, "take the own organisation's role", o.RemoveRole(ctx, both.ID, both.Roles[0].ID), nil)
	is(t, "add to who is elsewhere", func() error { _, err := o.AddRole(ctx, other.ID, in(access.Viewer, o.one)); return err }(), access.ErrNotFound)
	k, _, err := o.AddKey(t.Context(), "k", in(access.Viewer, o.two), time.Time{})
	check(t, err)
	is(t, "remove another's key", o.RemoveKey(ctx, k.ID), access.ErrNotFound)
	_, err = o.AddGrant(ctx, access.Grant{Owner: o.two, Reader: o.one})
	is(t, "grant oneself what is another's", err, access.ErrForbidden)
	g, err := o.AddGrant(o.as(in(access.OrgAdmin, o.two)), access.Grant{Owner: o.two, Reader: o.one})
	check(t, err)
	is(t, "take back what another granted", o.RemoveGrant(ctx, g.ID), access.ErrForbidden)
	for _, role := range []access.Role{access.Viewer, access.Technician, access.Operator, access.OpenData, access.Gateway, access.Auditor} {
		is(t, string(role)+" removes a user", o.RemoveUser(o.as(in(role, o.one)), own.ID), map[bool]error{true: access.ErrForbidden, false: access.ErrNotFound}[role == access.Auditor])
	}
	is(t, "remove own", o.RemoveUser(ctx, own.ID), nil)
}

func TestTheLastCityAdministratorStays(t *testing.T) {
	o := newOffice(t)
	first := o.user("first", city)
	refuse := func(what string) {
		t.Helper()
		is(t, what+": remove", o.RemoveUser(t.Context(), first.ID), access.ErrConflict)
		is(t, what+": take the role", o.RemoveRole(t.Context(), first.ID, first.Roles[0].ID), access.ErrConflict)
		_, err := o.EditUser(t.Context(), first.ID, access.Profile{Name: "first", Disabled: true}, "")
		is(t, what+": disable", err, access.ErrConflict)
	}
	refuse("alone")
	second, err := o.AddUser(t.Context(), access.Profile{Name: "second", Disabled: true}, good, []access.Binding{city})
	check(t, err)
	refuse("with one who cannot sign in")
	_, err = o.EditUser(t.Context(), second.ID, access.Profile{Name: "second"}, "")
	check(t, err)
	check(t, o.RemoveUser(t.Context(), first.ID))
}

// Whatever takes rights away counts from the moment it is answered.
func TestRevocationCountsAtOnce(t *testing.T) {
	for name, revoke := range map[string]func(o *office, u access.Account) error{
		"disabled": func(o *office, u access.Account) error {
			_, err := o.EditUser(o.t.Context(), u.ID, access.Profile{Name: u.Name, Disabled: true}, "")
			return err
		},
		"new password": func(o *office, u access.Account) error {
			_, err := o.EditUser(o.t.Context(), u.ID, access.Profile{Name: u.Name}, "another password of theirs")
			return err
		},
		"removed": func(o *office, u access.Account) error { return o.RemoveUser(o.t.Context(), u.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			u := o.user("an", access.Binding{Role: access.Viewer, Organisation: o.one})
			token, err := o.signIn("an", good)
			check(t, err)
			p, err := o.BySession(t.Context(), token)
			check(t, err)
			check(t, revoke(o, u))
			if _, err := o.BySession(t.Context(), token); err == nil || !p.Revoked() {
				t.Errorf("error %v, revoked %t", err, p.Revoked())
			}
		})
	}
}

func TestRolesAndGrantsCountAtOnce(t *testing.T) {
	o := newOffice(t)
	u := o.user("an", access.Binding{Role: access.Viewer, Organisation: o.one})
	token, err := o.signIn("an", good)
	check(t, err)
	who := func() *access.Principal {
		p, err := o.BySession(t.Context(), token)
		check(t, err)
		return p
	}
	before := who()
	g, err := o.AddGrant(t.Context(), access.Grant{Owner: o.two, Reader: o.one, Property: "pm25"})
	check(t, err)
	granted := who()
	if len(granted.Grants) != 1 || granted.Grants[0] != g || !before.Revoked() {
		t.Errorf("grants %v, revoked %t", granted.Grants, before.Revoked())
	}
	check(t, o.RemoveGrant(t.Context(), g.ID))
	if len(who().Grants) != 0 || !granted.Revoked() {
		t.Error("a grant that was taken back still counts")
	}
	calm := who()
	_, err = o.AddGrant(t.Context(), access.Grant{Owner: o.one, Reader: o.two})
	check(t, err)
	if calm.Revoked() {
		t.Error("what changes for others ends this one's stream")
	}
	check(t, o.RemoveRole(t.Context(), u.ID, u.Roles[0].ID))
	if len(who().Bindings) != 0 || !calm.Revoked() {
		t.Error("a role that was taken still counts")
	}
}
