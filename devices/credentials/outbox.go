package credentials

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"cityhub/access"
)

// Bounds of the work on commands.
const (
	commandsAtOnce = 50
	commandTick    = time.Second      // how late what is due may be noticed
	firstRetry     = time.Second      // after a failure …
	lastRetry      = 15 * time.Second // … and at most
	reconcileEvery = 10 * time.Minute
)

// Outbox carries commands out at a broker until that has confirmed them, and
// sees to it that the broker has no user of the hub's that it should not have.
type Outbox struct {
	keeper *Keeper
	sink   Sink
	log    *slog.Logger
	failed string // what the last attempt met, so that it is logged once
}

// NewOutbox makes one. The keeper has to have a key.
func NewOutbox(keeper *Keeper, sink Sink, log *slog.Logger) *Outbox {
	return &Outbox{keeper: keeper, sink: sink, log: log}
}

// Run works until the context ends. A broker that is away catches up.
func (o *Outbox) Run(ctx context.Context) error {
	var reconciled time.Time
	retry := firstRetry
	for ctx.Err() == nil {
		err := o.deliver(ctx)
		if err == nil && time.Since(reconciled) >= reconcileEvery {
			if err = o.reconcile(ctx); err == nil {
				reconciled = time.Now()
			}
		}
		o.tell(ctx, err)
		wait := commandTick
		if err != nil {
			wait, retry = retry, min(2*retry, lastRetry)
		} else {
			retry = firstRetry
		}
		o.pause(ctx, wait, err == nil)
	}
	return nil
}

// pause waits, or until there is something new to do.
func (o *Outbox) pause(ctx context.Context, wait time.Duration, early bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	wake := o.keeper.wake
	if !early {
		wake = nil
	}
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
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

// deliver carries out all that is due. One command that is refused holds up no
// other.
func (o *Outbox) deliver(ctx context.Context) error {
	total := 0
	for {
		due, err := o.keeper.o.Store.Due(ctx, o.keeper.o.Now(), commandsAtOnce)
		if err != nil || len(due) == 0 {
			return err
		}
		done, err := o.apply(ctx, due)
		if failed := o.keeper.o.Store.Done(ctx, done); failed != nil {
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

// apply answers the ids of the commands that were carried out, and the first
// failure. A secret that cannot be opened any more is given up: its device
// needs a new one.
func (o *Outbox) apply(ctx context.Context, due []Command) (done []int64, err error) {
	var changes []Change
	var ids []int64
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
		changes, ids = append(changes, change), append(ids, c.ID)
	}
	for i, failure := range o.sink.Apply(ctx, changes) {
		switch {
		case failure == nil:
			done = append(done, ids[i])
		case err == nil:
			err = fmt.Errorf("%s: %w", changes[i].Username, failure)
		}
	}
	return done, err
}

// reconcile takes users away that the broker should not have, and names the
// devices that it does not know: of them the hub has only hashes.
func (o *Outbox) reconcile(ctx context.Context) error {
	users, err := o.sink.Users(ctx)
	if err != nil {
		return err
	}
	has := make(map[string]bool, len(users))
	var extra []Change
	for _, u := range users {
		has[u] = true
		if code := strings.TrimSuffix(u, secondSlot); !o.keeper.entitled(u, code) {
			extra = append(extra, Change{Username: u, Code: code})
		}
	}
	for _, failure := range o.sink.Apply(ctx, extra) {
		if failure != nil {
			return failure
		}
	}
	missing := o.keeper.missing(has)
	o.log.Info("the broker's users are compared with the devices", "users", len(users), "taken away", len(extra), "unknown to the broker", len(missing))
	if len(missing) > 0 {
		o.log.Warn("devices have a secret that the broker does not know: give each a new one", "devices", len(missing),
			"such as", strings.Join(missing[:min(len(missing), 5)], " "))
	}
	return nil
}

// entitled says whether a user name is one that its device may use now.
func (k *Keeper) entitled(username, code string) bool {
	who, ok := k.o.Registry.Identity(code)
	if !ok {
		return false
	}
	c, _ := k.Of(who.DeviceID)
	switch {
	case c.Hash == "":
		return false
	case username == Username(code, c.Slot):
		return true
	}
	return c.OldHash != "" && k.o.Now().Before(c.OldUntil)
}

// missing are the codes of the devices whose present user name a broker lacks.
func (k *Keeper) missing(has map[string]bool) (codes []string) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for id, c := range k.known {
		who, ok := k.o.Registry.IdentityByID(id)
		if ok && c.Hash != "" && !has[Username(who.Code, c.Slot)] {
			codes = append(codes, who.Code)
		}
	}
	slices.Sort(codes)
	return codes
}
