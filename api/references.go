package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

// Ref names another entity by its code or its id.
type Ref string

// UnmarshalJSON takes a code as a string and an id as a string or a number.
func (r *Ref) UnmarshalJSON(text []byte) error {
	var code string
	if err := json.Unmarshal(text, &code); err == nil {
		*r = Ref(code)
		return nil
	}
	var id int64
	if err := json.Unmarshal(text, &id); err != nil {
		return problem(http.StatusUnprocessableEntity, "a reference must be a code or an id")
	}
	*r = Ref(strconv.FormatInt(id, 10))
	return nil
}

// Schema describes it.
func (Ref) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeInteger, Format: "int64"}},
		Description: "Code or id"}
}

// find gives the entity that a reference names: by code first, then by id.
func find[T any](ctx context.Context, nouns *devices.Nouns[T], field string, ref Ref) (T, error) {
	found, err := nouns.List(ctx, devices.Page{Limit: 1, Match: map[string]any{"code": string(ref)}})
	if err == nil && len(found) == 1 {
		return found[0], nil
	}
	var none T
	if err != nil {
		return none, err
	}
	if id, err := strconv.ParseInt(string(ref), 10, 64); err == nil {
		entity, err := nouns.Get(ctx, id)
		if err == nil {
			return entity, nil
		}
	}
	return none, &devices.FieldError{Field: field, Kind: devices.ErrInvalid, Detail: fmt.Sprintf("nothing has the code or id %q", string(ref))}
}

// idOf resolves a reference that may be left out, which gives 0.
func idOf[T any](ctx context.Context, nouns *devices.Nouns[T], field string, ref Ref, id func(*T) int64) (int64, error) {
	if ref == "" {
		return 0, nil
	}
	entity, err := find(ctx, nouns, field, ref)
	if err != nil {
		return 0, err
	}
	return id(&entity), nil
}

// filterID resolves a reference in a list's parameters.
func filterID[T any](ctx context.Context, nouns *devices.Nouns[T], name string, ref string, id func(*T) int64) (int64, error) {
	entity, err := find(ctx, nouns, name, Ref(ref))
	var field *devices.FieldError
	if errors.As(err, &field) {
		return 0, badParameter(name, field.Detail)
	}
	return id(&entity), err
}

// view looks up what entities refer to, each once per answer.
type view struct {
	organisations memo[devices.Organisation]
	things        memo[devices.Thing]
	sensors       memo[devices.Sensor]
	devices       memo[devices.Device]
	locations     memo[devices.Location]
}

func (s *Server) view() *view {
	r := s.o.Registry
	return &view{organisations: memo[devices.Organisation]{nouns: r.Organisations}, things: memo[devices.Thing]{nouns: r.Things},
		sensors: memo[devices.Sensor]{nouns: r.Sensors}, devices: memo[devices.Device]{nouns: r.Devices},
		locations: memo[devices.Location]{nouns: r.Locations}}
}

type memo[T any] struct {
	nouns *devices.Nouns[T]
	known map[int64]T
}

// get gives the entity of an id, and a zero one for 0.
func (m *memo[T]) get(ctx context.Context, id int64) (T, error) {
	entity, ok := m.known[id]
	if ok || id == 0 {
		return entity, nil
	}
	// What is seen may name what it belongs to, whoever asks.
	entity, err := m.nouns.Get(access.WithScope(ctx, &access.Scope{All: true}), id)
	if err != nil {
		return entity, fmt.Errorf("%s %d: %w", reflect.TypeFor[T]().Name(), id, err)
	}
	if m.known == nil {
		m.known = map[int64]T{}
	}
	m.known[id] = entity
	return entity, nil
}
