package access_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/database"
	"cityhub/devices"
)

const good = "correct horse battery"

// office is a store with two organisations and the accounts in it.
type office struct {
	*access.Accounts
	t        *testing.T
	store    access.Store
	one, two int64 // organisations
	mu       sync.Mutex
	now      time.Time
}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db, err := database.Open(t.Context(), database.Options{SQLitePath: filepath.Join(t.TempDir(), "hub.db")})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	o := &office{t: t, store: db.Accounts(), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	for _, to := range []struct {
		code string
		id   *int64
	}{{"one", &o.one}, {"two", &o.two}} {
		organisation := devices.Organisation{Code: to.code}
		check(t, db.Store().Tables().Organisations.Put(t.Context(), &organisation))
		*to.id = organisation.ID
	}
	o.reopen(access.Cost{MemoryKiB: 64, Passes: 1})
	return o
}

// reopen reads everything from the store again.
func (o *office) reopen(cost access.Cost) {
	o.t.Helper()
	var err error
	o.Accounts, err = access.OpenAccounts(o.t.Context(), access.AccountsOptions{Store: o.store, Now: o.clock, Cost: cost})
	check(o.t, err)
}

func (o *office) user(name string, bindings ...access.Binding) access.Account {
	o.t.Helper()
	made, err := o.AddUser(o.t.Context(), access.Profile{Name: name}, good, bindings)
	check(o.t, err)
	return made
}

// as is a context in which somebody with bindings asks.
func (o *office) as(bindings ...access.Binding) context.Context {
	return access.WithPrincipal(o.t.Context(), &access.Principal{Kind: access.UserKind, ID: 999, Name: "asks", Bindings: bindings})
}

func (o *office) signIn(name, password string) (string, error) {
	token, _, err := o.SignIn(o.t.Context(), name, password, "192.0.2.1")
	return token, err
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

var city = access.Binding{Role: access.CityAdmin}

func TestSigningInAndOut(t *testing.T) {
	o := newOffice(t)
	an := o.user("An", access.Binding{Role: access.Viewer, Organisation: o.one})
	token, err := o.signIn(" AN ", good)
	check(t, err)
	p, err := o.BySession(t.Context(), token)
	check(t, err)
	if p.ID != an.ID || p.Name != "an" || p.Kind != access.UserKind || len(p.Bindings) != 1 || p.Bindings[0].Role != access.Viewer {
		t.Errorf("%+v", p)
	}
	for name, wrong := range map[string][2]string{"password": {"an", good + "."}, "name": {"binh", good}, "nothing": {"", ""}} {
		_, err := o.signIn(wrong[0], wrong[1])
		is(t, name, err, access.ErrCredentials)
	}
	o.reopen(access.Cost{MemoryKiB: 64, Passes: 1})
	if p, err = o.BySession(t.Context(), token); err != nil || p.ID != an.ID {
		t.Fatalf("a session does not outlive a restart: %v", err)
	}
	check(t, o.SignOut(t.Context(), token))
	_, err = o.BySession(t.Context(), token)
	is(t, "after signing out", err, access.ErrCredentials)
	if !p.Revoked() {
		t.Error("who holds the principal is not told that it is over")
	}
}

func TestSessionsEnd(t *testing.T) {
	o := newOffice(t)
	o.user("an", city)
	idle, err := o.signIn("an", good)
	check(t, err)
	busy, err := o.signIn("an", good)
	check(t, err)
	for range 13 {
		o.pass(12 * time.Hour)
		_, err := o.BySession(t.Context(), busy)
		check(t, err)
	}
	_, err = o.BySession(t.Context(), idle)
	is(t, "idle", err, access.ErrCredentials)
	o.pass(12 * time.Hour)
	_, err = o.BySession(t.Context(), busy)
	is(t, "after a week", err, access.ErrCredentials)
}

// A hash made at another cost still counts, and is made anew at the sign-in.
func TestPasswordsAreHashedAnew(t *testing.T) {
	o := newOffice(t)
	o.user("an", city)
	hash := func() string {
		all, err := o.store.Tables().Users.All(t.Context())
		check(t, err)
		return all[0].Password
	}
	if !strings.HasPrefix(hash(), "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("hash %q", hash())
	}
	o.reopen(access.Cost{MemoryKiB: 128, Passes: 2})
	_, err := o.signIn("an", good)
	check(t, err)
	if !strings.HasPrefix(hash(), "$argon2id$v=19$m=128,t=2,p=1$") {
		t.Errorf("hash %q", hash())
	}
	_, err = o.signIn("an", good)
	check(t, err)
}

func TestGuessingIsSlowedDown(t *testing.T) {
	o := newOffice(t)
	o.user("an", city)
	var slow *access.Refusal
	tries := 0
	for ; tries < 50; tries++ {
		_, err := o.signIn("an", "wrong")
		if errors.Is(err, access.ErrSlowDown) {
			errors.As(err, &slow)
			break
		}
		is(t, "a guess", err, access.ErrCredentials)
	}
	if slow == nil || tries > 10 || slow.After <= 0 {
		t.Fatalf("%d guesses, then %+v", tries, slow)
	}
	_, err := o.signIn("an", good)
	is(t, "the right one, too soon", err, access.ErrSlowDown)
	o.pass(slow.After)
	_, err = o.signIn("an", good)
	check(t, err)
	slowed := 0
	for i := range 60 { // one address, ever other names
		if _, err := o.signIn(strings.Repeat("x", i+1), "wrong"); errors.Is(err, access.ErrSlowDown) {
			slowed++
		}
	}
	if slowed < 30 {
		t.Errorf("%d of 60 guesses from one address were slowed down", slowed)
	}
}

// What strangers try must not shut somebody out of where they sign in from.
func TestStrangersDoNotLockAnAccount(t *testing.T) {
	o := newOffice(t)
	o.user("an", city)
	_, err := o.signIn("an", good)
	check(t, err)
	slowed := 0
	for i := range 150 { // ever other addresses
		if _, _, err := o.SignIn(t.Context(), "an", "wrong", fmt.Sprintf("198.51.100.%d", i)); errors.Is(err, access.ErrSlowDown) {
			slowed++
		}
	}
	if slowed < 30 {
		t.Errorf("%d of 150 guesses of one account were slowed down", slowed)
	}
	_, err = o.signIn("an", good)
	check(t, err)
	_, _, err = o.SignIn(t.Context(), "an", good, "203.0.113.1")
	is(t, "from where nobody has signed in", err, access.ErrSlowDown)
}

// A set-up link cannot be guessed, and wrong ones of strangers do not bar it.
func TestStrangersDoNotBarTheSetUpLink(t *testing.T) {
	o := newOffice(t)
	token, err := o.InviteFirst(t.Context())
	check(t, err)
	for i := range 60 {
		_, err := o.SetUpFirst(t.Context(), "guess", access.Profile{Name: "x"}, good, fmt.Sprintf("198.51.100.%d", i))
		is(t, "a guess", err, access.ErrCredentials)
	}
	_, err = o.SetUpFirst(t.Context(), token, access.Profile{Name: "first"}, good, "192.0.2.1")
	check(t, err)
}

func TestKeys(t *testing.T) {
	o := newOffice(t)
	k, secret, err := o.AddKey(t.Context(), "app", access.Binding{Role: access.Viewer, Organisation: o.one}, o.clock().Add(time.Hour))
	check(t, err)
	if !strings.HasPrefix(secret, "chk_") || !strings.HasPrefix(secret, k.Hint) || len(secret) < 4+52 || strings.Contains(k.Hash, secret) {
		t.Errorf("secret %q, hint %q, hash %q", secret, k.Hint, k.Hash)
	}
	o.reopen(access.Cost{MemoryKiB: 64, Passes: 1})
	p, err := o.ByKey(t.Context(), secret)
	check(t, err)
	if p.Kind != access.KeyKind || p.ID != k.ID || p.Name != "app" {
		t.Errorf("%+v", p)
	}
	other := "a"
	if strings.HasSuffix(secret, other) {
		other = "b"
	}
	for name, wrong := range map[string]string{"typing error": secret[:len(secret)-1] + other, "empty": "", "short": secret[:20], "prefix": "chs_" + secret[4:]} {
		_, err := o.ByKey(t.Context(), wrong)
		is(t, name, err, access.ErrCredentials)
	}
	check(t, o.RemoveKey(t.Context(), k.ID))
	_, err = o.ByKey(t.Context(), secret)
	is(t, "removed", err, access.ErrCredentials)
	if !p.Revoked() {
		t.Error("who holds the principal is not told")
	}
	_, secret, err = o.AddKey(t.Context(), "short", city, o.clock().Add(time.Hour))
	check(t, err)
	p, err = o.ByKey(t.Context(), secret)
	check(t, err)
	o.pass(time.Hour)
	_, err = o.ByKey(t.Context(), secret)
	is(t, "expired", err, access.ErrCredentials)
	if !p.Revoked() {
		t.Error("who holds the principal is not told that the key has expired")
	}
}

func TestFirstSetUp(t *testing.T) {
	o := newOffice(t)
	profile := access.Profile{Name: "first"}
	old, err := o.InviteFirst(t.Context())
	check(t, err)
	token, err := o.InviteFirst(t.Context())
	check(t, err)
	_, err = o.SetUpFirst(t.Context(), old, profile, good, "192.0.2.1")
	is(t, "an earlier link", err, access.ErrCredentials)
	_, err = o.SetUpFirst(t.Context(), token, profile, "short", "192.0.2.1")
	is(t, "a short password", err, access.ErrInvalid)
	var wins sync.Map
	var both sync.WaitGroup
	for i := range 2 { // at once: one of them
		both.Go(func() {
			_, err := o.SetUpFirst(t.Context(), token, profile, good, "192.0.2.1")
			wins.Store(i, err == nil)
		})
	}
	both.Wait()
	first, _ := wins.Load(0)
	second, _ := wins.Load(1)
	if first == second {
		t.Errorf("two set-ups with one link: %v, %v", first, second)
	}
	_, err = o.InviteFirst(t.Context())
	is(t, "once there is a user", err, access.ErrConflict)
	session, err := o.signIn("first", good)
	check(t, err)
	if p, err := o.BySession(t.Context(), session); err != nil || p.Bindings[0] != city {
		t.Errorf("%+v %v", p, err)
	}
}

func TestASetUpLinkExpires(t *testing.T) {
	o := newOffice(t)
	token, err := o.InviteFirst(t.Context())
	check(t, err)
	o.pass(24 * time.Hour)
	_, err = o.SetUpFirst(t.Context(), token, access.Profile{Name: "first"}, good, "192.0.2.1")
	is(t, "a day later", err, access.ErrCredentials)
}
