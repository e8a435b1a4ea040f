package access

import (
	"context"
	"encoding/json"
	"time"
)

// AuditEntry says who changed what, or read what is sensitive.
type AuditEntry struct {
	ID           int64
	Time         time.Time
	Kind         Kind   // of the principal
	Actor        int64  // the principal's id; 0 for the hub itself and for nobody
	Name         string // the principal's name then
	Organisation int64  // to whom the entity belongs; 0: to the city
	Action       string // create, edit, delete, or what the call was named
	Noun         string // thing, device, user…
	Entity       int64
	Before       json.RawMessage // nil when there was nothing; never a secret
	After        json.RawMessage // nil when nothing is left; never a secret
	Request      string          // the request's id; "" when none was made
}

// AuditFilter asks for the entries after an id, in ascending order; zero
// members select all. Scope decides whose entries are seen.
type AuditFilter struct {
	After    int64
	Limit    int
	Noun     string
	Entity   int64
	Actor    int64 // with Kind
	Kind     Kind
	From, To time.Time // [From, To)
	Scope    *Scope    // nil: all
}

// AuditLog keeps entries; nobody can change or remove one before its time.
type AuditLog interface {
	Record(ctx context.Context, entry *AuditEntry) error
	Audit(ctx context.Context, filter AuditFilter) ([]AuditEntry, error)
}

// AuditFor is how long an entry stays.
const AuditFor = 366 * 24 * time.Hour

// Change makes the entry of a change by whoever asks. before and after are
// kept as JSON; nil stands for nothing.
func Change(ctx context.Context, at time.Time, action, noun string, entity, organisation int64, before, after any) (*AuditEntry, error) {
	p := PrincipalOf(ctx)
	e := &AuditEntry{Time: at, Kind: p.Kind, Actor: p.ID, Name: p.Name, Organisation: organisation, Action: action,
		Noun: noun, Entity: entity, Request: RequestOf(ctx)}
	var err error
	if e.Before, err = document(before); err != nil {
		return nil, err
	}
	e.After, err = document(after)
	return e, err
}

func document(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	return json.Marshal(v)
}

type requestKey struct{}

// WithRequest notes the id of the request under way.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestOf tells the id of the request under way; "" when there is none.
func RequestOf(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
