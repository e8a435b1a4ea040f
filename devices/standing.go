package devices

import (
	"context"
	"fmt"
)

// Standing gives the deployment in which a device stands now and what its
// readings belong to, whoever asks: who may know it is settled before.
// It answers ErrNotDeployed when it stands nowhere.
func (r *Registry) Standing(ctx context.Context, device int64) (Deployment, Target, error) {
	all, err := r.store.Tables().Deployments.List(ctx, Page{Limit: loadPage, Match: map[string]any{"device_id": device}})
	if err != nil {
		return Deployment{}, Target{}, err
	}
	now := r.now()
	for _, d := range all {
		if !d.From.After(now) && (d.To.IsZero() || d.To.After(now)) {
			target, err := r.Series(d.GroupID)
			target.DeviceID = device
			return d, target, err
		}
	}
	return Deployment{}, Target{}, fmt.Errorf("device %d: %w", device, ErrNotDeployed)
}
