package credentials

import (
	"context"

	"cityhub/access"
	"cityhub/devices"
)

// Set lets a device in with a secret that somebody else chose. One that it had
// before stays valid for the usual overlap.
func (k *Keeper) Set(ctx context.Context, device *devices.Device, secret string) error {
	_, err := k.Rotate(ctx, device, DefaultOverlap, secret)
	return err
}

// Holds says whether a device has any secret, and whether it is this one.
func (k *Keeper) Holds(device int64, secret string) (some, this bool) {
	c, ok := k.Of(device)
	return ok && c.Hash != "", access.SameHash(c.Hash, access.HashDeviceSecret(secret))
}
