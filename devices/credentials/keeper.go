package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cityhub/access"
	"cityhub/devices"
)

// Options say what a keeper works with. Store, Registry and Now are required.
type Options struct {
	Store    Store
	Registry Registry
	// Direct are told of every change at once, and ask the keeper themselves
	// whether a secret is right: the hub's own broker.
	Direct []Direct
	// Key seals secrets that wait for a broker with a list of its own; nil
	// when there is none, then no command is kept.
	Key []byte
	Now func() time.Time
}

// Direct is a broker that asks the keeper who may come in.
type Direct interface {
	// Disconnect ends the connections of a device; false when it had none.
	Disconnect(code string) bool
}

// Keeper knows all credentials. It is safe for concurrent use.
type Keeper struct {
	o       Options
	write   sync.Mutex // one change at a time
	wake    chan struct{}
	unsure  atomic.Bool // whether the broker's users have to be compared
	mu      sync.RWMutex
	known   map[int64]Credential
	revoked atomic.Int64 // devices that are shut out
	direct  []Direct
}

// Open loads the credentials.
func Open(ctx context.Context, o Options) (*Keeper, error) {
	all, err := o.Store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the credentials: %w", err)
	}
	k := &Keeper{o: o, known: make(map[int64]Credential, len(all)), wake: make(chan struct{}, 1), direct: o.Direct}
	for _, c := range all {
		k.enter(c)
	}
	o.Registry.OnLeave(k.left)
	return k, nil
}

// Attach adds a broker that is opened after the keeper.
func (k *Keeper) Attach(d Direct) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.direct = append(k.direct, d)
}

func (k *Keeper) enter(c Credential) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.known[c.DeviceID].Revoked.IsZero() {
		k.revoked.Add(-1)
	}
	if !c.Revoked.IsZero() {
		k.revoked.Add(1)
	}
	k.known[c.DeviceID] = c
}

// Of gives what is kept of a device's secrets; false when it never had one.
func (k *Keeper) Of(device int64) (Credential, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	c, ok := k.known[device]
	return c, ok
}

// ErrRefused answers a code and secret that do not let anybody in. It does not
// say why.
var ErrRefused = errors.New("no device has this code and secret")

// ByDevice finds the device that a code and a secret belong to. The code may
// be any of the device's user names.
func (k *Keeper) ByDevice(_ context.Context, code, secret string) (*access.Principal, error) {
	who, ok := k.holder(strings.TrimSuffix(code, secondSlot), access.HashDeviceSecret(secret))
	if !ok {
		return nil, ErrRefused
	}
	return &access.Principal{Kind: access.DeviceKind, ID: who.DeviceID, Name: who.Code,
		Bindings: []access.Binding{{Role: access.Device, Organisation: who.OrganisationID}}}, nil
}

// holder finds the device of a code, if the hash is of a secret of its own that
// is valid now.
func (k *Keeper) holder(code, hash string) (devices.Identity, bool) {
	who, ok := k.o.Registry.Identity(code)
	if !ok {
		return who, false
	}
	c, _ := k.Of(who.DeviceID)
	present := access.SameHash(c.Hash, hash)
	before := access.SameHash(c.OldHash, hash) && k.o.Now().Before(c.OldUntil)
	return who, present || before
}

// Revoked says of a device, named by its code, that it was shut out: nothing
// that it sends may be taken, on whatever way. It costs next to nothing while
// no device is.
func (k *Keeper) Revoked(code string) bool {
	if k.revoked.Load() == 0 {
		return false
	}
	who, ok := k.o.Registry.Identity(code)
	if !ok {
		return false
	}
	c, _ := k.Of(who.DeviceID)
	return !c.Revoked.IsZero()
}

// Issued is a new secret, which is shown this once.
type Issued struct {
	Device   string
	Username string // at the broker
	Secret   string
	OldUntil time.Time // until when the one before is valid; zero when it is not
}

// Rotate gives a device a new secret. The present one stays valid for the
// overlap; the one before that does not. given is a secret that somebody else
// chose, "" for one that is made here.
func (k *Keeper) Rotate(ctx context.Context, device *devices.Device, overlap time.Duration, given string) (Issued, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return Issued{}, &devices.FieldError{Field: "overlap", Kind: devices.ErrInvalid,
			Detail: "must be from PT0S to P30D; the secret before stays valid for so long"}
	}
	if given == "" {
		given = access.NewDeviceSecret()
	} else if err := access.CheckDeviceSecret(given); err != nil {
		return Issued{}, &devices.FieldError{Field: "secret", Kind: devices.ErrInvalid, Detail: err.Error()}
	}
	k.write.Lock()
	defer k.write.Unlock()
	code := k.codeOf(device)
	old, _ := k.Of(device.ID)
	next := k.next(old, device.ID, given, overlap)
	commands, err := k.commands(code, next, given)
	if err != nil {
		return Issued{}, err
	}
	if err := k.keep(ctx, "credential-rotate", device, next, commands); err != nil {
		return Issued{}, err
	}
	if old.Hash != "" && next.OldHash == "" || old.OldUntil.After(next.Since) {
		k.disconnect(code) // a connection may have come in with what is no more
	}
	out := Issued{Device: code, Username: code, Secret: given, OldUntil: next.OldUntil}
	if k.o.Key != nil {
		out.Username = Username(code, next.Slot)
	}
	return out, nil
}

// next is the credential after a new secret. The one before keeps its slot, so
// the new one takes the other.
func (k *Keeper) next(old Credential, device int64, secret string, overlap time.Duration) Credential {
	now := k.o.Now()
	c := Credential{DeviceID: device, Hash: access.HashDeviceSecret(secret), Since: now}
	if old.Hash != "" && overlap > 0 {
		c.Slot = 1 - old.Slot
		c.OldHash, c.OldUntil = old.Hash, now.Add(overlap)
	}
	return c
}

// commands are what a broker has to learn of a new secret: its own user name at
// once, and that the other goes, now or with the end of the overlap.
func (k *Keeper) commands(code string, c Credential, secret string) ([]Command, error) {
	if k.o.Key == nil {
		return nil, nil
	}
	username, other := Username(code, c.Slot), Username(code, 1-c.Slot)
	sealed, err := access.Seal(k.o.Key, secret, username)
	if err != nil {
		return nil, err
	}
	due := c.Since
	if !c.OldUntil.IsZero() {
		due = c.OldUntil
	}
	return []Command{{Username: username, Code: code, Sealed: sealed, Due: c.Since}, {Username: other, Code: code, Due: due}}, nil
}

// Revoke shuts a device out: at once here and at the hub's own broker, and as
// soon as they answer at others. A new secret lets it in again.
func (k *Keeper) Revoke(ctx context.Context, device *devices.Device) error {
	k.write.Lock()
	defer k.write.Unlock()
	now, code := k.o.Now(), k.codeOf(device)
	var commands []Command
	if k.o.Key != nil {
		commands = k.farewell(code)
	}
	if err := k.keep(ctx, "credential-revoke", device, Credential{DeviceID: device.ID, Since: now, Revoked: now}, commands); err != nil {
		return err
	}
	k.disconnect(code)
	return nil
}

func (k *Keeper) keep(ctx context.Context, action string, device *devices.Device, c Credential, commands []Command) error {
	detail := "the secret before ends at once"
	if !c.OldUntil.IsZero() {
		detail = "the secret before ends " + c.OldUntil.UTC().Format(time.RFC3339)
	}
	entry, err := entryOf(ctx, c.Since, action, device, detail)
	if err != nil {
		return err
	}
	if err := k.o.Store.Put(ctx, c, commands, entry); err != nil {
		return fmt.Errorf("keep the credential of device %d: %w", c.DeviceID, err)
	}
	k.enter(c)
	k.poke()
	return nil
}

// poke tells the outbox that there is something to do.
func (k *Keeper) poke() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// codeOf is a device's code of now: whoever calls may have read it before the
// device got another.
func (k *Keeper) codeOf(device *devices.Device) string {
	if who, ok := k.o.Registry.IdentityByID(device.ID); ok {
		return who.Code
	}
	return device.Code
}

func (k *Keeper) disconnect(code string) {
	k.mu.RLock()
	direct := k.direct
	k.mu.RUnlock()
	for _, d := range direct {
		d.Disconnect(code)
	}
}
