package api

import (
	"context"
	"encoding/base64"
	"fmt"

	"cityhub/access"
	"cityhub/telemetry"
)

type replayInput struct {
	Body struct {
		Reason string  `json:"reason,omitempty" doc:"Only messages with this reason"`
		IDs    []int64 `json:"ids,omitempty" maxItems:"1000" doc:"Only these messages"`
		Limit  int     `json:"limit,omitempty" minimum:"0" maximum:"100000" doc:"At most so many, and a next for the others; 0 for all. Not with ids"`
		After  string  `json:"after,omitempty" maxLength:"64" doc:"Opaque; the next of the answer before"`
	}
}

// Replayed is what became of a replay.
type Replayed struct {
	Replayed int    `json:"replayed"`
	Accepted int    `json:"accepted"`
	Refused  int    `json:"refused"`
	Next     string `json:"next,omitempty" doc:"To be sent as after; absent when all were sent"`
}

func (s *Server) replay(ctx context.Context, in *replayInput) (*shown[Replayed], error) {
	if err := s.disclose(ctx, "replay", "quarantine", 0, in.Body); err != nil {
		return nil, err
	}
	out := &shown[Replayed]{}
	send := func(items []telemetry.Quarantined) error {
		accepted, refused, err := s.o.Replay(ctx, items)
		out.Body.Replayed += accepted + refused
		out.Body.Accepted += accepted
		out.Body.Refused += refused
		return err
	}
	reason := telemetry.Reason(in.Body.Reason)
	if in.Body.IDs != nil {
		return out, s.replayIDs(ctx, reason, in.Body.IDs, send)
	}
	left, err := s.replayStretch(ctx, reason, in.Body.After)
	if err != nil {
		return nil, err
	}
	err = s.replayAll(ctx, reason, &left, in.Body.Limit, send)
	if left.after < left.until {
		out.Body.Next = left.cursor()
	}
	return out, err
}

func (s *Server) replayIDs(ctx context.Context, reason telemetry.Reason, ids []int64, send func([]telemetry.Quarantined) error) error {
	var items []telemetry.Quarantined
	size := 0
	for _, id := range ids {
		q, err := s.quarantined(ctx, id)
		if err != nil {
			return err
		}
		if reason != "" && q.Reason != reason {
			continue
		}
		if len(items) > 0 && size+q.Size > replayBytes {
			if err := send(items); err != nil {
				return err
			}
			items, size = nil, 0
		}
		items, size = append(items, q), size+q.Size
	}
	if len(items) == 0 {
		return nil
	}
	return send(items)
}

// stretch is what of the quarantine a replay has still to send: what was there at
// its beginning. What is refused again may come back as a new message, which is
// not sent once more.
type stretch struct{ after, until int64 }

func (s stretch) cursor() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d", s.after, s.until))
}

func (s *Server) replayStretch(ctx context.Context, reason telemetry.Reason, after string) (left stretch, err error) {
	if after != "" {
		text, err := base64.RawURLEncoding.DecodeString(after)
		if err == nil {
			_, err = fmt.Sscanf(string(text), "%d %d", &left.after, &left.until)
		}
		if err != nil {
			return stretch{}, badParameter("after", "is not the next of a replay")
		}
		return left, nil
	}
	newest, err := s.o.Quarantine.List(ctx, telemetry.QuarantineFilter{Reason: reason, Newest: true, Limit: 1, Head: 1, Scope: access.ScopeOf(ctx)})
	if err != nil || len(newest) == 0 {
		return stretch{}, err
	}
	return stretch{until: newest[0].ID}, nil
}

// replayAll sends until the stretch or the limit is reached, with 0 for none, and
// moves its beginning on.
func (s *Server) replayAll(ctx context.Context, reason telemetry.Reason, left *stretch, limit int, send func([]telemetry.Quarantined) error) error {
	for sent := 0; left.after < left.until && (limit == 0 || sent < limit); {
		most := replayChunk
		if limit > 0 {
			most = min(most, limit-sent)
		}
		items, err := s.replayable(ctx, reason, *left, most)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			left.after = left.until
			return nil
		}
		if err := send(items); err != nil {
			return err
		}
		sent += len(items)
		left.after = items[len(items)-1].ID
	}
	return nil
}

// replayable reads as many of the next messages as there is room for.
func (s *Server) replayable(ctx context.Context, reason telemetry.Reason, left stretch, most int) ([]telemetry.Quarantined, error) {
	filter := telemetry.QuarantineFilter{Reason: reason, After: left.after, Limit: most, Head: 1, Scope: access.ScopeOf(ctx)}
	heads, err := s.o.Quarantine.List(ctx, filter)
	if err != nil {
		return nil, err
	}
	n, size := 0, 0
	for n < len(heads) && heads[n].ID <= left.until && (n == 0 || size+heads[n].Size <= replayBytes) {
		size += heads[n].Size
		n++
	}
	if n == 0 {
		return nil, nil
	}
	filter.Limit, filter.Head = n, 0
	return s.o.Quarantine.List(ctx, filter)
}
