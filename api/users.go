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

// User is a person's account.
type User struct {
	ID int64 `json:"id"`
	UserBody
	Roles   []Role    `json:"roles" nullable:"false"`
	Created time.Time `json:"created"`
}

// UserBody is what can be written of a user.
type UserBody struct {
	Name     string `json:"name" doc:"To sign in with; a-z, 0-9, '.', '_', '@', '+' and '-'"`
	FullName string `json:"fullName,omitempty"`
	Email    string `json:"email,omitempty"`
	Disabled bool   `json:"disabled,omitempty" doc:"Cannot sign in; every session ends"`
}

// NewUser is a user to be made.
type NewUser struct {
	UserBody
	Password string     `json:"password,omitempty" doc:"At least 12 letters; without one nobody can sign in by it"`
	Roles    []RoleBody `json:"roles,omitempty" doc:"At least one in your organisation, unless you look after the city"`
}

// EditedUser is what a PATCH of a user may change.
type EditedUser struct {
	UserBody
	Password string `json:"password,omitempty" doc:"A new one; every session ends"`
}

func (s *Server) users() {
	path, tags := base+"/users", []string{"users"}
	register(s, huma.Operation{OperationID: "list-users", Method: http.MethodGet, Path: path, Summary: "List users", Tags: tags},
		access.AccountRead, func(ctx context.Context, in *Paging) (*collected[User], error) {
			return pageOf(ctx, s.view(), in, s.o.Accounts.Users(ctx), func(u *access.Account) int64 { return u.ID }, s.showUser)
		})
	versioned(s, huma.Operation{OperationID: "get-user", Method: http.MethodGet, Path: path + "/{id}", Summary: "Get one user", Tags: tags,
		Errors: []int{http.StatusNotFound},
	}, s.o.Accounts.User, s.showUser, userState)
	register(s, huma.Operation{OperationID: "create-user", Method: http.MethodPost, Path: path, Summary: "Create a user", Tags: tags,
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict, http.StatusUnsupportedMediaType},
	}, access.AccountManage, s.createUser)
	register(s, huma.Operation{OperationID: "edit-user", Method: http.MethodPatch, Path: path + "/{id}", Summary: "Change a user", Tags: tags,
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusUnsupportedMediaType},
	}, access.AccountManage, s.editUser)
	register(s, huma.Operation{OperationID: "delete-user", Method: http.MethodDelete, Path: path + "/{id}", Summary: "Delete a user", Tags: tags,
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, access.AccountManage, func(ctx context.Context, in *ByID) (*struct{}, error) {
		return &struct{}{}, s.o.Accounts.RemoveUser(ctx, in.ID)
	})
}

func (s *Server) createUser(ctx context.Context, in *struct{ Body NewUser }) (*written[User], error) {
	var bindings []access.Binding
	for i := range in.Body.Roles {
		b, err := s.binding(ctx, &in.Body.Roles[i])
		if err != nil {
			return nil, err
		}
		bindings = append(bindings, b)
	}
	made, err := s.o.Accounts.AddUser(ctx, access.Profile(in.Body.UserBody), in.Body.Password, bindings)
	if err != nil {
		return nil, err
	}
	out, err := s.showUser(ctx, s.view(), &made)
	return &written[User]{Location: base + "/users/" + strconv.FormatInt(made.ID, 10), Body: out}, err
}

type editUserInput struct {
	ByID
	Body map[string]any `doc:"JSON merge patch (RFC 7396): name, fullName, email, disabled, password"`
}

// writtenUser is what can be written of a user, at its address and below.
type writtenUser struct {
	UserBody
	Roles []Role `json:"roles"`
}

func userState(u *User) writtenUser { return writtenUser{u.UserBody, u.Roles} }

func (s *Server) editUser(ctx context.Context, in *editUserInput) (*entity[User], error) {
	old, err := s.o.Accounts.User(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	body := EditedUser{UserBody: UserBody{old.Name, old.FullName, old.Email, old.Disabled}}
	if body, err = mergePatch(body, in.Body); err != nil {
		return nil, err
	}
	next, err := s.o.Accounts.EditUser(ctx, in.ID, access.Profile(body.UserBody), body.Password)
	if err != nil {
		return nil, err
	}
	now, err := versionOf(ctx, s, base+"/users/{id}", &next, s.showUser, userState)
	if err != nil {
		return nil, err
	}
	return &entity[User]{now.state, now.shown.(User)}, nil
}

func (s *Server) showUser(ctx context.Context, v *view, u *access.Account) (User, error) {
	out := User{ID: u.ID, UserBody: UserBody{u.Name, u.FullName, u.Email, u.Disabled}, Roles: []Role{}, Created: u.Created}
	for _, r := range u.Roles {
		body, err := showBinding(ctx, v, r.Binding)
		if err != nil {
			return out, err
		}
		out.Roles = append(out.Roles, Role{r.ID, body})
	}
	return out, nil
}

// pageOf cuts a page out of what is in memory, by id.
func pageOf[T, W any](ctx context.Context, v *view, paging *Paging, all []T, id func(*T) int64, show func(context.Context, *view, *T) (W, error)) (*collected[W], error) {
	after, err := paging.cursor()
	if err != nil {
		return nil, err
	}
	items, next := []W{}, ""
	for i := range all {
		if id(&all[i]) <= after {
			continue
		}
		if len(items) == paging.Limit {
			next = paging.next(id(&all[i-1]))
			break
		}
		one, err := show(ctx, v, &all[i])
		if err != nil {
			return nil, err
		}
		items = append(items, one)
	}
	return collection(items, next), nil
}

// organisationRef resolves an organisation that may be left out.
func (s *Server) organisationRef(ctx context.Context, field string, ref Ref) (int64, error) {
	return idOf(ctx, s.o.Registry.Organisations, field, ref, func(o *devices.Organisation) int64 { return o.ID })
}
