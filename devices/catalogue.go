package devices

import (
	"context"
	"fmt"

	"cityhub/access"
)

// Nouns is the register of one noun: what its table does, with every change
// checked first and taken into the index afterwards.
type Nouns[T any] struct {
	registry *Registry
	name     string // as the audit log calls it
	table    func(Tables) Table[T]
	id       func(*T) *int64
	// check validates, fills defaults and makes what the entity needs; old is
	// nil for a new one.
	check func(ctx context.Context, w *work, entity, old *T) error
	// after keeps what depends on the entity's id; nil when nothing does.
	after func(ctx context.Context, w *work, entity, old *T) error
	// before takes away what goes with an entity; nil when nothing does.
	before func(ctx context.Context, w *work, id int64) error
	// owners are the organisations that must all be the principal's own for
	// a change; nil for what only the whole city's principals may change.
	owners func(ctx context.Context, w *work, entity *T) ([]int64, error)
	// own is where the organisation stands; nil when the entity has none.
	own func(*T) *int64
	// fixed names what a technician may not change; nil when that is all.
	fixed func(entity, old *T) string
	enter func(*index, T)
	leave func(*index, T)
}

// List gives a page of entities by ascending id: those that the context's
// scope may see.
func (n *Nouns[T]) List(ctx context.Context, page Page) ([]T, error) {
	page.Scope = access.ScopeOf(ctx)
	return n.table(n.registry.store.Tables()).List(ctx, page)
}

// Get gives one entity, or ErrNotFound, also for what the context's scope may
// not see.
func (n *Nouns[T]) Get(ctx context.Context, id int64) (T, error) {
	table, scope := n.table(n.registry.store.Tables()), access.ScopeOf(ctx)
	if scope.All {
		return table.Get(ctx, id)
	}
	var none T
	found, err := table.List(ctx, Page{After: id - 1, Limit: 1, Scope: scope})
	if err != nil {
		return none, err
	}
	if len(found) == 0 || *n.id(&found[0]) != id {
		return none, fmt.Errorf("%s %d: %w", n.name, id, ErrNotFound)
	}
	return found[0], nil
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
		if err := n.reach(ctx, w, &old); err != nil {
			return err // before the edit may tell anything of it
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
	return n.registry.change(ctx, func(ctx context.Context, w *work) error { return n.remove(ctx, w, id) })
}

// remove is Delete within a change under way.
func (n *Nouns[T]) remove(ctx context.Context, w *work, id int64) error {
	old, err := n.table(w.Tables).Get(ctx, id)
	if err != nil {
		return err
	}
	if err := n.guard(ctx, w, nil, &old); err != nil {
		return err
	}
	if err := n.note(ctx, w, "delete", nil, &old); err != nil {
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
}

func (n *Nouns[T]) put(ctx context.Context, w *work, entity, old *T) error {
	if err := n.guard(ctx, w, entity, old); err != nil {
		return err
	}
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
	if err := n.note(ctx, w, action(old), entity, old); err != nil {
		return err
	}
	if n.enter != nil {
		kept := *entity
		w.then(func(x *index) { n.enter(x, kept) })
	}
	return nil
}
