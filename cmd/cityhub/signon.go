package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"cityhub/access"
	"cityhub/access/oidc"
	"cityhub/api"
	"cityhub/devices"
)

// welcoming are the roles that somebody may get unasked: none that looks after
// others.
var welcoming = []string{string(access.Viewer), string(access.Technician), string(access.Operator)}

// checkSignOn refuses settings of the provider of identities that cannot work.
func (s *serveCommand) checkSignOn(refuse func(flag, format string, args ...any)) {
	if s.OIDCIssuer == "" {
		for flag, value := range map[string]string{"oidc-client-id": s.OIDCClientID, "oidc-client-secret": s.OIDCClientSecret,
			"oidc-default-role": s.OIDCDefaultRole, "oidc-default-org": s.OIDCDefaultOrg} {
			if value != "" {
				refuse(flag, "needs --oidc-issuer, the provider of identities")
			}
		}
		return
	}
	issuer, err := url.Parse(s.OIDCIssuer)
	if err != nil || issuer.Scheme != "https" && !(issuer.Scheme == "http" && loopback(issuer.Hostname())) || issuer.Host == "" {
		refuse("oidc-issuer", "is not an https URL; only a provider on this machine may do with http")
	}
	if s.OIDCClientID == "" {
		refuse("oidc-issuer", "needs --oidc-client-id, the hub's name at the provider")
	}
	if s.PublicURL == "" {
		refuse("oidc-issuer", "needs --public-url: the provider sends browsers back to PUBLIC-URL%s", api.SignOnCallback)
	}
	if (s.OIDCDefaultRole == "") != (s.OIDCDefaultOrg == "") {
		refuse("oidc-default-role", "and --oidc-default-org go together")
	}
	if s.OIDCDefaultRole != "" && !slices.Contains(welcoming, s.OIDCDefaultRole) {
		refuse("oidc-default-role", "%q is not one of %s; other roles are given by an administrator", s.OIDCDefaultRole, strings.Join(welcoming, ", "))
	}
}

// signOn asks the provider nothing yet: it may be away.
func (h *hub) signOn() api.SignOn {
	if h.OIDCIssuer == "" {
		return api.SignOn{}
	}
	on := api.SignOn{Provider: oidc.New(oidc.Options{Issuer: h.OIDCIssuer, ClientID: h.OIDCClientID,
		ClientSecret: h.OIDCClientSecret, Redirect: strings.TrimRight(h.PublicURL, "/") + api.SignOnCallback, Now: time.Now})}
	if h.OIDCDefaultRole != "" {
		on.Newcomers = h.newcomer
	}
	return on
}

// newcomer is the role of whoever has no account yet. The organisation may be
// registered after the hub has started.
func (h *hub) newcomer(ctx context.Context) (access.Binding, error) {
	found, err := h.registry.Organisations.List(ctx, devices.Page{Limit: 1, Match: map[string]any{"code": h.OIDCDefaultOrg}})
	if err != nil {
		return access.Binding{}, err
	}
	if len(found) == 0 {
		return access.Binding{}, fmt.Errorf("--oidc-default-org: organisation %q is not registered; add it", h.OIDCDefaultOrg)
	}
	return access.Binding{Role: access.Role(h.OIDCDefaultRole), Organisation: found[0].ID}, nil
}
