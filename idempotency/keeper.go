package idempotency

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// How often the store is trimmed, whichever comes first.
const (
	trimEvery = time.Hour
	trimAfter = 1000 // claims
)

// Keeper gives each key to one call. It is safe for concurrent use, and the
// only one at work on its store: a call that is under way in the store and not
// with the Keeper was cut off by the end of an earlier process.
type Keeper struct {
	store Store
	now   func() time.Time

	mu      sync.Mutex
	running map[ident]Call
	trimmed time.Time
	claims  int
}

type ident struct{ principal, key string }

// New makes a keeper of a store.
func New(store Store, now func() time.Time) *Keeper {
	return &Keeper{store: store, now: now, running: map[ident]Call{}}
}

// Turn is the right to do what a call asks. Settle or Release ends it.
type Turn struct {
	keeper *Keeper
	call   Call
}

// Begin gives a turn to the first call of a key and to one whose predecessor
// was cut off, and the kept answer to all others. It answers ErrUnderWay while
// the first call runs, ErrOther when that was another request, and ErrCutOff
// when it was cut off and must not be done twice.
func (k *Keeper) Begin(ctx context.Context, call Call) (*Turn, *Answer, error) {
	if err := k.enter(call); err != nil {
		return nil, nil, err
	}
	answer, err := k.claim(ctx, call)
	if answer != nil || err != nil {
		k.leave(call)
		return nil, answer, err
	}
	return &Turn{k, call}, nil, nil
}

func (k *Keeper) enter(call Call) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := ident{call.Principal, call.Key}
	if other, ok := k.running[at]; ok {
		if !other.same(&call) {
			return ErrOther
		}
		return ErrUnderWay
	}
	k.running[at] = call
	return nil
}

func (k *Keeper) leave(call Call) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.running, ident{call.Principal, call.Key})
}

// claim gives the kept answer, or nil when the call is now claimed.
func (k *Keeper) claim(ctx context.Context, call Call) (*Answer, error) {
	now := k.now()
	if k.trimIsDue(now) {
		if err := k.store.Trim(ctx, now.Add(-Kept), Most); err != nil {
			return nil, fmt.Errorf("idempotency keys: %w", err)
		}
	}
	record := Record{Call: call, Begun: now}
	held, err := k.store.Claim(ctx, record)
	if err == nil && held != nil && held.Answer == nil && call.Once && now.Sub(held.Begun) <= Kept {
		if held.same(&call) {
			return nil, ErrCutOff
		}
		return nil, ErrOther
	}
	if err == nil && held != nil && (held.Answer == nil || now.Sub(held.Begun) > Kept) {
		if err = k.store.Release(ctx, call); err == nil {
			held, err = k.store.Claim(ctx, record)
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("idempotency keys: %w", err)
	case held == nil:
		return nil, nil
	case !held.same(&call):
		return nil, ErrOther
	case held.Answer == nil: // another process took it between the two
		return nil, ErrUnderWay
	}
	return held.Answer, nil
}

func (k *Keeper) trimIsDue(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.claims++
	if k.claims < trimAfter && now.Sub(k.trimmed) < trimEvery {
		return false
	}
	k.claims, k.trimmed = 0, now
	return true
}

// Settle keeps the answer for the calls to come. When it fails, they find the
// key free.
func (t *Turn) Settle(ctx context.Context, a Answer) error {
	defer t.keeper.leave(t.call)
	if len(a.Body) > MaxBody {
		a.Body = nil
	}
	if err := t.keeper.store.Settle(ctx, t.call, a); err != nil {
		return fmt.Errorf("idempotency keys: %w", err)
	}
	return nil
}

// Release frees the key: what the call asked was not done.
func (t *Turn) Release(ctx context.Context) error {
	defer t.keeper.leave(t.call)
	if err := t.keeper.store.Release(ctx, t.call); err != nil {
		return fmt.Errorf("idempotency keys: %w", err)
	}
	return nil
}
