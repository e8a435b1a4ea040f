package database

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cityhub/idempotency"
)

func keyed(principal, key, body string) idempotency.Call {
	return idempotency.Call{Principal: principal, Key: key, Request: "POST /things", Hash: []byte(body)}
}

func TestAKeyIsForOneCall(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		now := time.Now()
		keeper := idempotency.New(d.Answers(), func() time.Time { return now })
		call := keyed("user/1", "k", "a")
		turn, answer, err := keeper.Begin(ctx, call)
		must(t, err)
		if turn == nil || answer != nil {
			t.Fatal("the first call has no turn")
		}
		if _, _, err := keeper.Begin(ctx, call); !errors.Is(err, idempotency.ErrUnderWay) {
			t.Errorf("while it runs: %v", err)
		}
		if _, _, err := keeper.Begin(ctx, keyed("user/1", "k", "b")); !errors.Is(err, idempotency.ErrOther) {
			t.Errorf("another request while it runs: %v", err)
		}
		want := idempotency.Answer{Status: 201, Header: map[string]string{"Location": "/things/1"}, Body: []byte("{\"id\":1}\n\xff\x00")}
		must(t, turn.Settle(ctx, want))

		later := idempotency.New(d.Answers(), func() time.Time { return now }) // as after a restart
		for _, k := range []*idempotency.Keeper{keeper, later} {
			turn, answer, err := k.Begin(ctx, call)
			must(t, err)
			if diff := cmp.Diff(&want, answer); turn != nil || diff != "" {
				t.Errorf("again: %v %s", turn, diff)
			}
			if _, _, err := k.Begin(ctx, keyed("user/1", "k", "b")); !errors.Is(err, idempotency.ErrOther) {
				t.Errorf("another request: %v", err)
			}
		}
		other, _, err := keeper.Begin(ctx, keyed("user/2", "k", "b"))
		must(t, err)
		must(t, other.Release(ctx))

		now = now.Add(idempotency.Kept + time.Minute)
		turn, _, err = keeper.Begin(ctx, keyed("user/1", "k", "b"))
		must(t, err)
		must(t, turn.Release(ctx))
		turn, _, err = keeper.Begin(ctx, call)
		must(t, err)
		if turn == nil {
			t.Error("a released key is not free")
		}
	})
}

// What a process left under way when it ended is free for the next.
func TestACutOffCallIsFree(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		before := idempotency.New(d.Answers(), time.Now)
		_, _, err := before.Begin(ctx, keyed("user/1", "k", "a"))
		must(t, err)
		turn, answer, err := idempotency.New(d.Answers(), time.Now).Begin(ctx, keyed("user/1", "k", "a"))
		if err != nil || turn == nil || answer != nil {
			t.Errorf("%v %v %v", turn, answer, err)
		}
	})
}

// What must not be done twice is not done again when nobody knows how it went.
func TestACutOffCallIsNotDoneTwice(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		now := time.Now()
		clock := func() time.Time { return now }
		once, other := keyed("user/1", "k", "a"), keyed("user/1", "k", "b")
		once.Once, other.Once = true, true
		_, _, err := idempotency.New(d.Answers(), clock).Begin(ctx, once)
		must(t, err)
		later := idempotency.New(d.Answers(), clock)
		for range 2 {
			if turn, _, err := later.Begin(ctx, once); turn != nil || !errors.Is(err, idempotency.ErrCutOff) {
				t.Errorf("%v %v", turn, err)
			}
		}
		if _, _, err := later.Begin(ctx, other); !errors.Is(err, idempotency.ErrOther) {
			t.Errorf("another request: %v", err)
		}
		now = now.Add(idempotency.Kept + time.Minute)
		if turn, _, err := later.Begin(ctx, once); turn == nil || err != nil {
			t.Errorf("after its time: %v %v", turn, err)
		}
	})
}

func TestOneOfManyHasTheTurn(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		keeper := idempotency.New(d.Answers(), time.Now)
		var turns, waits, answers atomic.Int32
		var all sync.WaitGroup
		for range 24 {
			all.Go(func() {
				turn, answer, err := keeper.Begin(ctx, keyed("user/1", "k", "a"))
				switch {
				case turn != nil:
					turns.Add(1)
					if err := turn.Settle(ctx, idempotency.Answer{Status: 200}); err != nil {
						t.Error(err)
					}
				case answer != nil:
					answers.Add(1)
				case errors.Is(err, idempotency.ErrUnderWay):
					waits.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if turns.Load() != 1 || turns.Load()+waits.Load()+answers.Load() != 24 {
			t.Errorf("%d turns, %d told to wait, %d answers", turns.Load(), waits.Load(), answers.Load())
		}
	})
}

func TestKeysAreBounded(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		store, start := d.Answers(), time.Unix(1_700_000_000, 0)
		for i := range 6 {
			for _, principal := range []string{"user/1", "user/2"} {
				call := keyed(principal, fmt.Sprint(i), "a")
				held, err := store.Claim(ctx, idempotency.Record{Call: call, Begun: start.Add(time.Duration(i) * time.Hour)})
				if err != nil || held != nil {
					t.Fatal(held, err)
				}
				if principal == "user/1" {
					must(t, store.Settle(ctx, call, idempotency.Answer{Status: 200}))
				}
			}
		}
		must(t, store.Trim(ctx, start.Add(90*time.Minute), 3))
		for principal, want := range map[string][]bool{"user/1": {false, false, false, true, true, true}, "user/2": {false, false, true, true, true, true}} {
			for i, kept := range want {
				held, err := store.Claim(ctx, idempotency.Record{Call: keyed(principal, fmt.Sprint(i), "a"), Begun: start})
				if err != nil || (held != nil) != kept {
					t.Errorf("%s %d: %v %v, want kept %v", principal, i, held, err, kept)
				}
			}
		}
	})
}
