package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

// Grant lets an organisation read what belongs to another.
type Grant struct {
	ID int64 `json:"id"`
	GrantBody
}

// GrantBody is what can be written of a grant.
type GrantBody struct {
	Owner    Ref    `json:"owner" doc:"Organisation that grants, by code or id"`
	Reader   Ref    `json:"reader" doc:"Organisation that may read"`
	Thing    Ref    `json:"thing,omitempty" doc:"One of the owner's things; absent for all"`
	Property string `json:"property,omitempty" doc:"One observed property, by code; absent for all"`
}

func (s *Server) grants() {
	path, tags := base+"/grants", []string{"grants"}
	register(s, huma.Operation{OperationID: "list-grants", Method: http.MethodGet, Path: path, Summary: "List what is granted by and to your organisation", Tags: tags},
		access.AccountRead, func(ctx context.Context, in *Paging) (*collected[Grant], error) {
			return pageOf(ctx, s.view(), in, s.o.Accounts.Grants(ctx), func(g *access.Grant) int64 { return g.ID }, showGrant)
		})
	versioned(s, huma.Operation{OperationID: "get-grant", Method: http.MethodGet, Path: path + "/{id}", Summary: "Get one grant", Tags: tags,
		Errors: []int{http.StatusNotFound},
	}, s.o.Accounts.Grant, showGrant, func(g *Grant) GrantBody { return g.GrantBody })
	register(s, huma.Operation{OperationID: "create-grant", Method: http.MethodPost, Path: path, Summary: "Let another organisation read", Tags: tags,
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict, http.StatusUnsupportedMediaType},
	}, access.AccountManage, s.createGrant)
	register(s, huma.Operation{OperationID: "delete-grant", Method: http.MethodDelete, Path: path + "/{id}", Summary: "Take a grant back, with effect at once", Tags: tags,
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, access.AccountManage, func(ctx context.Context, in *ByID) (*struct{}, error) {
		return &struct{}{}, s.o.Accounts.RemoveGrant(ctx, in.ID)
	})
}

func (s *Server) createGrant(ctx context.Context, in *struct{ Body GrantBody }) (*written[Grant], error) {
	g, err := s.grant(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	if g, err = s.o.Accounts.AddGrant(ctx, g); err != nil {
		return nil, err
	}
	out, err := showGrant(ctx, s.view(), &g)
	return &written[Grant]{Location: base + "/grants/" + strconv.FormatInt(g.ID, 10), Body: out}, err
}

// grant resolves what a body names.
func (s *Server) grant(ctx context.Context, body *GrantBody) (g access.Grant, err error) {
	if g.Owner, err = s.organisationRef(ctx, "owner", body.Owner); err != nil {
		return g, err
	}
	if g.Reader, err = s.organisationRef(ctx, "reader", body.Reader); err != nil {
		return g, err
	}
	if body.Thing != "" {
		thing, err := find(ctx, s.o.Registry.Things, "thing", body.Thing)
		if err != nil {
			return g, err
		}
		if thing.OrganisationID != g.Owner {
			return g, &devices.FieldError{Field: "thing", Kind: devices.ErrInvalid, Detail: "does not belong to the owner"}
		}
		g.Thing = thing.ID
	}
	if body.Property != "" {
		if _, known := s.o.Registry.Property(body.Property); !known {
			return g, &devices.FieldError{Field: "property", Kind: devices.ErrInvalid, Detail: "is no observed property"}
		}
		g.Property = body.Property
	}
	return g, nil
}

// showGrant shows the thing by its id: who is granted something need not see
// the thing itself yet.
func showGrant(ctx context.Context, v *view, g *access.Grant) (Grant, error) {
	owner, err := v.organisations.get(ctx, g.Owner)
	if err != nil {
		return Grant{}, err
	}
	reader, err := v.organisations.get(ctx, g.Reader)
	out := Grant{g.ID, GrantBody{Owner: Ref(owner.Code), Reader: Ref(reader.Code), Property: g.Property}}
	if g.Thing != 0 {
		out.Thing = Ref(strconv.FormatInt(g.Thing, 10))
	}
	return out, err
}
