package access

import (
	"context"
	"errors"
)

// Identity is who a provider of identities says that somebody is. Whoever
// makes one has checked the provider's signature.
type Identity struct {
	Issuer   string // the provider
	Subject  string // whom it means; it never changes and is never given to another
	Email    string
	Verified bool   // that the e-mail address is theirs
	Name     string // as they like to be called; anybody may call themselves anything
	FullName string
}

// key is what is kept of an identity to know it again. A subject means
// nothing without its issuer, and no issuer has a blank in it.
func (i *Identity) key() string { return i.Issuer + " " + i.Subject }

// Why somebody whom a provider knows is not let in.
var (
	ErrStranger   = errors.New("no account belongs to this identity")
	ErrUnverified = errors.New("the provider does not vouch for the e-mail address")
	ErrDisabled   = errors.New("the account is disabled")
	ErrNameTaken  = errors.New("another account has this name or e-mail address")
)

// Newcomers gives the role that somebody gets whom a provider knows and who
// has no account yet.
type Newcomers func(ctx context.Context) (Binding, error)

// SignInAs makes a session for the user that an identity belongs to: the one
// that is linked to it, or the only one with its verified e-mail address, which
// is linked to it from then on. When there is none and newcomers is not nil,
// it makes one. It answers ErrStranger, ErrUnverified, ErrDisabled or
// ErrNameTaken when nobody can be let in.
func (a *Accounts) SignInAs(ctx context.Context, who Identity, newcomers Newcomers) (token string, p *Principal, err error) {
	user, err := a.belongsTo(&who)
	switch {
	case err == nil && user.Subject == "":
		err = a.link(ctx, user.ID, &who)
	case errors.Is(err, ErrStranger) && newcomers != nil:
		user, err = a.addNewcomer(ctx, &who, newcomers)
	}
	if err != nil {
		return "", nil, err
	}
	return a.begin(ctx, user.ID, map[string]string{"provider": who.Issuer})
}

// belongsTo finds the user of an identity. Whoever is linked to another
// identity is not found by the e-mail address.
func (a *Accounts) belongsTo(who *Identity) (User, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	var same []*User
	email := plainName(who.Email)
	for _, u := range a.users {
		if u.Subject == who.key() {
			return *u, enabled(u)
		}
		if email != "" && u.Email == email {
			same = append(same, u)
		}
	}
	switch {
	case len(same) == 0:
		return User{}, ErrStranger
	case !who.Verified:
		return User{}, ErrUnverified
	case len(same) > 1 || same[0].Subject != "":
		return User{}, ErrNameTaken
	}
	return *same[0], enabled(same[0])
}

func enabled(u *User) error {
	if u.Disabled {
		return ErrDisabled
	}
	return nil
}

// link notes once and for all that a user is who the provider says.
func (a *Accounts) link(ctx context.Context, user int64, who *Identity) error {
	return a.edit(ctx, "link", user, func(u *User) error {
		if u.Subject != "" || u.Disabled || u.Email != plainName(who.Email) {
			return ErrStranger // it was changed meanwhile
		}
		u.Subject = who.key()
		return nil
	})
}

// addNewcomer makes a user without a password. An e-mail address counts, as
// the name too, only when the provider vouches for it.
func (a *Accounts) addNewcomer(ctx context.Context, who *Identity, newcomers Newcomers) (User, error) {
	binding, err := newcomers(ctx)
	if err != nil {
		return User{}, err
	}
	profile := Profile{Name: who.Name, FullName: who.FullName}
	if who.Verified && who.Email != "" {
		profile.Name, profile.Email = who.Email, who.Email
	}
	if profile.check() != nil {
		return User{}, ErrUnverified
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	if _, err := a.belongsTo(who); !errors.Is(err, ErrStranger) {
		return User{}, ErrNameTaken // made meanwhile
	}
	user := User{Name: profile.Name, FullName: profile.FullName, Email: profile.Email, Subject: who.key(), Created: a.o.Now()}
	made, err := a.addUser(ctx, user, []Binding{binding}, nil)
	if errors.Is(err, ErrConflict) {
		return User{}, ErrNameTaken
	}
	return made.User, err
}
