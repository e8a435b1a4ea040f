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
}

// Store keeps credentials and what brokers still have to learn of them.
type Store interface {
	// Load gives all credentials.
	Load(ctx context.Context) ([]Credential, error)
	// Put keeps a credential with its commands and its entry in the audit log,
	// or nothing of it. A later command takes the place of an earlier one about
	// the same user name.
	Put(ctx context.Context, c Credential, commands []Command, entry *access.AuditEntry) error
	// Due gives commands whose time has come, oldest first.
	Due(ctx context.Context, now time.Time, limit int) ([]Command, error)
	// Done forgets commands by id, unless a later one took their place.
	Done(ctx context.Context, ids []int64) error
}

// Sink is a broker that is told who may come in.
type Sink interface {
	// Allow lets a device in with a secret, under a user name of its own.
	Allow(ctx context.Context, username, code, secret string) error
	// Drop takes a user name away, and ends its connections. It is no error
	// when there is none.
	Drop(ctx context.Context, username string) error
}

// Registry is what credentials ask of the register of devices.
type Registry interface {
	Identity(code string) (devices.Identity, bool)
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
