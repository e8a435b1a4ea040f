package devices

import (
	"context"
	"errors"
	"fmt"

	"cityhub/access"
)

// ErrForbidden refuses what the principal can see and may not do.
var ErrForbidden = errors.New("not permitted")

// guard refuses a change of what is not the principal's own: entity is what
// will be there, nil when it is deleted; old what is there, nil when it is new.
// What somebody may not change looks as if it did not exist.
func (n *Nouns[T]) guard(ctx context.Context, w *work, entity, old *T) error {
	scope := access.ScopeOf(ctx)
	if scope.All && (!scope.Limited || old == nil) {
		return nil
	}
	if n.owners == nil {
		return fmt.Errorf("%s: what all organisations share is changed by the city's administrators: %w", n.name, ErrForbidden)
	}
	if old != nil {
		limited, err := n.mine(ctx, w, scope, old)
		if err != nil {
			return err
		}
		if limited {
			if err := n.install(entity, old); err != nil {
				return err
			}
		}
	}
	if entity == nil {
		return nil
	}
	if n.own != nil && *n.own(entity) == 0 && len(scope.Own) == 1 {
		*n.own(entity) = scope.Own[0] // who belongs to one organisation need not name it
	}
	_, err := n.mine(ctx, w, scope, entity)
	if errors.Is(err, ErrNotFound) && n.own != nil {
		return invalid("organisation_id", "must be one of yours")
	}
	return err
}

// reach answers ErrNotFound for what lies out of the context's scope.
func (n *Nouns[T]) reach(ctx context.Context, w *work, old *T) error {
	scope := access.ScopeOf(ctx)
	if scope.All || n.owners == nil {
		return nil
	}
	_, err := n.mine(ctx, w, scope, old)
	return err
}

// mine answers ErrNotFound unless an entity is the principal's own, and says
// whether only what an installation sets may be changed.
func (n *Nouns[T]) mine(ctx context.Context, w *work, scope *access.Scope, entity *T) (limited bool, err error) {
	owners, err := n.owners(ctx, w, entity)
	if err != nil {
		return false, err
	}
	for _, o := range owners {
		if !scope.Owns(o) {
			return false, fmt.Errorf("%s %d: %w", n.name, *n.id(entity), ErrNotFound)
		}
		limited = limited || scope.InstallOnly(o)
	}
	return limited, nil
}

// install refuses what goes beyond an installation.
func (n *Nouns[T]) install(entity, old *T) error {
	if entity == nil {
		return fmt.Errorf("%s: a technician deletes nothing; ask an administrator of the organisation: %w", n.name, ErrForbidden)
	}
	field := n.name
	if n.fixed != nil {
		field = n.fixed(entity, old)
	}
	if field == "" {
		return nil
	}
	return &FieldError{Field: field, Kind: ErrForbidden,
		Detail: "is not changed by a technician; ask an administrator of the organisation"}
}

func ownerOf[T any](own func(*T) *int64) func(context.Context, *work, *T) ([]int64, error) {
	return func(_ context.Context, _ *work, entity *T) ([]int64, error) { return []int64{*own(entity)}, nil }
}

func thingOwner(t *Thing) *int64 { return &t.OrganisationID }

func deviceOwner(d *Device) *int64 { return &d.OrganisationID }

func ownersOfThing(ctx context.Context, w *work, id int64) ([]int64, error) {
	thing, err := w.Things.Get(ctx, id)
	return []int64{thing.OrganisationID}, err
}

func ownersOfDatastream(ctx context.Context, w *work, d *Datastream) ([]int64, error) {
	return ownersOfThing(ctx, w, d.ThingID)
}

func ownersOfDeployment(ctx context.Context, w *work, d *Deployment) ([]int64, error) {
	owners, err := ownersOfThing(ctx, w, d.ThingID)
	if err != nil {
		return nil, fmt.Errorf("thing: %w", err)
	}
	device, err := w.Devices.Get(ctx, d.DeviceID)
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	return append(owners, device.OrganisationID), nil
}

// ownersOfLocation are those of the things that stand there. A place at which
// nothing stands can be made by everybody, and is then the city's.
func ownersOfLocation(ctx context.Context, w *work, l *Location) ([]int64, error) {
	if l.ID == 0 {
		return nil, nil
	}
	things, err := w.thingsAt(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	owners := make([]int64, 0, len(things)+1)
	for _, t := range things {
		owners = append(owners, t.OrganisationID)
	}
	if len(things) == 0 {
		owners = append(owners, 0)
	}
	return owners, nil
}

func fixedThing(t, old *Thing) string {
	switch {
	case t.Code != old.Code:
		return "code"
	case t.OrganisationID != old.OrganisationID:
		return "organisation_id"
	case t.Mobile != old.Mobile:
		return "mobile"
	}
	return ""
}

func fixedDevice(d, old *Device) string {
	switch {
	case d.Code != old.Code:
		return "code"
	case d.OrganisationID != old.OrganisationID:
		return "organisation_id"
	}
	return ""
}

func fixedDatastream(d, old *Datastream) string {
	switch {
	case d.Retired != old.Retired:
		return "retired"
	case d.Publication != old.Publication:
		return "publication"
	}
	return ""
}

func fixedNothing[T any](_, _ *T) string { return "" }
