package access

import (
	"context"
	"time"
)

// setUpLasts is how long the right to make the first account counts.
const setUpLasts = 24 * time.Hour

// InviteFirst makes a token with which the first account can be made, once.
// Earlier ones count no longer. It answers ErrConflict when there is a user.
func (a *Accounts) InviteFirst(ctx context.Context) (token string, err error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	if !a.Empty() {
		return "", refuse(ErrConflict, "", "the hub is set up already; sign in")
	}
	token = newSecret(setUpPrefix)
	f, _ := fingerprintOf(setUpPrefix, token)
	return token, a.o.Store.Atomically(ctx, func(t Tables) error {
		if err := clearSetUps(ctx, t); err != nil {
			return err
		}
		return t.SetUps.Put(ctx, &SetUp{Hash: f.String(), Expires: a.o.Now().Add(setUpLasts)})
	})
}

func clearSetUps(ctx context.Context, t Tables) error {
	old, err := t.SetUps.All(ctx)
	if err != nil {
		return err
	}
	for _, s := range old {
		if err := t.SetUps.Delete(ctx, s.ID); err != nil {
			return err
		}
	}
	return nil
}

// SetUpFirst makes the first user, a city administrator, for whoever shows the
// token of InviteFirst; that is used up. ErrCredentials when it does not count.
func (a *Accounts) SetUpFirst(ctx context.Context, token string, profile Profile, password, address string) (Account, error) {
	if err := a.slowdown.begin(a.o.Now(), "", address); err != nil {
		return Account{}, err
	}
	f, _ := fingerprintOf(setUpPrefix, token)
	if err := a.checkSetUp(ctx, a.o.Store.Tables(), f); err != nil {
		return Account{}, err
	}
	a.slowdown.succeeded(a.o.Now(), "", address)
	if err := profile.check(); err != nil {
		return Account{}, err
	}
	if err := checkPassword(password, profile.Name); err != nil {
		return Account{}, err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	if !a.Empty() {
		return Account{}, errSetUp
	}
	user := User{Name: profile.Name, FullName: profile.FullName, Email: profile.Email, Password: hash, Created: a.o.Now()}
	return a.addUser(ctx, user, []Binding{{Role: CityAdmin}}, func(t Tables) error {
		if err := a.checkSetUp(ctx, t, f); err != nil {
			return err
		}
		return clearSetUps(ctx, t)
	})
}

var errSetUp = &Refusal{Kind: ErrCredentials,
	Detail: "the set-up link has been used or has expired; sign in, or start the hub again for a new link"}

func (a *Accounts) checkSetUp(ctx context.Context, t Tables, f fingerprint) error {
	all, err := t.SetUps.All(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Hash == f.String() && a.o.Now().Before(s.Expires) {
			return nil
		}
	}
	return errSetUp
}
