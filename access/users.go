package access

import (
	"context"
	"regexp"
	"unicode/utf8"
)

// Profile is what can be written of a user.
type Profile struct {
	Name     string
	FullName string
	Email    string
	Disabled bool
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,99}$`)

// Shortest and longest passwords, in letters and bytes.
const shortestPassword, longestPassword = 12, 256

func (p *Profile) check() error {
	p.Name, p.Email = plainName(p.Name), plainName(p.Email)
	switch {
	case !namePattern.MatchString(p.Name):
		return refuse(ErrInvalid, "name", "must be 1 to 100 of a-z, 0-9, '.', '_', '@', '+' and '-', and begin with a letter or digit")
	case utf8.RuneCountInString(p.FullName) > 200:
		return refuse(ErrInvalid, "fullName", "is longer than 200 letters; shorten it")
	case len(p.Email) > 254:
		return refuse(ErrInvalid, "email", "is longer than 254 letters; give another")
	}
	return nil
}

func checkPassword(password, name string) error {
	switch {
	case utf8.RuneCountInString(password) < shortestPassword:
		return refuse(ErrInvalid, "password", "is shorter than 12 letters; a few words in a row are easy to keep in mind")
	case len(password) > longestPassword:
		return refuse(ErrInvalid, "password", "is longer than 256 bytes; shorten it")
	case plainName(password) == name:
		return refuse(ErrInvalid, "password", "is the name; choose another")
	}
	return nil
}

// Account is a user with the roles it has.
type Account struct {
	User
	Roles []UserRole
}

func (a *Account) holder() holder {
	h := holder{what: "user"}
	for _, r := range a.Roles {
		h.bindings = append(h.bindings, r.Binding)
	}
	return h
}

// home is the organisation that a user belongs to alone; 0 for the city.
func (a *Account) home() (organisation int64) {
	for i, r := range a.Roles {
		if i > 0 && r.Organisation != organisation {
			return 0
		}
		organisation = r.Organisation
	}
	return organisation
}

// account gives a copy of a user; the caller holds mu.
func (a *Accounts) account(id int64) (Account, bool) {
	u := a.users[id]
	if u == nil {
		return Account{}, false
	}
	found := Account{User: *u}
	for _, r := range sorted(a.roles) {
		if r.User == id {
			found.Roles = append(found.Roles, r)
		}
	}
	return found, true
}

// Users gives the users that whoever asks may see, by id.
func (a *Accounts) Users(ctx context.Context) (found []Account) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	p := actor(ctx)
	roles := map[int64][]UserRole{}
	for _, r := range sorted(a.roles) {
		roles[r.User] = append(roles[r.User], r)
	}
	for _, u := range sorted(a.users) {
		one := Account{*u, roles[u.ID]}
		if one.holder().visible(p, AccountRead) {
			found = append(found, one)
		}
	}
	return found
}

// User gives one of them; ErrNotFound for others.
func (a *Accounts) User(ctx context.Context, id int64) (Account, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	found, ok := a.account(id)
	if !ok || !found.holder().visible(actor(ctx), AccountRead) {
		return Account{}, refuse(ErrNotFound, "", "user is not there")
	}
	return found, nil
}

// AddUser makes a user with the roles given, at least one unless a city
// administrator asks. Without a password nobody can sign in by one.
func (a *Accounts) AddUser(ctx context.Context, profile Profile, password string, bindings []Binding) (Account, error) {
	if err := profile.check(); err != nil {
		return Account{}, err
	}
	p := actor(ctx)
	for _, b := range bindings {
		if err := checkBinding(p, b); err != nil {
			return Account{}, err
		}
	}
	if scope, _ := p.Scope(AccountManage); len(bindings) == 0 && !scope.All {
		return Account{}, refuse(ErrInvalid, "roles", "must name a role in your organisation, or you could not see the user again")
	}
	user := User{Name: profile.Name, FullName: profile.FullName, Email: profile.Email, Disabled: profile.Disabled, Created: a.o.Now()}
	if password != "" {
		if err := checkPassword(password, user.Name); err != nil {
			return Account{}, err
		}
		hash, err := a.hasher.hash(ctx, password)
		if err != nil {
			return Account{}, err
		}
		user.Password = hash
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	return a.addUser(ctx, user, bindings, nil)
}

// addUser keeps a new user, with what else must happen at the same time; the
// caller holds changing.
func (a *Accounts) addUser(ctx context.Context, user User, bindings []Binding, also func(Tables) error) (Account, error) {
	a.mu.RLock()
	_, taken := a.names[user.Name]
	a.mu.RUnlock()
	if taken {
		return Account{}, refuse(ErrConflict, "name", "is taken by another user; choose a different one")
	}
	made := Account{User: user}
	err := a.keep(ctx, func(t Tables) error {
		if also != nil {
			if err := also(t); err != nil {
				return err
			}
		}
		if err := t.Users.Put(ctx, &made.User); err != nil {
			return err
		}
		for _, b := range bindings {
			role := UserRole{User: made.ID, Binding: b}
			if err := t.Roles.Put(ctx, &role); err != nil {
				return err
			}
			made.Roles = append(made.Roles, role)
		}
		return a.note(ctx, t, "create", "user", made.ID, made.home(), nil, made)
	}, func() {
		kept := made.User
		a.users[kept.ID], a.names[kept.Name] = &kept, kept.ID
		for _, r := range made.Roles {
			a.roles[r.ID] = r
		}
	})
	return made, err
}
