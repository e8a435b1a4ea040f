package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
)

// Bounds of claim codes.
const (
	MaxClaimLife     = 72 * time.Hour
	MaxClaimTries    = 5    // for one code, then it is locked
	maxWrongByOne    = 20   // wrong codes of one principal within an hour
	maxWrongByHouse  = 60   // of all of one organisation
	maxWrongByAll    = 1000 // of all together
	wrongMemory      = time.Hour
	maxKnownGuessers = 10_000
)

// ClaimCode is what is kept of a claim code. A device has one at a time.
type ClaimCode struct {
	DeviceID int64
	Hash     string
	Maker    string // who made it
	Created  time.Time
	Expires  time.Time
	Tries    int
	Used     time.Time // zero: not yet
}

// ClaimStore keeps claim codes.
type ClaimStore interface {
	// PutClaimCode keeps a code in place of the device's one before.
	PutClaimCode(ctx context.Context, c ClaimCode) error
	// TryClaimCode counts a try against a device's code and gives the code with
	// the try counted; false, and nothing counted, when there is none that is
	// unused, unexpired at now and below the most tries.
	TryClaimCode(ctx context.Context, device int64, now time.Time, most int) (ClaimCode, bool, error)
	// UseClaimCode marks the code of a hash as used, or as unused when used is
	// zero; false when it was already so, or is another by now.
	UseClaimCode(ctx context.Context, device int64, hash string, used time.Time) (bool, error)
}

// Taker gives a device in stock to an organisation that is in scope.
type Taker interface {
	Claim(ctx context.Context, device, organisation int64, at time.Time, reason string, fix *devices.Fix) (devices.Device, error)
}

// Finder finds devices. It is asked as the hub itself: who claims a device has
// no right in it yet.
type Finder interface {
	List(ctx context.Context, page devices.Page) ([]devices.Device, error)
}

// Log is the audit log. Of claims it is told "claim-code",
// "claim-refused" and "claim-locked" (the registry tells "claim"), of secrets "credential-rotate" and
// "credential-revoke".
type Log interface {
	Record(ctx context.Context, entry *access.AuditEntry) error
}

// ClaimOptions say what claims work with. All are required.
type ClaimOptions struct {
	Store  ClaimStore
	Finder Finder
	Taker  Taker
	Log    Log
	Now    func() time.Time
}

// Claims lets those who hold a device and its code take it over. It is safe
// for concurrent use.
type Claims struct {
	o       ClaimOptions
	guesses *guesses
}

// NewClaims makes them.
func NewClaims(o ClaimOptions) *Claims { return &Claims{o: o, guesses: newGuesses()} }

// ErrNoClaim answers every claim that fails, whatever is wrong with it: whether
// a serial exists is nobody's business who has no code for it.
var ErrNoClaim = fmt.Errorf("no device in stock has this serial and claim code; a code is valid once, for at most 72 hours and %d tries: ask for a new one: %w",
	MaxClaimTries, devices.ErrNotFound)

// TooManyGuesses refuses to look at any further code of somebody.
type TooManyGuesses struct {
	After time.Duration // when to come again
}

func (e *TooManyGuesses) Error() string {
	return "too many wrong claim codes; come again in " + e.After.Round(time.Minute).String()
}

// Make gives a device in stock a new code, which takes the place of its one
// before. life is at most MaxClaimLife; 0 means that.
func (c *Claims) Make(ctx context.Context, device *devices.Device, life time.Duration) (code string, expires time.Time, err error) {
	if life == 0 {
		life = MaxClaimLife
	}
	if life < time.Minute || life > MaxClaimLife {
		return "", expires, &devices.FieldError{Field: "validFor", Kind: devices.ErrInvalid, Detail: "must be from PT1M to PT72H"}
	}
	if device.State != devices.Stock {
		return "", expires, &devices.FieldError{Field: "state", Kind: devices.ErrConflict,
			Detail: fmt.Sprintf("the device is %s; only one in stock can be claimed", device.State)}
	}
	code, now := access.NewClaimCode(), c.o.Now()
	kept := ClaimCode{DeviceID: device.ID, Hash: access.HashClaimCode(code, label(device)),
		Maker: access.PrincipalOf(ctx).Name, Created: now, Expires: now.Add(life)}
	if err := c.o.Store.PutClaimCode(ctx, kept); err != nil {
		return "", expires, fmt.Errorf("keep the claim code of device %d: %w", device.ID, err)
	}
	err = c.note(ctx, "claim-code", device, "valid until "+kept.Expires.UTC().Format(time.RFC3339))
	return code, kept.Expires, err
}

// label is what a device is called on its label: its serial, or its code.
func label(d *devices.Device) string {
	if d.Serial != "" {
		return d.Serial
	}
	return d.Code
}

// Wish is what somebody claims: the device by id, or by what is on its label.
type Wish struct {
	DeviceID     int64  // 0: by Label
	Label        string // serial or code
	Code         string // as typed
	Organisation int64  // that gets it; the caller has checked that it may
	Position     *geo.Position
}

func (w *Wish) fix() *devices.Fix {
	if w.Position == nil {
		return nil
	}
	return &devices.Fix{Position: *w.Position}
}

// Claim takes a device from stock. Its error is ErrNoClaim, a *TooManyGuesses
// or a failure of the store.
func (c *Claims) Claim(ctx context.Context, w Wish) (devices.Device, error) {
	who, now := access.PrincipalOf(ctx), c.o.Now()
	if wait := c.guesses.wait(guessersOf(who), now); wait > 0 {
		return devices.Device{}, &TooManyGuesses{wait}
	}
	device, err := c.redeem(ctx, w, now)
	if errors.Is(err, ErrNoClaim) {
		if failed := c.refused(ctx, who, &device, w, now); failed != nil {
			return device, failed
		}
	}
	return device, err
}

// guesser is whom wrong codes are counted of.
type guesser struct {
	name string
	most int
}

func guessersOf(p *access.Principal) []guesser {
	all := []guesser{{fmt.Sprint(p.Kind, " ", p.ID), maxWrongByOne}}
	scope, _ := p.Scope(access.DeviceClaim)
	for _, o := range scope.Own {
		all = append(all, guesser{fmt.Sprint("organisation ", o), maxWrongByHouse})
	}
	return all
}

// refused counts a wrong guess and tells the audit, which the locks keep from
// being flooded: nothing is looked at, nor told, beyond the last one permitted.
func (c *Claims) refused(ctx context.Context, who *access.Principal, device *devices.Device, w Wish, now time.Time) error {
	name := w.Label
	if len(name) > 100 {
		name = name[:100]
	}
	locked := c.guesses.wrong(guessersOf(who), now)
	if err := c.note(ctx, "claim-refused", device, "claimed as "+strings.ToValidUTF8(name, "?")); err != nil || !locked {
		return err
	}
	return c.note(ctx, "claim-locked", device, fmt.Sprintf("no further claim code of %s is looked at for an hour", who.Name))
}

func (c *Claims) note(ctx context.Context, action string, device *devices.Device, detail string) error {
	return record(ctx, c.o.Log, c.o.Now(), action, device, detail)
}

func record(ctx context.Context, log Log, now time.Time, action string, device *devices.Device, detail string) error {
	entry, err := entryOf(ctx, now, action, device, detail)
	if err != nil {
		return err
	}
	return log.Record(ctx, entry)
}

func entryOf(ctx context.Context, now time.Time, action string, device *devices.Device, detail string) (*access.AuditEntry, error) {
	after := struct {
		Device string `json:"device,omitempty"`
		Detail string `json:"detail"`
	}{device.Code, detail}
	return access.Change(ctx, now, action, "device", device.ID, device.OrganisationID, nil, after)
}

// redeem uses a code up and takes the device. The device that it answers with
// an error is the one that was meant, where there is one.
func (c *Claims) redeem(ctx context.Context, w Wish, now time.Time) (devices.Device, error) {
	device, found, err := c.find(ctx, w)
	if err != nil || !found {
		return device, orNoClaim(err)
	}
	typed := access.CleanClaimCode(w.Code)
	kept, open, err := c.o.Store.TryClaimCode(ctx, device.ID, now, MaxClaimTries)
	if err != nil {
		return device, err
	}
	if !open || typed == "" || !access.SameHash(kept.Hash, access.HashClaimCode(typed, label(&device))) {
		if open && kept.Tries >= MaxClaimTries {
			err = c.note(ctx, "claim-locked", &device, fmt.Sprintf("the code is locked after %d tries", kept.Tries))
		}
		return device, orNoClaim(err)
	}
	mine, err := c.o.Store.UseClaimCode(ctx, device.ID, kept.Hash, now)
	if err != nil || !mine {
		return device, orNoClaim(err)
	}
	taken, err := c.o.Taker.Claim(ctx, device.ID, w.Organisation, time.Time{}, "claimed by code", w.fix())
	if err != nil {
		_, undo := c.o.Store.UseClaimCode(ctx, device.ID, kept.Hash, time.Time{})
		if errors.Is(err, devices.ErrNotFound) { // in the stock of another organisation
			err = ErrNoClaim
		}
		return device, errors.Join(err, undo)
	}
	return taken, nil
}

func orNoClaim(err error) error {
	if err != nil {
		return err
	}
	return ErrNoClaim
}

// find looks for the device as the hub itself. A label that two devices have
// names none.
func (c *Claims) find(ctx context.Context, w Wish) (devices.Device, bool, error) {
	ctx = access.WithScope(ctx, &access.Scope{All: true})
	if w.DeviceID != 0 {
		found, err := c.o.Finder.List(ctx, devices.Page{After: w.DeviceID - 1, Limit: 1})
		if err != nil || len(found) == 0 || found[0].ID != w.DeviceID {
			return devices.Device{}, false, err
		}
		return found[0], true, nil
	}
	label := strings.TrimSpace(w.Label)
	for _, column := range []string{"serial", "code"} {
		found, err := c.o.Finder.List(ctx, devices.Page{Limit: 2, Match: map[string]any{column: label}})
		if err != nil || len(found) == 1 {
			return at(found, 0), len(found) == 1, err
		}
	}
	return devices.Device{}, false, nil
}

func at(found []devices.Device, i int) devices.Device {
	if i < len(found) {
		return found[i]
	}
	return devices.Device{}
}
