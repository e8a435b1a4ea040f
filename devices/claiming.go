package devices

import (
	"context"
	"fmt"

	"cityhub/geo"
)

// TakeFromStock gives a device that lies in stock to an organisation.
func (r *Registry) TakeFromStock(ctx context.Context, id, organisation int64, _ *geo.Position) (Device, error) {
	return r.Devices.Update(ctx, id, func(d *Device) error {
		if d.State != Stock {
			return fmt.Errorf("state: the device is %s, only one in stock can be claimed: %w", d.State, ErrConflict)
		}
		d.OrganisationID, d.State = organisation, "claimed"
		return nil
	})
}
