package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
)

// AuditEntry says who changed what, or was handed what.
type AuditEntry struct {
	ID           int64           `json:"id"`
	Time         time.Time       `json:"time"`
	Kind         string          `json:"kind" doc:"Of who did it: user, key, device, anonymous or system (the hub itself)"`
	Actor        int64           `json:"actor,omitempty" doc:"Id of the user, key or device"`
	Name         string          `json:"name" doc:"Of who did it, then"`
	Organisation int64           `json:"organisation,omitempty" doc:"Id of the owner; absent for what is the city's"`
	Action       string          `json:"action" doc:"create, edit, delete, or what the call is named"`
	Noun         string          `json:"noun"`
	Entity       int64           `json:"entity"`
	Before       json.RawMessage `json:"before,omitempty" doc:"The entity before; absent when it was new"`
	After        json.RawMessage `json:"after,omitempty" doc:"The entity after; absent when it was deleted"`
	Request      string          `json:"request,omitempty" doc:"The request's X-Request-Id"`
}

type auditList struct {
	Paging
	Noun     string `query:"noun" doc:"thing, device, user…"`
	Entity   int64  `query:"entity" minimum:"1" doc:"With noun: of one entity"`
	Kind     string `query:"kind" enum:"anonymous,user,key,device,system"`
	Actor    int64  `query:"actor" minimum:"1" doc:"With kind: of one user, key or device"`
	Datetime string `query:"datetime" doc:"A/B, RFC 3339, .. for an open end; all when absent"`
}

func (s *Server) auditing() {
	register(s, huma.Operation{OperationID: "list-audit", Method: http.MethodGet, Path: base + "/audit",
		Summary: "Who changed what, oldest first", Tags: []string{"audit"},
		Description: "Entries are kept for a year; nobody can change one.",
	}, access.AuditRead, s.listAudit)
}

func (s *Server) listAudit(ctx context.Context, in *auditList) (*collected[AuditEntry], error) {
	after, err := in.cursor()
	if err != nil {
		return nil, err
	}
	filter := access.AuditFilter{After: after, Limit: in.Limit + 1, Noun: in.Noun, Entity: in.Entity,
		Kind: access.Kind(in.Kind), Actor: in.Actor, Scope: access.ScopeOf(ctx)}
	if in.Datetime != "" {
		asked, err := parseSpan(in.Datetime, s.o.Now())
		if err != nil {
			return nil, err
		}
		filter.From, filter.To = asked.from, asked.to.Add(1)
	}
	found, err := s.o.Audit.Audit(ctx, filter)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(found) > in.Limit {
		found = found[:in.Limit]
		next = in.next(found[in.Limit-1].ID)
	}
	items := make([]AuditEntry, len(found))
	for i := range found {
		items[i] = showAudit(&found[i])
	}
	return collection(items, next), nil
}

// disclose notes what is handed out, or done past the registry, for each
// organisation of whoever asks.
func (s *Server) disclose(ctx context.Context, action, noun string, entity int64, what any) error {
	readers := []int64{0}
	if scope := access.ScopeOf(ctx); !scope.All {
		readers = scope.Own
	}
	for _, reader := range readers {
		entry, err := access.Change(ctx, s.o.Now(), action, noun, entity, reader, nil, what)
		if err != nil {
			return err
		}
		if err := s.o.Audit.Record(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

func showAudit(e *access.AuditEntry) AuditEntry {
	return AuditEntry{ID: e.ID, Time: e.Time, Kind: string(e.Kind), Actor: e.Actor, Name: e.Name, Organisation: e.Organisation,
		Action: e.Action, Noun: e.Noun, Entity: e.Entity, Before: e.Before, After: e.After, Request: e.Request}
}
