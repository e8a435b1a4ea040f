package api

import (
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
)

// permit lets a request pass if its principal may do what a row of the
// permission table stands for, with the scope in which that holds. It comes
// before anything of the request's body is looked at.
func (s *Server) permit(row access.Action) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		principal := access.PrincipalOf(ctx.Context())
		scope, allowed := principal.Scope(row)
		if !allowed {
			s.deny(ctx, principal, row)
			return
		}
		next(huma.WithContext(ctx, access.WithScope(ctx.Context(), &scope)))
	}
}

func (s *Server) deny(ctx huma.Context, principal *access.Principal, row access.Action) {
	p := problem(http.StatusForbidden, "none of your roles permits this ("+string(row)+"); ask an administrator of your organisation")
	if principal.Kind == access.Nobody {
		p = problem(http.StatusUnauthorized, "this is not open to everybody: sign in, or send a key as Authorization: Bearer KEY")
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="cityhub"`)
	}
	p.RequestID = requestID(ctx.Context())
	p.Title = title(p.Status, langOf(ctx.Header("Accept-Language")))
	body, err := json.Marshal(p)
	if err != nil { // a problem always has a JSON form
		panic(err)
	}
	ctx.SetHeader("Content-Type", problemJSON)
	ctx.SetHeader("Vary", "Accept-Language")
	ctx.SetStatus(p.Status)
	if _, err := ctx.BodyWriter().Write(body); err != nil {
		s.o.Log.Error("a denial could not be written", "error", err)
	}
}
