// Package oidc asks a provider of identities who somebody is, by OpenID
// Connect's authorization code flow with PKCE. It knows no accounts and no
// routes: it gives the address to send a browser to, and reads what the browser
// brings back. That the provider is away is found out when somebody signs in
// and stops nothing else.
package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	coreos "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"cityhub/access"
)

// Options says which provider is asked, and as whom. Issuer, ClientID,
// Redirect and Now are required.
type Options struct {
	Issuer       string // as the provider writes itself, to the letter
	ClientID     string
	ClientSecret string // "" for a client that has none
	Redirect     string // the address that the provider sends browsers back to
	Now          func() time.Time
}

// The patience with a provider.
const (
	answersWithin = 10 * time.Second
	knownFor      = time.Minute     // after that it is asked anew where its parts are
	awayFor       = 2 * time.Second // that it did not answer counts so long
)

// What goes wrong on the way; sign-in by other means goes on.
var (
	ErrAway   = errors.New("the provider of identities does not answer as it should")
	ErrLapsed = errors.New("the sign-in was not begun in this browser, is used up, or took too long")
	ErrDenied = errors.New("the provider of identities did not let them sign in")
)

// Provider is a provider of identities. It is safe for concurrent use.
type Provider struct {
	o      Options
	client *http.Client
	begun  *flows

	mu    sync.Mutex // held while the provider is asked where its parts are
	known *coreos.Provider
	asked time.Time
	away  error // what it answered last, nil when that was right
}

// New makes a provider; it is asked nothing yet.
func New(o Options) *Provider {
	return &Provider{o: o, client: &http.Client{Timeout: answersWithin}, begun: newFlows(o.Now)}
}

// discover finds out where the provider's parts are.
func (p *Provider) discover(ctx context.Context) (*coreos.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	age := p.o.Now().Sub(p.asked)
	switch {
	case p.away == nil && p.known != nil && age < knownFor:
		return p.known, nil
	case p.away != nil && age < awayFor:
		return nil, p.away
	}
	found, err := coreos.NewProvider(coreos.ClientContext(ctx, p.client), p.o.Issuer)
	p.asked, p.away = p.o.Now(), nil
	if err != nil {
		p.away = fmt.Errorf("%w: %s: %w", ErrAway, p.o.Issuer, err)
		return nil, p.away
	}
	p.known = found
	return found, nil
}

func (p *Provider) config(at *coreos.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: at.Endpoint(),
		RedirectURL: p.o.Redirect, Scopes: []string{coreos.ScopeOpenID, "email", "profile"}}
}

// Begin gives the address to send a browser to, and a ticket that must come
// back with what the browser brings. ErrAway when the provider does not answer.
func (p *Provider) Begin(ctx context.Context) (address, ticket string, err error) {
	at, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	ticket, f := p.begun.begin()
	return p.config(at).AuthCodeURL(f.state, coreos.Nonce(f.nonce), oauth2.S256ChallengeOption(f.verifier)), ticket, nil
}

// Answer is what a browser brings back from the provider.
type Answer struct {
	Ticket string // from Begin, kept by the browser
	State  string
	Code   string
	Issuer string // where the provider names itself
	Error  string // where it let nobody in
}

// Finish says who it is. A ticket counts once and for ten minutes. The errors
// are ErrLapsed, ErrDenied and ErrAway; none has a code or a token in it.
func (p *Provider) Finish(ctx context.Context, answer Answer) (access.Identity, error) {
	f, ok := p.begun.take(answer.Ticket, answer.State)
	if !ok || answer.Issuer != "" && answer.Issuer != p.o.Issuer {
		return access.Identity{}, ErrLapsed
	}
	if answer.Error != "" || answer.Code == "" {
		return access.Identity{}, ErrDenied
	}
	at, err := p.discover(ctx)
	if err != nil {
		return access.Identity{}, err
	}
	ctx = coreos.ClientContext(ctx, p.client)
	tokens, err := p.config(at).Exchange(ctx, answer.Code, oauth2.VerifierOption(f.verifier))
	if err != nil {
		return access.Identity{}, plainly("exchange the code", err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	verified, err := at.Verifier(&coreos.Config{ClientID: p.o.ClientID, Now: p.o.Now}).Verify(ctx, raw)
	if err != nil {
		return access.Identity{}, plainly("verify the identity", err)
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(f.nonce)) != 1 {
		return access.Identity{}, ErrLapsed
	}
	return p.identity(ctx, at, verified, tokens)
}

// plainly says what went wrong. Of what a provider sends with a refusal only
// the code is taken: the rest may be anything.
func plainly(what string, err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return fmt.Errorf("%w: %s: status %d %s", ErrAway, what, refused.Response.StatusCode, refused.ErrorCode)
	}
	return fmt.Errorf("%w: %s: %w", ErrAway, what, err)
}
