package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
)

// Role is a role that a user has.
type Role struct {
	ID int64 `json:"id"`
	RoleBody
}

// RoleBody gives a role in an organisation.
type RoleBody struct {
	Role         string `json:"role" enum:"open-data,viewer,technician,operator,organisation-admin,city-admin,auditor,gateway"`
	Organisation Ref    `json:"organisation,omitempty" doc:"Code or id; absent for the whole city"`
}

type roleInput struct {
	ByID
	Body RoleBody
}

type roleByID struct {
	ByID
	Role int64 `path:"role" minimum:"1"`
}

func (s *Server) roles() {
	path, tags := base+"/users/{id}/roles", []string{"users"}
	register(s, huma.Operation{OperationID: "list-roles", Method: http.MethodGet, Path: path, Summary: "List a user's roles", Tags: tags,
		Errors: []int{http.StatusNotFound},
	}, access.AccountRead, func(ctx context.Context, in *ByID) (*collected[Role], error) {
		found, err := s.o.Accounts.User(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		user, err := s.showUser(ctx, s.view(), &found)
		return collection(user.Roles, ""), err
	})
	register(s, huma.Operation{OperationID: "create-role", Method: http.MethodPost, Path: path, Summary: "Give a user a role", Tags: tags,
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusUnsupportedMediaType},
	}, access.AccountManage, s.createRole)
	register(s, huma.Operation{OperationID: "delete-role", Method: http.MethodDelete, Path: path + "/{role}", Summary: "Take a role from a user", Tags: tags,
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, access.AccountManage, func(ctx context.Context, in *roleByID) (*struct{}, error) {
		return &struct{}{}, s.o.Accounts.RemoveRole(ctx, in.ID, in.Role)
	})
}

func (s *Server) createRole(ctx context.Context, in *roleInput) (*written[Role], error) {
	if _, err := s.o.Accounts.User(ctx, in.ID); err != nil {
		return nil, err
	}
	b, err := s.binding(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	made, err := s.o.Accounts.AddRole(ctx, in.ID, b)
	if err != nil {
		return nil, err
	}
	body, err := showBinding(ctx, s.view(), b)
	id := strconv.FormatInt(in.ID, 10)
	return &written[Role]{Location: base + "/users/" + id + "/roles/" + strconv.FormatInt(made.ID, 10), Body: Role{made.ID, body}}, err
}

// binding resolves what a body names.
func (s *Server) binding(ctx context.Context, body *RoleBody) (access.Binding, error) {
	id, err := s.organisationRef(ctx, "organisation", body.Organisation)
	return access.Binding{Role: access.Role(body.Role), Organisation: id}, err
}

func showBinding(ctx context.Context, v *view, b access.Binding) (RoleBody, error) {
	o, err := v.organisations.get(ctx, b.Organisation)
	return RoleBody{string(b.Role), Ref(o.Code)}, err
}
