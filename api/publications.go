package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

// PublicationBody says which datastreams are published how.
type PublicationBody struct {
	Publication  string `json:"publication" enum:"private,internal,public"`
	Organisation Ref    `json:"organisation,omitempty" doc:"Only of its things: code or id"`
	Thing        Ref    `json:"thing,omitempty" doc:"Only of this thing: code or id"`
	Property     string `json:"property,omitempty" doc:"Only of this property: code"`
}

// Publications tells what a publishing came to.
type Publications struct {
	Changed int `json:"changed" doc:"Datastreams of which the publication is another now"`
}

type publicationInput struct{ Body PublicationBody }

func (s *Server) publishing() {
	register(s, huma.Operation{OperationID: "publish", Method: http.MethodPost, Path: base + "/publications",
		Summary: "Publish readings, or take them back", Tags: []string{"datastreams"},
		Description: "Sets who may see the readings of all datastreams of an organisation, a thing or a property, or of everything that the caller looks after.",
		Errors:      []int{http.StatusNotFound, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity},
	}, access.ReadingPublish, s.publish)
}

func (s *Server) publish(ctx context.Context, in *publicationInput) (*shown[Publications], error) {
	r, b := s.o.Registry, &in.Body
	shelf := devices.Shelf{Property: b.Property}
	var err error
	if shelf.Organisation, err = idOf(ctx, r.Organisations, "organisation", b.Organisation, organisationID); err != nil {
		return nil, err
	}
	if scope := access.ScopeOf(ctx); shelf.Organisation != 0 && !scope.Owns(shelf.Organisation) {
		return nil, problem(http.StatusForbidden, "organisation: what it measures is published by its own administrators")
	}
	if shelf.Thing, err = idOf(ctx, r.Things, "thing", b.Thing, thingID); err != nil {
		return nil, err
	}
	changed, err := r.Publish(ctx, shelf, access.Publication(b.Publication))
	return &shown[Publications]{Publications{changed}}, err
}
