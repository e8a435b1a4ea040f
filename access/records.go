package access

import (
	"context"
	"errors"
	"time"
)

// The kinds of refusal. Each is wrapped in a Refusal that says why.
var (
	ErrNotFound    = errors.New("not found")           // or not to be known of
	ErrForbidden   = errors.New("not allowed")         // though it may be known of
	ErrConflict    = errors.New("conflicts")           // with what exists
	ErrInvalid     = errors.New("invalid")             // whatever exists
	ErrCredentials = errors.New("credentials refused") // nobody is known by them
	ErrSlowDown    = errors.New("too many tries")      // come again later
)

// Refusal says why something is refused, and how to mend it.
type Refusal struct {
	Field  string // of the request; "" when it is not about one
	Detail string
	After  time.Duration // of ErrSlowDown: when to come again
	Kind   error
}

func (r *Refusal) Error() string {
	if r.Field == "" {
		return r.Detail
	}
	return r.Field + ": " + r.Detail
}

// Unwrap gives the kind.
func (r *Refusal) Unwrap() error { return r.Kind }

func refuse(kind error, field, detail string) error {
	return &Refusal{Field: field, Detail: detail, Kind: kind}
}

// User is a person's account.
type User struct {
	ID       int64
	Name     string // to sign in with; lower case
	FullName string
	Email    string
	Password string `json:"-"` // its hash; "" when there is none to sign in with
	Subject  string // issuer and subject of the identity it is linked to; "" when to none
	Disabled bool
	Created  time.Time
}

// UserRole is a binding of a user.
type UserRole struct {
	ID, User int64
	Binding
}

// Key is a program's way in.
type Key struct {
	ID      int64
	Name    string
	Hint    string // the beginning of the secret
	Hash    string `json:"-"` // the fingerprint of the whole
	Binding Binding
	Created time.Time
	Expires time.Time // zero: never
	Used    time.Time // to about a minute; zero: never
}

// SignedIn is a session: a user who has signed in.
type SignedIn struct {
	ID, User int64
	Hash     string `json:"-"` // the fingerprint of its token
	Created  time.Time
	Seen     time.Time // to about a minute
}

// SetUp is the right to make the first account.
type SetUp struct {
	ID      int64
	Hash    string // the fingerprint of its token
	Expires time.Time
}

// Table keeps one kind of record.
type Table[T any] interface {
	// All gives every record, by id.
	All(ctx context.Context) ([]T, error)
	// Put adds a record without an id, giving it one, and changes one that has.
	Put(ctx context.Context, record *T) error
	// Delete takes a record away; what hangs on it goes with it.
	Delete(ctx context.Context, id int64) error
}

// Tables are the kinds of record that accounts need kept.
type Tables struct {
	Users    Table[User]
	Roles    Table[UserRole]
	Keys     Table[Key]
	Sessions Table[SignedIn]
	SetUps   Table[SetUp]
	Grants   Table[Grant]
	Log      Recorder
}

// Recorder notes a change in the audit log, in the change's own transaction.
type Recorder interface {
	Record(ctx context.Context, entry *AuditEntry) error
}

// Store keeps accounts.
type Store interface {
	// Tables are for use outside a transaction.
	Tables() Tables
	// Atomically keeps all that do does, or nothing when it fails.
	Atomically(ctx context.Context, do func(Tables) error) error
}
