package testbed

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

const oidcProviderVersion = "3.51.17" // as scripts/build-oidc-provider has it

// OIDC is a running provider of identities that speaks OpenID Connect. Its
// login form, to which /auth leads, takes the fields id, username and password
// at /login/username.
type OIDC struct {
	Server
	Issuer                 string
	ClientID, ClientSecret string
}

// OIDCUser is somebody whom a provider knows.
type OIDCUser struct {
	ID                 string // the subject
	Username, Password string
	FirstName          string
	LastName           string
	Email              string
	EmailVerified      bool
}

// OIDCProvider starts the provider that scripts/build-oidc-provider made on a
// port of 127.0.0.1. It sends browsers back to redirect alone.
func OIDCProvider(t testing.TB, port int, redirect string, users ...OIDCUser) *OIDC {
	t.Helper()
	cache, err := os.UserCacheDir()
	program := filepath.Join(cache, "cityhub", "oidc-provider-"+oidcProviderVersion)
	if _, missing := os.Stat(program); err != nil || missing != nil {
		absent(t, "sign-in by a provider of identities", "scripts/build-oidc-provider")
	}
	byID := map[string]OIDCUser{}
	for _, u := range users {
		byID[u.ID] = u
	}
	text, err := json.Marshal(byID)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "users.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	server := run(t, &process{
		path: program, dir: dir, args: []string{"-listen", address, "-redirect", redirect, "-users", file},
		answers: func(ctx context.Context) error { return describes(ctx, "http://"+address) },
	})
	return &OIDC{Server: server, Issuer: "http://" + address, ClientID: "web", ClientSecret: "secret"}
}

// describes asks a provider where its parts are.
func describes(ctx context.Context, issuer string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}
