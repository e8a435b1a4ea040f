package api

import (
	"context"

	"cityhub/devices"
)

// Thing is a station, or a vehicle that measures.
type Thing struct {
	ID       int64 `json:"id"`
	Location int64 `json:"location,omitempty" doc:"Where it is now; absent when that is unknown"`
	ThingBody
}

// ThingBody is what can be written of a thing.
type ThingBody struct {
	Code         string   `json:"code" doc:"Unique; A-Z, a-z, 0-9, _ and -"`
	Name         string   `json:"name" required:"false" doc:"The code when absent"`
	Description  string   `json:"description" required:"false"`
	Organisation Ref      `json:"organisation,omitempty" doc:"Code or id of its owner"`
	Mobile       bool     `json:"mobile" required:"false" doc:"Its position comes with its readings"`
	Position     Position `json:"position,omitempty"`
	ClientID     string   `json:"clientId,omitempty" doc:"ULID that you make; a create that is sent again with it answers what is there"`
}

type thingList struct {
	Paging
	Code         string `query:"code"`
	Organisation string `query:"organisation" doc:"Code or id"`
}

func (q *thingList) selection(ctx context.Context, r *devices.Registry) (selection[devices.Thing], error) {
	match := byCode(q.Code)
	if q.Organisation != "" {
		id, err := filterID(ctx, r.Organisations, "organisation", q.Organisation, organisationID)
		if err != nil {
			return selection[devices.Thing]{}, err
		}
		match["organisation_id"] = id
	}
	return all[devices.Thing](match), nil
}

func thingID(t *devices.Thing) int64 { return t.ID }

func (s *Server) things() {
	n := noun[devices.Thing, Thing, ThingBody]{path: "/things", one: "thing", access: field, nouns: s.o.Registry.Things, id: thingID,
		show: func(ctx context.Context, v *view, t *devices.Thing, _ bool) (Thing, error) {
			body, err := thingBody(ctx, v, t)
			return Thing{ID: t.ID, Location: t.LocationID, ThingBody: body}, err
		},
		client: func(b *ThingBody) string { return b.ClientID },
		body:   thingBody, apply: s.applyThing, after: s.placeThing,
	}
	list[thingList](s, n)
	n.read(s)
	n.create(s)
	n.edit(s)
	n.delete(s)
}

func thingBody(ctx context.Context, v *view, t *devices.Thing) (ThingBody, error) {
	b := ThingBody{Code: t.Code, Name: t.Name, Description: t.Description, Mobile: t.Mobile, ClientID: t.ClientID}
	owner, err := v.organisations.get(ctx, t.OrganisationID)
	if err != nil {
		return b, err
	}
	b.Organisation = Ref(owner.Code)
	if t.LocationID != 0 {
		location, err := v.locations.get(ctx, t.LocationID)
		if err != nil {
			return b, err
		}
		b.Position = positionOf(&location.Position)
	}
	return b, nil
}

func (s *Server) applyThing(ctx context.Context, b *ThingBody, t *devices.Thing) (err error) {
	if _, err := b.Position.geo(); err != nil {
		return err
	}
	if b.Position == nil {
		t.LocationID = 0
	}
	t.Code, t.Name, t.Description, t.Mobile, t.ClientID = b.Code, b.Name, b.Description, b.Mobile, b.ClientID
	t.OrganisationID, err = idOf(ctx, s.o.Registry.Organisations, "organisation", b.Organisation, organisationID)
	return err
}

// placeThing gives the thing a location, unless it is there already.
func (s *Server) placeThing(ctx context.Context, b *ThingBody, t devices.Thing) (devices.Thing, error) {
	position, err := b.Position.geo()
	if err != nil || position == nil {
		return t, err
	}
	return s.o.Registry.PlaceThing(ctx, t.ID, *position)
}
