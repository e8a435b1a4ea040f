// Package credentials lets devices in: their secrets, how those are changed and
// taken away, and the codes with which somebody who holds a device claims it.
// It keeps no secret, only what access makes of it, and sees brokers as Sinks.
package credentials

import (
	"context"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

// DefaultOverlap is for how long the secret before stays valid when a new one
// is made.
const DefaultOverlap = 24 * time.Hour

// MaxOverlap bounds it.
const MaxOverlap = 30 * 24 * time.Hour

// Credential is what is kept of a device's secrets: of the present one and,
// until OldUntil, of the one before.
type Credential struct {
	DeviceID int64
	Hash     string // "" when the device was shut out
	Slot     int    // 0 or 1: which of a device's user names at a broker it is
	Since    time.Time
	OldHash  string    // "" when there is none
	OldUntil time.Time // zero when there is none
	Revoked  time.Time // zero unless the device was shut out
}

// Command is what a broker with a list of its own has to be told.
type Command struct {
	ID       int64  // given by the store
	Username string // at the broker
	Code     string // the device's; its client id, and what its topics name
	Sealed   string // the secret, sealed about Username; "" when the user has to go
	Due      time.Time
	Tries    int // how often the broker has refused it
}

// Store keeps credentials and what brokers still have to learn of them.
type Store interface {
	// Load gives all credentials.
	Load(ctx context.Context) ([]Credential, error)
	// Put keeps a credential with its commands and its entry in the audit log,
	// or nothing of it. A later command takes the place of an earlier one about
	// the same user name.
	Put(ctx context.Context, c Credential, commands []Command, entry *access.AuditEntry) error
	// Tell keeps commands that belong to no change of a credential.
	Tell(ctx context.Context, commands []Command) error
	// Due gives commands whose time has come: users who have to go before
	// others, and of them the latest first, so that a revocation waits for
	// nothing; then secrets, the oldest first.
	Due(ctx context.Context, now time.Time, limit int) ([]Command, error)
	// Done forgets commands by id, unless a later one took their place.
	Done(ctx context.Context, ids []int64) error
	// Later keeps the due times and tries of commands, unless a later one took
	// their place.
	Later(ctx context.Context, commands []Command) error
}

// Change is what a Sink is told: that a device may come in with a secret under
// a user name, or no longer.
type Change struct {
	Username string
	Code     string // the device's; its client id, and what its topics name
	Secret   string // "" when the user name has to go, with its connections
}

// Sink is a broker with a list of its own of who may come in.
type Sink interface {
	// Apply makes changes in order and answers an entry for each: nil once the
	// broker has confirmed it, or why the broker refuses it. It answers an
	// error when the broker cannot be asked; then any of them may have been
	// made. Making one again changes nothing.
	Apply(ctx context.Context, changes []Change) (refused []error, err error)
	// Users are the user names that the broker has from here.
	Users(ctx context.Context) ([]string, error)
}

// Registry is what credentials ask of the register of devices.
type Registry interface {
	Identity(code string) (devices.Identity, bool)
	IdentityByID(id int64) (devices.Identity, bool)
	OnLeave(told func(ctx context.Context, codes []string))
}

// Username is a device's user name at a broker that keeps one password a
// name. There are two, so that the secret before can stay valid beside the new.
func Username(code string, slot int) string {
	if slot == 0 {
		return code
	}
	return code + secondSlot
}

// secondSlot cannot be part of a code.
const secondSlot = ".2"
