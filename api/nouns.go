package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

// noun says how one noun of the registry T is shown as W and written as B.
type noun[T, W, B any] struct {
	path, one string // "/things", "thing"
	access    rows
	nouns     *devices.Nouns[T]
	id        func(*T) int64
	// life is what the life cycle made of the entity; nil when it has none.
	life func(*T) any
	// client is the id that a client made while it was offline; nil when there is none.
	client func(*B) string
	// show makes the wire form; full is set when one entity is asked for.
	show func(ctx context.Context, v *view, entity *T, full bool) (W, error)
	// body is what a PATCH edits; nil when the noun cannot be edited.
	body func(ctx context.Context, v *view, entity *T) (B, error)
	// apply takes a body over, with its references resolved.
	apply func(ctx context.Context, body *B, entity *T) error
	// after does what needs the entity's id; nil when nothing does.
	after func(ctx context.Context, body *B, entity T) (T, error)
	// remove takes the place of the register's Delete; may be nil.
	remove func(ctx context.Context, id int64) error
}

// rows are the rows of the permission table that a noun's calls obey.
type rows struct{ read, write access.Action }

// The rows of what is shared by all, and of what organisations own.
var (
	catalogue = rows{access.CatalogueRead, access.CatalogueWrite}
	field     = rows{access.ThingRead, access.ThingWrite}
)

// ByID is the parameter of a call on one entity.
type ByID struct {
	ID int64 `path:"id" minimum:"1"`
}

type written[W any] struct {
	Location string `header:"Location"`
	Body     W
}

// made answers a create: 201, or 200 where the entity was there already.
type made[W any] struct {
	Status   int
	Location string `header:"Location"`
	ETag     string `header:"ETag"` // the state; finishTag makes it the tag
	Body     W
}

type shown[W any] struct{ Body W }

type entity[W any] struct {
	ETag string `header:"ETag"` // as that of made
	Body W
}

// filter turns a list's parameters Q into a selection.
type filter[T, Q any] interface {
	*Q
	paging() *Paging
	selection(ctx context.Context, r *devices.Registry) (selection[T], error)
}

// list registers GET of a collection. It stands apart from the noun because
// every list has parameters of its own.
func list[Q any, P filter[T, Q], T, W, B any](s *Server, n noun[T, W, B]) {
	register(s, huma.Operation{OperationID: "list-" + n.path[1:], Method: http.MethodGet, Path: base + n.path,
		Summary: "List " + n.path[1:], Tags: []string{n.path[1:]}, Middlewares: huma.Middlewares{tag},
	}, n.access.read, func(ctx context.Context, in *Q) (*collected[W], error) {
		paging := P(in).paging()
		after, err := paging.cursor()
		if err != nil {
			return nil, err
		}
		selected, err := P(in).selection(ctx, s.o.Registry)
		if err != nil {
			return nil, err
		}
		entities, more, err := selected.page(ctx, n.nouns, n.id, after, paging.Limit)
		if err != nil {
			return nil, err
		}
		v, items := s.view(), make([]W, len(entities))
		for i := range entities {
			if items[i], err = n.show(ctx, v, &entities[i], false); err != nil {
				return nil, err
			}
		}
		next := ""
		if more {
			next = paging.next(n.id(&entities[len(entities)-1]))
		}
		return collection(items, next), nil
	})
}

// read registers GET of one entity.
func (n noun[T, W, B]) read(s *Server) {
	register(s, huma.Operation{OperationID: "get-" + n.one, Method: http.MethodGet, Path: base + n.path + "/{id}",
		Summary: "Get one " + n.one, Tags: []string{n.path[1:]}, Middlewares: huma.Middlewares{tag},
		Errors: []int{http.StatusNotFound},
	}, n.access.read, func(ctx context.Context, in *ByID) (*entity[W], error) {
		now, err := n.version(ctx, s, in.ID)
		if err != nil {
			return nil, err
		}
		return &entity[W]{now.state, now.shown.(W)}, nil
	})
	s.versions[base+n.path] = func(ctx context.Context, id int64) (version, error) { return n.version(ctx, s, id) }
}

// create registers POST.
func (n noun[T, W, B]) create(s *Server) {
	type input struct{ Body B }
	register(s, huma.Operation{OperationID: "create-" + n.one, Method: http.MethodPost, Path: base + n.path,
		Summary: "Create a " + n.one, Tags: []string{n.path[1:]}, DefaultStatus: http.StatusCreated,
		Errors: []int{http.StatusConflict, http.StatusUnsupportedMediaType},
	}, n.access.write, func(ctx context.Context, in *input) (*made[W], error) {
		if was, err := n.repeated(ctx, s, &in.Body); was != nil || err != nil {
			return was, err
		}
		var entity T
		if err := n.apply(ctx, &in.Body, &entity); err != nil {
			return nil, err
		}
		if err := n.nouns.Create(ctx, &entity); err != nil {
			if was, lookErr := n.repeated(ctx, s, &in.Body); was != nil && lookErr == nil {
				return was, nil // the same request was faster
			}
			return nil, err
		}
		if n.after != nil {
			var err error
			if entity, err = n.after(ctx, &in.Body, entity); err != nil {
				return nil, err
			}
		}
		// Who made it sees it, also a place at which nothing of theirs stands yet.
		return n.answer(access.WithScope(ctx, &access.Scope{All: true, Principal: access.PrincipalOf(ctx)}), s, http.StatusCreated, n.id(&entity))
	})
}

// repeated answers with the entity that a client made before; nil when there
// is none.
func (n noun[T, W, B]) repeated(ctx context.Context, s *Server, body *B) (*made[W], error) {
	if n.client == nil || n.client(body) == "" {
		return nil, nil
	}
	found, err := n.nouns.List(ctx, devices.Page{Limit: 1, Match: map[string]any{"client_id": n.client(body)}})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return n.answer(ctx, s, http.StatusOK, n.id(&found[0]))
}

// answer shows what is there now.
func (n noun[T, W, B]) answer(ctx context.Context, s *Server, status int, id int64) (*made[W], error) {
	now, err := n.version(ctx, s, id)
	if err != nil {
		return nil, err
	}
	return &made[W]{Status: status, Location: base + n.path + "/" + strconv.FormatInt(id, 10), ETag: now.state, Body: now.shown.(W)}, nil
}

// edit registers PATCH.
func (n noun[T, W, B]) edit(s *Server) {
	type input struct {
		ByID
		Body map[string]any `doc:"JSON merge patch (RFC 7396): the fields to change; null takes a value away"`
	}
	register(s, huma.Operation{OperationID: "edit-" + n.one, Method: http.MethodPatch, Path: base + n.path + "/{id}",
		Summary: "Change a " + n.one, Tags: []string{n.path[1:]},
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusUnsupportedMediaType},
	}, n.access.write, func(ctx context.Context, in *input) (*entity[W], error) {
		old, err := n.nouns.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		body, err := n.body(ctx, s.view(), &old)
		if err != nil {
			return nil, err
		}
		merged, err := mergePatch(body, in.Body)
		if err != nil {
			return nil, err
		}
		next := old
		if err := n.apply(ctx, &merged, &next); err != nil {
			return nil, err
		}
		changed, err := n.nouns.Update(ctx, in.ID, replace(n.one, old, next))
		if err == nil && n.after != nil {
			_, err = n.after(ctx, &merged, changed)
		}
		if err != nil {
			return nil, err
		}
		now, err := n.version(ctx, s, in.ID)
		if err != nil {
			return nil, err
		}
		return &entity[W]{now.state, now.shown.(W)}, nil
	})
}

// replace edits an entity that is still as it was read: references are
// resolved before the change begins, so somebody may have been faster.
func replace[T any](one string, old, next T) func(*T) error {
	return func(entity *T) error {
		if !reflect.DeepEqual(*entity, old) {
			return fmt.Errorf("the %s has been changed meanwhile; read it again: %w", one, devices.ErrConflict)
		}
		*entity = next
		return nil
	}
}

// delete registers DELETE.
func (n noun[T, W, B]) delete(s *Server) {
	remove := n.remove
	if remove == nil {
		remove = n.nouns.Delete
	}
	register(s, huma.Operation{OperationID: "delete-" + n.one, Method: http.MethodDelete, Path: base + n.path + "/{id}",
		Summary: "Delete a " + n.one, Tags: []string{n.path[1:]}, DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, n.access.write, func(ctx context.Context, in *ByID) (*struct{}, error) {
		return &struct{}{}, remove(ctx, in.ID)
	})
}
