// Package idempotency remembers the answers to writes that name a key, so that
// a write that is sent again is answered and not done again: a technician's
// telephone sends a day of field work when it has signal, and does not know
// what of it had arrived. It knows no transport and no SQL.
package idempotency

import (
	"bytes"
	"context"
	"errors"
	"time"
)

// The bounds of what is remembered.
const (
	Kept    = 7 * 24 * time.Hour // a day in the field may be sent days later
	Most    = 10_000             // keys of one principal; the oldest go first
	MaxBody = 64 << 10           // bytes of an answer's body; a longer one is left out
)

// The refusals of Begin.
var (
	ErrUnderWay = errors.New("the first request with this key is still under way")
	ErrOther    = errors.New("the key was used for another request")
	ErrCutOff   = errors.New("the first request with this key was cut off, and may have been done")
)

// Call is a write that names a key.
type Call struct {
	Principal string // whose key it is: keys of others are others
	Key       string
	Request   string // what was asked, for people
	Hash      []byte // of all that was asked
	Once      bool   // done again it would do more: one that was cut off is not
}

func (c *Call) same(other *Call) bool { return bytes.Equal(c.Hash, other.Hash) }

// Answer is what the first request was answered.
type Answer struct {
	Status int
	Header map[string]string
	Body   []byte
}

// Record is a call with its answer.
type Record struct {
	Call
	Begun  time.Time
	Answer *Answer // nil while the call is under way
}

// Store keeps records. A record is found by its principal and key.
type Store interface {
	// Claim keeps a new record, durably. Where the principal has one of the
	// key, it gives that and keeps nothing.
	Claim(ctx context.Context, r Record) (held *Record, err error)
	// Settle notes the answer to a call that was claimed.
	Settle(ctx context.Context, c Call, a Answer) error
	// Release forgets a call; one that is not there is passed over.
	Release(ctx context.Context, c Call) error
	// Trim forgets what began before an instant, and of every principal the
	// oldest answered calls above a number.
	Trim(ctx context.Context, before time.Time, most int) error
}
