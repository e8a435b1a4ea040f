package credentials

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"cityhub/access"
)

// Bounds of the work on commands.
const (
	commandsAtOnce = 50
	longBatch      = time.Second      // how long the broker may be at work on one; a revocation waits for no more
	commandTick    = time.Second      // how late what is due may be noticed
	firstRetry     = time.Second      // after a failure …
	lastRetry      = 15 * time.Second // … and at most
	lastRefused    = 5 * time.Minute  // at most, after a secret that the broker has refused again and again
	reconcileEvery = 10 * time.Minute
)

// Outbox carries commands out at a broker until that has confirmed them, and
// sees to it that the broker has no user of the hub's that it should not have.
type Outbox struct {
	keeper *Keeper
	sink   Sink
	log    *slog.Logger
	failed string // what the last attempt met, so that it is logged once
	size   int    // commands that the broker is through with in less than longBatch
}

// NewOutbox makes one. The keeper has to have a key.
func NewOutbox(keeper *Keeper, sink Sink, log *slog.Logger) *Outbox {
	return &Outbox{keeper: keeper, sink: sink, log: log, size: 1}
}

// Run works until the context ends. A broker that is away catches up.
func (o *Outbox) Run(ctx context.Context) error {
	var reconciled time.Time
	retry := firstRetry
	for ctx.Err() == nil {
		err := o.deliver(ctx)
		if err == nil && (o.keeper.unsure.Load() || time.Since(reconciled) >= reconcileEvery) {
			o.keeper.unsure.Store(false)
			if err = o.reconcile(ctx); err == nil {
				reconciled = time.Now()
			} else {
				o.keeper.unsure.Store(true)
			}
		}
		o.tell(ctx, err)
		if err == nil {
			retry = firstRetry
			o.pause(ctx, 0, commandTick)
			continue
		}
		o.pause(ctx, firstRetry, retry)
		retry = min(2*retry, lastRetry)
	}
	return nil
}

// pause waits for at least a while, and then until there is something new to
// do or most of a while is over.
func (o *Outbox) pause(ctx context.Context, least, most time.Duration) {
	early, late := time.NewTimer(least), time.NewTimer(most)
	defer early.Stop()
	defer late.Stop()
	var wake chan struct{}
	for {
		select {
		case <-early.C:
			wake = o.keeper.wake
			continue
		case <-ctx.Done():
		case <-wake:
		case <-late.C:
		}
		return
	}
}

// tell logs the first failure of a kind, and the end of failing.
func (o *Outbox) tell(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil && o.failed != "":
		o.log.Info("the broker takes credentials again")
		o.failed = ""
	case err != nil && err.Error() != o.failed:
		o.log.Warn("the broker does not take credentials; they are kept, and tried again for as long as it takes", "cause", err)
		o.failed = err.Error()
	}
}

// deliver carries out all that is due, few at a time, so that a user who has to
// go never waits for long. What the broker refuses comes again later, and holds
// up no other.
func (o *Outbox) deliver(ctx context.Context) error {
	total := 0
	for {
		due, err := o.keeper.o.Store.Due(ctx, o.keeper.o.Now(), o.size)
		if err != nil || len(due) == 0 {
			return err
		}
		done, refused, err := o.apply(ctx, due)
		if failed := o.keeper.o.Store.Done(ctx, done); failed != nil {
			return failed
		}
		if failed := o.keeper.o.Store.Later(ctx, refused); failed != nil {
			return failed
		}
		if total += len(done); len(done) > 1 {
			o.log.Info("credentials are with the broker", "so far", total)
		}
		if err != nil {
			return err
		}
	}
}

// apply answers the ids of the commands that were carried out, and those that
// the broker refused with the time of their next try; an error when it could
// not be asked. A secret that cannot be opened any more is given up: its device
// needs a new one.
func (o *Outbox) apply(ctx context.Context, due []Command) (done []int64, refused []Command, err error) {
	var changes []Change
	var whose []Command
	for _, c := range due {
		change := Change{Username: c.Username, Code: c.Code}
		if c.Sealed != "" {
			secret, err := access.Unseal(o.keeper.o.Key, c.Sealed, c.Username)
			if err != nil {
				o.log.Error("a secret cannot be given to the broker; give the device a new one", "device", c.Code, "cause", err)
				done = append(done, c.ID)
				continue
			}
			change.Secret = secret
		}
		changes, whose = append(changes, change), append(whose, c)
	}
	begin := time.Now()
	failures, err := o.sink.Apply(ctx, changes)
	o.pace(len(due), time.Since(begin), err)
	if err != nil {
		return done, nil, err
	}
	for i, failure := range failures {
		if failure == nil {
			done = append(done, whose[i].ID)
			continue
		}
		if whose[i].Tries == 0 {
			o.log.Warn("the broker refuses a credential; it is tried again", "device", whose[i].Code, "username", whose[i].Username, "cause", failure)
		}
		refused = append(refused, o.keeper.later(whose[i]))
	}
	return done, refused, nil
}

// pace fits the number of commands told at once to how long the broker was at
// work on so many: one with many users may write a large file for each.
func (o *Outbox) pace(commands int, took time.Duration, err error) {
	switch {
	case err != nil || took > longBatch:
		o.size = max(1, o.size/2)
	case commands == o.size && took < longBatch/4:
		o.size = min(2*o.size, commandsAtOnce)
	}
}

// later is a command that was refused, due again after a pause that grows.
func (k *Keeper) later(c Command) Command {
	most := lastRetry
	if c.Sealed != "" {
		most = lastRefused
	}
	c.Due = k.o.Now().Add(min(firstRetry<<min(c.Tries, 16), most))
	c.Tries++
	return c
}

// reconcile has users go that the broker should not have, and names the devices
// that it does not know: of them the hub has only hashes.
func (o *Outbox) reconcile(ctx context.Context) error {
	users, err := o.sink.Users(ctx)
	if err != nil {
		return err
	}
	has := make(map[string]bool, len(users))
	for _, u := range users {
		has[u] = true
	}
	extra, err := o.keeper.dismiss(ctx, users)
	if err != nil {
		return err
	}
	missing := o.keeper.missing(has)
	o.log.Info("the broker's users are compared with the devices", "users", len(users), "have to go", extra, "unknown to the broker", len(missing))
	if len(missing) > 0 {
		o.log.Warn("devices have a secret that the broker does not know: give each a new one", "devices", len(missing),
			"such as", strings.Join(missing[:min(len(missing), 5)], " "))
	}
	return nil
}
