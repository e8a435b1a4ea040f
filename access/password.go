package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost is what hashing a password takes. It is kept in every hash, so it can
// be raised later: a password is hashed anew when its owner signs in.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
}

// DefaultCost is what is advised for sign-in on a server: 19 MiB, two passes.
var DefaultCost = Cost{MemoryKiB: 19 << 10, Passes: 2}

// hashesAtOnce bounds the memory and the processors that signing in takes.
const hashesAtOnce = 2

const saltBytes, sumBytes = 16, 32

// hasher hashes passwords with argon2id, at most hashesAtOnce at a time.
type hasher struct {
	cost  Cost
	slots chan struct{}
	decoy string // a hash that no password has: what unknown users are compared with
}

func newHasher(cost Cost) *hasher {
	if cost == (Cost{}) {
		cost = DefaultCost
	}
	h := &hasher{cost: cost, slots: make(chan struct{}, hashesAtOnce)}
	h.decoy = h.encode(random(saltBytes), random(sumBytes))
	return h
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

// hash gives a password's hash as a text with its cost and salt.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := random(saltBytes)
	sum, err := h.sum(ctx, h.cost, password, salt)
	return h.encode(salt, sum), err
}

// matches compares a password with a kept hash; "" matches nothing, and takes
// as long. outdated says that the hash was made at another cost.
func (h *hasher) matches(ctx context.Context, kept, password string) (ok, outdated bool, err error) {
	known := kept != ""
	if !known {
		kept = h.decoy
	}
	cost, salt, want, err := decode(kept)
	if err != nil {
		return false, false, err
	}
	got, err := h.sum(ctx, cost, password, salt)
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, cost != h.cost, nil
}

func (h *hasher) sum(ctx context.Context, cost Cost, password string, salt []byte) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("hash a password: %w", ctx.Err())
	}
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.MemoryKiB, 1, sumBytes), nil
}

func (h *hasher) encode(salt, sum []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, h.cost.MemoryKiB, h.cost.Passes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

var errHash = errors.New("a kept password hash cannot be read")

func decode(text string) (cost Cost, salt, sum []byte, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return cost, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=1", &cost.MemoryKiB, &cost.Passes); err != nil {
		return cost, nil, nil, errHash
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	sum, sumErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || sumErr != nil || len(sum) != sumBytes || cost.MemoryKiB > 1<<20 || cost.Passes > 64 || cost.Passes == 0 {
		return cost, nil, nil, errHash
	}
	return cost, salt, sum, nil
}
