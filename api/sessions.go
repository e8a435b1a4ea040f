package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
)

// Session says who asks and what that may do.
type Session struct {
	Kind    string     `json:"kind" doc:"user or key"`
	ID      int64      `json:"id"`
	Name    string     `json:"name"`
	Roles   []RoleBody `json:"roles" nullable:"false"`
	May     []May      `json:"may" nullable:"false" doc:"What the roles permit, by row of the permission table"`
	CSRF    string     `json:"csrf,omitempty" doc:"Of a session: send it as X-CSRF-Token with every change"`
	Expires *time.Time `json:"expires,omitempty" doc:"Of a session: when it ends unless it is used"`
}

// May is one thing that somebody may do.
type May struct {
	Action        string   `json:"action" example:"thing.read"`
	City          bool     `json:"city,omitempty" doc:"With everything in the city"`
	Organisations []string `json:"organisations,omitempty" doc:"With what belongs to these, by code"`
	Published     bool     `json:"published,omitempty" doc:"With what its owner made public"`
	Granted       bool     `json:"granted,omitempty" doc:"With what others granted"`
}

// Credentials are what somebody signs in with.
type Credentials struct {
	Name     string `json:"name" maxLength:"200"`
	Password string `json:"password" maxLength:"256"`
}

// SetUp makes the first account.
type SetUp struct {
	Token    string `json:"token" maxLength:"100" doc:"From the link that the hub printed when it started"`
	Name     string `json:"name" maxLength:"100" doc:"To sign in with"`
	FullName string `json:"fullName,omitempty" maxLength:"200"`
	Password string `json:"password" maxLength:"256" doc:"At least 12 letters"`
}

// PasswordChange changes one's own password.
type PasswordChange struct {
	Current  string `json:"current" maxLength:"256"`
	Password string `json:"password" maxLength:"256" doc:"The new one; at least 12 letters"`
}

type signedIn struct {
	SetCookie    string `header:"Set-Cookie"`
	CacheControl string `header:"Cache-Control"`
	Body         Session
}

type signedOut struct {
	SetCookie string `header:"Set-Cookie"`
}

func (s *Server) sessions() {
	tags := []string{"session"}
	refused := []int{http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusUnsupportedMediaType}
	register(s, huma.Operation{OperationID: "set-up", Method: http.MethodPost, Path: base + "/setup", Tags: tags,
		Summary: "Make the first account, with the link that the hub printed", DefaultStatus: http.StatusCreated,
		Errors: append(refused, http.StatusConflict),
	}, access.Public, s.setUp)
	register(s, huma.Operation{OperationID: "sign-in", Method: http.MethodPost, Path: base + "/session", Tags: tags,
		Summary: "Sign in with name and password", Errors: refused,
	}, access.Public, s.signIn)
	register(s, huma.Operation{OperationID: "get-session", Method: http.MethodGet, Path: base + "/session", Tags: tags,
		Summary: "Who asks, and what that may do",
	}, access.Session, func(ctx context.Context, _ *struct{}) (*signedIn, error) {
		body, err := s.session(ctx, access.PrincipalOf(ctx), callerOf(ctx).session)
		return &signedIn{CacheControl: noStore, Body: body}, err
	})
	register(s, huma.Operation{OperationID: "sign-out", Method: http.MethodDelete, Path: base + "/session", Tags: tags,
		Summary: "Sign out", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusConflict},
	}, access.Session, s.signOut)
	register(s, huma.Operation{OperationID: "change-password", Method: http.MethodPost, Path: base + "/session/password", Tags: tags,
		Summary: "Change one's own password; every session ends", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusConflict, http.StatusTooManyRequests, http.StatusUnsupportedMediaType},
	}, access.Session, s.changePassword)
}

func (s *Server) setUp(ctx context.Context, in *struct{ Body SetUp }) (*signedIn, error) {
	made, err := s.o.Accounts.SetUpFirst(ctx, in.Body.Token, access.Profile{Name: in.Body.Name, FullName: in.Body.FullName},
		in.Body.Password, callerOf(ctx).network())
	if err != nil {
		return nil, err
	}
	token, principal, err := s.o.Accounts.Begin(ctx, made.ID)
	if err != nil {
		return nil, err
	}
	return s.letIn(ctx, token, principal)
}

func (s *Server) signIn(ctx context.Context, in *struct{ Body Credentials }) (*signedIn, error) {
	token, principal, err := s.o.Accounts.SignIn(ctx, in.Body.Name, in.Body.Password, callerOf(ctx).network())
	if err != nil {
		return nil, err
	}
	return s.letIn(ctx, token, principal)
}

func (s *Server) letIn(ctx context.Context, token string, principal *access.Principal) (*signedIn, error) {
	body, err := s.session(ctx, principal, token)
	return &signedIn{SetCookie: cookie(callerOf(ctx).https, token, s.o.Accounts.SessionLasts(token)), CacheControl: noStore, Body: body}, err
}

func (s *Server) signOut(ctx context.Context, _ *struct{}) (*signedOut, error) {
	from := callerOf(ctx)
	if from.session == "" {
		return nil, problem(http.StatusConflict, "this is a key and no session; to end it, DELETE "+base+"/keys/{id}")
	}
	if err := s.o.Accounts.SignOut(ctx, from.session); err != nil {
		return nil, err
	}
	return &signedOut{cookie(from.https, "", time.Unix(0, 0))}, nil
}

func (s *Server) changePassword(ctx context.Context, in *struct{ Body PasswordChange }) (*signedOut, error) {
	from := callerOf(ctx)
	if err := s.o.Accounts.ChangePassword(ctx, in.Body.Current, in.Body.Password, from.network()); err != nil {
		return nil, err
	}
	return &signedOut{cookie(from.https, "", time.Unix(0, 0))}, nil
}

// session shows a principal; token is its session's, "" for a key.
func (s *Server) session(ctx context.Context, p *access.Principal, token string) (Session, error) {
	v := s.view()
	out := Session{Kind: string(p.Kind), ID: p.ID, Name: p.Name, Roles: []RoleBody{}, May: []May{}}
	for _, b := range p.Bindings {
		role, err := showBinding(ctx, v, b)
		if err != nil {
			return out, err
		}
		out.Roles = append(out.Roles, role)
	}
	for _, action := range access.Actions() {
		scope, allowed := p.Scope(action)
		if !allowed || action == access.Public || action == access.Session {
			continue
		}
		may := May{Action: string(action), City: scope.All, Published: scope.Public, Granted: len(scope.Grants) > 0}
		for _, id := range scope.Own {
			o, err := v.organisations.get(ctx, id)
			if err != nil {
				return out, err
			}
			may.Organisations = append(may.Organisations, o.Code)
		}
		out.May = append(out.May, may)
	}
	if token != "" {
		ends := s.o.Accounts.SessionEnds(token).UTC()
		out.CSRF, out.Expires = csrfOf(token), &ends
	}
	return out, nil
}
