package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
)

// version is an entity as it is now.
type version struct {
	state string // changes with what can be written, and with nothing else
	body  any    // what can be written
	shown any    // as GET answers it
	// merge gives the body as a JSON merge patch would make it.
	merge func(patch map[string]any) (any, error)
}

// stateOf names what can be written of an entity, and what its life cycle made
// of it: the part of its tag that a write is held against. What devices report
// is not in it, for it would change with every message.
func (n noun[T, W, B]) stateOf(ctx context.Context, v *view, entity *T) (state string, body B, err error) {
	if body, err = n.body(ctx, v, entity); err != nil {
		return "", body, err
	}
	parts := []any{n.path, n.id(entity), body}
	if n.life != nil {
		parts = append(parts, n.life(entity))
	}
	text, err := json.Marshal(parts)
	return short(text), body, err
}

// short is a name for bytes that changes with them.
func short(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

func (n noun[T, W, B]) version(ctx context.Context, s *Server, id int64) (version, error) {
	entity, err := n.nouns.Get(ctx, id)
	if err != nil {
		return version{}, err
	}
	v := s.view()
	state, body, err := n.stateOf(ctx, v, &entity)
	if err != nil {
		return version{}, err
	}
	out, err := n.show(ctx, v, &entity, true)
	return version{state: state, body: body, shown: out,
		merge: func(patch map[string]any) (any, error) { return mergePatch(body, patch) }}, err
}

// guard is around every write. One that says If-Match happens only if the
// entity that its address names is still as its sender saw it; the address may
// go on below it, as those of the life cycle do. Such a write is alone among
// the writes of entities, so that nothing comes between looking and writing.
func (s *Server) guard(ctx huma.Context, next func(huma.Context)) {
	collection, _, one := strings.Cut(ctx.Operation().Path, "/{id}")
	find, conditional := s.versions[collection], ctx.Header(fiber.HeaderIfMatch) != ""
	switch {
	case conditional && (find == nil || !one):
		s.refuse(ctx, badParameter("If-Match", "what is at this address has no versions; leave the header out"))
		return
	case conditional:
		s.writing.Lock()
		defer s.writing.Unlock()
		if p := hold(ctx, find); p != nil {
			s.refuse(ctx, p)
			return
		}
	case find != nil:
		s.writing.RLock()
		defer s.writing.RUnlock()
	}
	next(ctx)
	finishTag(humafiber.Unwrap(ctx))
}

// refuse answers with a problem in place of an operation.
func (s *Server) refuse(ctx huma.Context, p *Problem) {
	if err := s.fail(humafiber.Unwrap(ctx), p); err != nil {
		s.o.Log.Error("a refusal could not be written", "request", requestID(ctx.Context()), "error", err)
	}
}

// hold compares the entity with the tags of If-Match; nil when one of them
// names it.
func hold(ctx huma.Context, find func(context.Context, int64) (version, error)) *Problem {
	id, err := strconv.ParseInt(ctx.Param("id"), 10, 64)
	if err != nil {
		return badParameter("id", "must be a number")
	}
	now, err := find(ctx.Context(), id)
	if err != nil {
		return problemOf(err) // what is not there answers as it does without the header
	}
	for candidate := range strings.SplitSeq(ctx.Header(fiber.HeaderIfMatch), ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" {
			return nil
		}
		state, _, _ := strings.Cut(strings.Trim(candidate, `"`), ".")
		if strings.HasPrefix(candidate, `"`) && state == now.state {
			return nil
		}
	}
	return overtaken(now, humafiber.Unwrap(ctx).Body())
}

// overtaken tells the sender of a write that somebody was faster: what is
// there now, what the write would have made of it, and where the two differ.
func overtaken(now version, sent []byte) *Problem {
	p := problem(http.StatusPreconditionFailed,
		"somebody changed this after you read it; compare yours with current, and send what you still want with If-Match: currentTag and a new Idempotency-Key")
	p.Current, p.CurrentTag = now.shown, `"`+now.state+`"`
	var patch map[string]any
	if len(bytes.TrimSpace(sent)) == 0 || json.Unmarshal(sent, &patch) != nil {
		return p
	}
	p.Yours = patch
	whole := false // what was sent says all that can be written
	mine, err := fieldsOf(patch)
	if merged, bad := now.merge(patch); bad == nil { // otherwise it is no change of fields, or one that would be refused
		p.Yours, whole = merged, true
		mine, err = fieldsOf(merged)
	}
	theirs, bad := fieldsOf(now.body)
	if err != nil || bad != nil {
		return p
	}
	for name := range theirs {
		if _, ok := mine[name]; !ok && whole {
			mine[name] = nil
		}
	}
	for name, value := range mine {
		if !bytes.Equal(value, theirs[name]) {
			p.Differ = append(p.Differ, name)
		}
	}
	slices.Sort(p.Differ)
	return p
}

// fieldsOf gives the members of a body as JSON.
func fieldsOf(body any) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("show a version: %w", err)
	}
	fields := map[string]json.RawMessage{}
	return fields, json.Unmarshal(text, &fields)
}
