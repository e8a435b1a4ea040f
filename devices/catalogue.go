package devices

import "context"

// Nouns is the register of one noun: what its table does, with every change
// checked first and taken into the index afterwards.
type Nouns[T any] struct {
	registry *Registry
	table    func(Tables) Table[T]
	id       func(*T) *int64
	// check validates, fills defaults and makes what the entity needs; old is
	// nil for a new one.
	check func(ctx context.Context, w *work, entity, old *T) error
	// after keeps what depends on the entity's id; nil when nothing does.
	after func(ctx context.Context, w *work, entity, old *T) error
	// before takes away what goes with an entity; nil when nothing does.
	before func(ctx context.Context, w *work, id int64) error
	enter  func(*index, T)
	leave  func(*index, T)
}

// List gives a page of entities by ascending id.
func (n *Nouns[T]) List(ctx context.Context, page Page) ([]T, error) {
	return n.table(n.registry.store.Tables()).List(ctx, page)
}

// Get gives one entity, or ErrNotFound.
func (n *Nouns[T]) Get(ctx context.Context, id int64) (T, error) {
	return n.table(n.registry.store.Tables()).Get(ctx, id)
}

// Create keeps a new entity and sets its id.
func (n *Nouns[T]) Create(ctx context.Context, entity *T) error {
	*n.id(entity) = 0
	return n.registry.change(ctx, func(ctx context.Context, w *work) error {
		return n.put(ctx, w, entity, nil)
	})
}

// Update lets edit change the entity of an id and keeps the result.
func (n *Nouns[T]) Update(ctx context.Context, id int64, edit func(*T) error) (T, error) {
	var entity T
	err := n.registry.change(ctx, func(ctx context.Context, w *work) error {
		old, err := n.table(w.Tables).Get(ctx, id)
		if err != nil {
			return err
		}
		entity = old
		if err := edit(&entity); err != nil {
			return err
		}
		*n.id(&entity) = id
		return n.put(ctx, w, &entity, &old)
	})
	return entity, err
}

// Delete removes the entity of an id; ErrConflict while others refer to it.
func (n *Nouns[T]) Delete(ctx context.Context, id int64) error {
	return n.registry.change(ctx, func(ctx context.Context, w *work) error {
		old, err := n.table(w.Tables).Get(ctx, id)
		if err != nil {
			return err
		}
		if n.before != nil {
			if err := n.before(ctx, w, id); err != nil {
				return err
			}
		}
		if err := n.table(w.Tables).Delete(ctx, id); err != nil {
			return err
		}
		if n.leave != nil {
			w.then(func(x *index) { n.leave(x, old) })
		}
		return nil
	})
}

func (n *Nouns[T]) put(ctx context.Context, w *work, entity, old *T) error {
	if err := n.check(ctx, w, entity, old); err != nil {
		return err
	}
	if err := n.table(w.Tables).Put(ctx, entity); err != nil {
		return err
	}
	if n.after != nil {
		if err := n.after(ctx, w, entity, old); err != nil {
			return err
		}
	}
	if n.enter != nil {
		kept := *entity
		w.then(func(x *index) { n.enter(x, kept) })
	}
	return nil
}

// nouns wires every noun to its table, its checks and its place in the index.
func (r *Registry) nouns() {
	r.Organisations = &Nouns[Organisation]{registry: r, id: organisationID, check: checkOrganisation,
		table: func(t Tables) Table[Organisation] { return t.Organisations }}
	r.Things = &Nouns[Thing]{registry: r, id: thingID, check: checkThing, after: rememberPlace, before: forgetPlaces,
		table: func(t Tables) Table[Thing] { return t.Things },
		enter: (*index).enterThing, leave: (*index).leaveThing}
	r.Locations = &Nouns[Location]{registry: r, id: locationID, check: checkLocation,
		table: func(t Tables) Table[Location] { return t.Locations },
		enter: (*index).moveLocation}
	r.Properties = &Nouns[ObservedProperty]{registry: r, id: propertyID, check: checkProperty,
		table: func(t Tables) Table[ObservedProperty] { return t.ObservedProperties },
		enter: (*index).enterProperty, leave: (*index).leaveProperty}
	r.Sensors = &Nouns[Sensor]{registry: r, id: sensorID, check: checkSensor,
		table: func(t Tables) Table[Sensor] { return t.Sensors },
		enter: (*index).enterSensor, leave: (*index).leaveSensor}
	r.Datastreams = &Nouns[Datastream]{registry: r, id: datastreamID, check: checkDatastream,
		table: func(t Tables) Table[Datastream] { return t.Datastreams },
		enter: (*index).enterDatastream, leave: (*index).leaveDatastream}
	r.Devices = &Nouns[Device]{registry: r, id: deviceID, check: checkDevice,
		table: func(t Tables) Table[Device] { return t.Devices },
		enter: (*index).enterDevice, leave: (*index).leaveDevice}
	r.Deployments = &Nouns[Deployment]{registry: r, id: deploymentID, check: checkDeployment, before: undeploy,
		table: func(t Tables) Table[Deployment] { return t.Deployments },
		enter: (*index).enterDeployment, leave: (*index).leaveDeployment}
}

// HistoricalLocations tells where a thing was, oldest first.
func (r *Registry) HistoricalLocations(ctx context.Context, page Page) ([]HistoricalLocation, error) {
	return r.store.Tables().HistoricalLocations.List(ctx, page)
}
