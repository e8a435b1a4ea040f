package oidc

import (
	"context"
	"encoding/json"
	"fmt"

	coreos "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"cityhub/access"
)

// claims are what is read of an identity.
type claims struct {
	Email    string `json:"email"`
	Verified truth  `json:"email_verified"`
	Name     string `json:"preferred_username"`
	FullName string `json:"name"`
}

// truth is a boolean that some providers write as text.
type truth bool

// UnmarshalJSON takes whatever is not clearly true for false.
func (t *truth) UnmarshalJSON(raw []byte) error {
	*t = string(raw) == "true" || string(raw) == `"true"`
	return nil
}

var _ json.Unmarshaler = new(truth)

// identity reads the verified token, and asks the provider for what is not in
// it: many keep the e-mail address for those who ask.
func (p *Provider) identity(ctx context.Context, at *coreos.Provider, token *coreos.IDToken, tokens *oauth2.Token) (access.Identity, error) {
	var c claims
	if err := token.Claims(&c); err != nil {
		return access.Identity{}, fmt.Errorf("%w: read the identity: %w", ErrAway, err)
	}
	if c.Email == "" && at.UserInfoEndpoint() != "" {
		info, err := at.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
		if err != nil {
			return access.Identity{}, plainly("ask about the identity", err)
		}
		if info.Subject != token.Subject {
			return access.Identity{}, fmt.Errorf("%w: it tells of another identity than it was asked about", ErrAway)
		}
		if err := info.Claims(&c); err != nil {
			return access.Identity{}, fmt.Errorf("%w: read about the identity: %w", ErrAway, err)
		}
	}
	return access.Identity{Issuer: token.Issuer, Subject: token.Subject, Email: c.Email, Verified: bool(c.Verified),
		Name: c.Name, FullName: c.FullName}, nil
}
