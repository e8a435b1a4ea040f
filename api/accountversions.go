package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
)

// versioned registers GET of one of the accounts' entities, which has a tag,
// and lets writes below its address be held against that.
func versioned[T, W, B any](s *Server, op huma.Operation, get func(context.Context, int64) (T, error),
	show func(context.Context, *view, *T) (W, error), body func(*W) B) {
	find := func(ctx context.Context, id int64) (version, error) {
		found, err := get(ctx, id)
		if err != nil {
			return version{}, err
		}
		return versionOf(ctx, s, op.Path, &found, show, body)
	}
	collection := op.Path[:len(op.Path)-len("/{id}")]
	s.versions[collection] = find
	op.Middlewares = huma.Middlewares{tag}
	register(s, op, access.AccountRead, func(ctx context.Context, in *ByID) (*entity[W], error) {
		now, err := find(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &entity[W]{now.state, now.shown.(W)}, nil
	})
}

// versionOf is an entity as it is shown, and the name of what can be written.
func versionOf[T, W, B any](ctx context.Context, s *Server, path string, found *T,
	show func(context.Context, *view, *T) (W, error), body func(*W) B) (version, error) {
	out, err := show(ctx, s.view(), found)
	if err != nil {
		return version{}, err
	}
	b := body(&out)
	text, err := json.Marshal([]any{path, b})
	if err != nil {
		return version{}, fmt.Errorf("name a version: %w", err)
	}
	return version{state: short(text), body: b, shown: out,
		merge: func(patch map[string]any) (any, error) { return mergePatch(b, patch) }}, nil
}
