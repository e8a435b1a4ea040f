package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/telemetry"
)

const (
	shownPayload = 4 << 10 // of a payload in a list
	replayChunk  = 500     // messages in memory at a time …
	replayBytes  = 8 << 20 // … and bytes of them, save where one alone has more
)

// Quarantined is a message that could not be accepted.
type Quarantined struct {
	ID        int64     `json:"id"`
	Received  time.Time `json:"received"`
	Route     string    `json:"route"`
	Topic     string    `json:"topic,omitempty"`
	Sender    string    `json:"sender,omitempty"`
	Device    string    `json:"device,omitempty"`
	Reason    string    `json:"reason"`
	Detail    string    `json:"detail"`
	Size      int       `json:"size" doc:"Bytes of the payload"`
	Payload   []byte    `json:"payload" doc:"Base64; in a list at most the first 4 KiB"`
	Text      string    `json:"text,omitempty" doc:"The same bytes where they are UTF-8"`
	Truncated bool      `json:"truncated,omitempty"`
}

// QuarantinePage is one page of the quarantine.
type QuarantinePage struct {
	Collection[Quarantined]
	Counts map[string]int64 `json:"counts" doc:"Messages by reason, of the whole quarantine"`
}

type quarantineList struct {
	Paging
	Reason string `query:"reason"`
	Device string `query:"device" doc:"As the message names it"`
}

type quarantinePage struct {
	Link string `header:"Link"`
	Body QuarantinePage
}

type payloadOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *Server) quarantine() {
	tags := []string{"quarantine"}
	register(s, huma.Operation{OperationID: "list-quarantine", Method: http.MethodGet, Path: base + "/quarantine",
		Summary: "Messages that could not be accepted", Tags: tags}, access.QuarantineView, s.listQuarantine)
	register(s, huma.Operation{OperationID: "get-quarantined", Method: http.MethodGet, Path: base + "/quarantine/{id}",
		Summary: "One message that could not be accepted", Tags: tags, Errors: []int{http.StatusNotFound},
	}, access.QuarantineView, func(ctx context.Context, in *ByID) (*shown[Quarantined], error) {
		q, err := s.quarantined(ctx, in.ID)
		return &shown[Quarantined]{showQuarantined(&q)}, err
	})
	register(s, huma.Operation{OperationID: "get-quarantined-payload", Method: http.MethodGet, Path: base + "/quarantine/{id}/payload",
		Summary: "The bytes of a message that could not be accepted", Tags: tags, Errors: []int{http.StatusNotFound},
	}, access.QuarantineView, func(ctx context.Context, in *ByID) (*payloadOutput, error) {
		q, err := s.quarantined(ctx, in.ID)
		if err == nil {
			err = s.disclose(ctx, "payload", "quarantine", q.ID, nil)
		}
		return &payloadOutput{"application/octet-stream", fmt.Sprintf(`attachment; filename="quarantine-%d.bin"`, in.ID), q.Payload}, err
	})
	register(s, huma.Operation{OperationID: "replay-quarantine", Method: http.MethodPost, Path: base + "/quarantine/replay",
		Summary: "Send messages through the intake again", Tags: tags,
		Description: "Those that are accepted now leave the quarantine. Without reason and ids all are sent."}, access.QuarantineReplay, s.replay)
}

func (s *Server) listQuarantine(ctx context.Context, in *quarantineList) (*quarantinePage, error) {
	after, err := in.cursor()
	if err != nil {
		return nil, err
	}
	found, err := s.o.Quarantine.List(ctx, telemetry.QuarantineFilter{Reason: telemetry.Reason(in.Reason), Device: in.Device, After: after, Limit: in.Limit + 1, Head: shownPayload, Scope: access.ScopeOf(ctx)})
	if err != nil {
		return nil, err
	}
	counts, err := s.o.Quarantine.Count(ctx, access.ScopeOf(ctx))
	if err != nil {
		return nil, err
	}
	next := ""
	if len(found) > in.Limit {
		found = found[:in.Limit]
		next = in.next(found[in.Limit-1].ID)
	}
	items := make([]Quarantined, len(found))
	for i := range found {
		items[i] = showQuarantined(&found[i])
	}
	page := collection(items, next)
	out := &quarantinePage{Link: page.Link, Body: QuarantinePage{Collection: page.Body, Counts: map[string]int64{}}}
	for reason, n := range counts {
		out.Body.Counts[string(reason)] = n
	}
	return out, nil
}

// showQuarantined shows a message with as much of its payload as was read.
func showQuarantined(q *telemetry.Quarantined) Quarantined {
	out := Quarantined{ID: q.ID, Received: q.Received.UTC(), Route: q.Route, Topic: q.Topic, Sender: q.Sender, Device: q.Device,
		Reason: string(q.Reason), Detail: q.Detail, Size: q.Size, Payload: q.Payload, Truncated: q.Size > len(q.Payload)}
	whole := q.Payload
	if out.Truncated {
		whole = wholeRunes(whole)
	}
	if utf8.Valid(whole) {
		out.Text = string(whole)
	}
	return out
}

// wholeRunes leaves off a character that a cut went through.
func wholeRunes(text []byte) []byte {
	for back := 1; back <= min(utf8.UTFMax, len(text)); back++ {
		if last := text[len(text)-back:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return text[:len(text)-back]
			}
			break
		}
	}
	return text
}

func (s *Server) quarantined(ctx context.Context, id int64) (telemetry.Quarantined, error) {
	found, err := s.o.Quarantine.List(ctx, telemetry.QuarantineFilter{After: id - 1, Limit: 1, Scope: access.ScopeOf(ctx)})
	if err != nil {
		return telemetry.Quarantined{}, err
	}
	if len(found) == 0 || found[0].ID != id {
		return telemetry.Quarantined{}, fmt.Errorf("quarantine %s: %w", strconv.FormatInt(id, 10), devices.ErrNotFound)
	}
	return found[0], nil
}
