package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

// Visit is field work at a thing. While it is open, the thing's readings are
// flagged as under maintenance.
type Visit struct {
	ID       int64        `json:"id"`
	ClientID string       `json:"clientId,omitempty" doc:"ULID that the client made"`
	Thing    Ref          `json:"thing" doc:"Code"`
	ThingID  int64        `json:"thingId"`
	Open     bool         `json:"open"`
	OpenedBy string       `json:"openedBy"`
	ClosedBy string       `json:"closedBy,omitempty"`
	Notes    []VisitNote  `json:"notes,omitempty" doc:"Only of one visit"`
	Photos   []VisitPhoto `json:"photos,omitempty" doc:"Only of one visit"`
	VisitBody
}

// VisitBody is what can be edited of a visit.
type VisitBody struct {
	Reason  string     `json:"reason" required:"false" maxLength:"2000"`
	Opened  *time.Time `json:"opened,omitempty" doc:"Now when absent"`
	Closed  *time.Time `json:"closed,omitempty" doc:"Set by closing the visit; can be corrected afterwards"`
	Outcome string     `json:"outcome,omitempty" maxLength:"10000"`
}

// VisitNote is what somebody wrote down.
type VisitNote struct {
	ID       int64     `json:"id"`
	ClientID string    `json:"clientId,omitempty"`
	Time     time.Time `json:"time"`
	Author   string    `json:"author"`
	Text     string    `json:"text"`
}

type openInput struct {
	Body struct {
		ClientID string     `json:"clientId,omitempty" doc:"ULID that the client made; sent again, it answers the same visit"`
		Thing    Ref        `json:"thing" doc:"Code or id"`
		Reason   string     `json:"reason,omitempty" maxLength:"2000"`
		Opened   *time.Time `json:"opened,omitempty" doc:"Now when absent"`
	}
}

type closeInput struct {
	ByID
	Body struct {
		Closed  *time.Time `json:"closed,omitempty" doc:"Now when absent"`
		Outcome string     `json:"outcome,omitempty" maxLength:"10000"`
	}
}

type noteInput struct {
	ByID
	Body struct {
		ClientID string     `json:"clientId,omitempty" doc:"ULID that the client made; sent again, it answers the same note"`
		Time     *time.Time `json:"time,omitempty" doc:"Now when absent"`
		Text     string     `json:"text" minLength:"1" maxLength:"10000"`
	}
}

type visitList struct {
	Paging
	Thing        string `query:"thing" doc:"Code or id"`
	Organisation string `query:"organisation" doc:"Code or id of the thing's owner"`
	Open         string `query:"open" enum:"true,false"`
}

var visiting = rows{access.VisitRead, access.VisitManage}

func (s *Server) visits() {
	n := noun[devices.Visit, Visit, VisitBody]{path: "/visits", one: "visit", access: visiting,
		nouns: s.o.Registry.Visits, id: func(v *devices.Visit) int64 { return v.ID },
		show: s.showVisit, body: visitBody, apply: applyVisit}
	tags, refusals := []string{"visits"}, []int{http.StatusNotFound, http.StatusConflict, http.StatusUnsupportedMediaType}
	register(s, huma.Operation{OperationID: "list-visits", Method: http.MethodGet, Path: base + "/visits",
		Summary: "List visits", Tags: tags, Middlewares: huma.Middlewares{tag},
	}, access.VisitRead, s.listVisits)
	n.read(s)
	n.edit(s)
	register(s, huma.Operation{OperationID: "open-visit", Method: http.MethodPost, Path: base + "/visits",
		Summary: "Open a visit", Tags: tags, DefaultStatus: http.StatusCreated, Errors: refusals[1:],
		Description: "From then on until it is closed the thing's readings are flagged as under maintenance.",
	}, access.VisitManage, s.openVisit)
	register(s, huma.Operation{OperationID: "close-visit", Method: http.MethodPost, Path: base + "/visits/{id}/close",
		Summary: "Close a visit", Tags: tags, Errors: refusals,
		Description: "Closing it again with the same outcome changes nothing.",
	}, access.VisitManage, func(ctx context.Context, in *closeInput) (*shown[Visit], error) {
		v, err := s.o.Registry.CloseVisit(ctx, in.ID, orZero(in.Body.Closed, time.Time{}), in.Body.Outcome)
		if err != nil {
			return nil, err
		}
		out, err := s.showVisit(ctx, s.view(), &v, true)
		return &shown[Visit]{out}, err
	})
	register(s, huma.Operation{OperationID: "add-visit-note", Method: http.MethodPost, Path: base + "/visits/{id}/notes",
		Summary: "Write a note", Tags: tags, DefaultStatus: http.StatusCreated, Errors: refusals,
	}, access.VisitManage, func(ctx context.Context, in *noteInput) (*shown[VisitNote], error) {
		n := devices.VisitNote{ClientID: in.Body.ClientID, VisitID: in.ID, Time: orZero(in.Body.Time, time.Time{}), Text: in.Body.Text}
		err := s.o.Registry.AddNote(ctx, &n)
		return &shown[VisitNote]{showNote(&n)}, err
	})
	s.visitPhotos()
}

func (s *Server) listVisits(ctx context.Context, in *visitList) (*collected[Visit], error) {
	after, err := in.cursor()
	if err != nil {
		return nil, err
	}
	match := map[string]any{}
	if in.Open != "" {
		match["is_open"] = in.Open == "true"
	}
	if in.Thing != "" {
		if match["thing_id"], err = filterID(ctx, s.o.Registry.Things, "thing", in.Thing, thingID); err != nil {
			return nil, err
		}
	}
	of := ctx
	if in.Organisation != "" {
		if of, err = s.within(ctx, in.Organisation); err != nil {
			return nil, err
		}
	}
	visits, more, err := all[devices.Visit](match).page(of, s.o.Registry.Visits, func(v *devices.Visit) int64 { return v.ID }, after, in.Limit)
	if err != nil {
		return nil, err
	}
	v, items, next := s.view(), make([]Visit, len(visits)), ""
	for i := range visits {
		if items[i], err = s.showVisit(ctx, v, &visits[i], false); err != nil {
			return nil, err
		}
	}
	if more {
		next = in.next(visits[len(visits)-1].ID)
	}
	return collection(items, next), nil
}

// within narrows what may be seen to one organisation.
func (s *Server) within(ctx context.Context, organisation string) (context.Context, error) {
	id, err := filterID(ctx, s.o.Registry.Organisations, "organisation", organisation, organisationID)
	if err != nil {
		return nil, err
	}
	scope := access.ScopeOf(ctx)
	narrow := access.Scope{Action: scope.Action, Principal: scope.Principal}
	if scope.Owns(id) {
		narrow.Own = []int64{id}
	}
	return access.WithScope(ctx, &narrow), nil
}

func (s *Server) openVisit(ctx context.Context, in *openInput) (*written[Visit], error) {
	thing, err := find(ctx, s.o.Registry.Things, "thing", in.Body.Thing)
	if err != nil {
		return nil, err
	}
	v := devices.Visit{ClientID: in.Body.ClientID, ThingID: thing.ID, Opened: orZero(in.Body.Opened, time.Time{}), Reason: in.Body.Reason}
	if err := s.o.Registry.OpenVisit(ctx, &v); err != nil {
		return nil, err
	}
	out, err := s.showVisit(ctx, s.view(), &v, true)
	return &written[Visit]{base + "/visits/" + strconv.FormatInt(v.ID, 10), out}, err
}

func visitBody(_ context.Context, _ *view, v *devices.Visit) (VisitBody, error) {
	return VisitBody{Reason: v.Reason, Opened: instant(v.Opened), Closed: instant(v.Closed), Outcome: v.Outcome}, nil
}

func applyVisit(_ context.Context, b *VisitBody, v *devices.Visit) error {
	if b.Opened == nil || (b.Closed == nil) != v.Closed.IsZero() {
		return &devices.FieldError{Field: "closed", Kind: devices.ErrInvalid,
			Detail: "a visit is closed by POST …/close and stays so; opened and closed can be corrected, not removed"}
	}
	if b.Closed == nil && b.Outcome != "" {
		return &devices.FieldError{Field: "outcome", Kind: devices.ErrInvalid, Detail: "comes with closing the visit: POST …/close"}
	}
	v.Reason, v.Outcome = b.Reason, b.Outcome
	v.Opened, v.Closed = orZero(b.Opened, v.Opened), orZero(b.Closed, v.Closed)
	return nil
}

func (s *Server) showVisit(ctx context.Context, v *view, visit *devices.Visit, full bool) (Visit, error) {
	body, _ := visitBody(ctx, v, visit)
	out := Visit{ID: visit.ID, ClientID: visit.ClientID, ThingID: visit.ThingID, Open: visit.Closed.IsZero(),
		OpenedBy: visit.OpenedBy, ClosedBy: visit.ClosedBy, VisitBody: body}
	thing, err := v.things.get(ctx, visit.ThingID)
	out.Thing = Ref(thing.Code)
	if err != nil || !full {
		return out, err
	}
	page := devices.Page{Limit: 1_000, Match: map[string]any{"visit_id": visit.ID}} // which is all that a visit holds
	notes, err := s.o.Registry.VisitNotes.List(ctx, page)
	if err != nil {
		return out, err
	}
	for i := range notes {
		out.Notes = append(out.Notes, showNote(&notes[i]))
	}
	photos, err := s.o.Registry.VisitPhotos.List(ctx, page)
	for i := range photos {
		out.Photos = append(out.Photos, showPhoto(&photos[i]))
	}
	return out, err
}

func showNote(n *devices.VisitNote) VisitNote {
	return VisitNote{ID: n.ID, ClientID: n.ClientID, Time: n.Time.UTC(), Author: n.Author, Text: n.Text}
}
