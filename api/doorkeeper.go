package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"cityhub/access"
)

// Doorkeeper tells who somebody is by what they show. It answers an error of
// the kind access.ErrCredentials when that is worth nothing.
type Doorkeeper interface {
	BySession(ctx context.Context, token string) (*access.Principal, error)
	ByKey(ctx context.Context, key string) (*access.Principal, error)
	ByDevice(ctx context.Context, code, secret string) (*access.Principal, error)
}

// caller is what a request tells of where it comes from.
type caller struct {
	address netip.Addr
	https   bool
	host    string // by which the caller reaches the hub
	session string // the cookie's token, when that is what let the caller in
	ticket  string // of a sign-in by the provider under way
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// csrfHeader must come with what a browser's session writes: another site can
// make a browser send the cookie, but not this.
const csrfHeader = "X-CSRF-Token"

// csrfOf is the header's value in a session.
func csrfOf(token string) string {
	sum := sha256.Sum256([]byte("csrf " + token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// admit finds out who asks and notes it, so that no request runs as the hub
// itself. Wrong credentials are refused and never count as none.
func (s *Server) admit(ctx context.Context, c *fiber.Ctx) (context.Context, error) {
	from := s.caller(c)
	principal, err := s.identify(ctx, c, &from)
	if err != nil {
		return ctx, s.turnAway(c, &from, err)
	}
	if err := s.limit(c, principal, from.address); err != nil {
		return ctx, err
	}
	if from.session != "" && !safe(c.Method()) &&
		subtle.ConstantTimeCompare([]byte(c.Get(csrfHeader)), []byte(csrfOf(from.session))) != 1 {
		return ctx, problem(http.StatusForbidden, "a change by a session needs the header "+csrfHeader+" with the csrf of GET "+base+"/session")
	}
	from.ticket = c.Cookies(ticketName(from.https))
	ctx = context.WithValue(ctx, callerKey{}, from)
	return access.WithPrincipal(ctx, principal), nil
}

// identify takes the Authorization header before the cookie.
func (s *Server) identify(ctx context.Context, c *fiber.Ctx, from *caller) (*access.Principal, error) {
	if header := c.Get(fiber.HeaderAuthorization); header != "" {
		return s.byHeader(ctx, header)
	}
	token := c.Cookies(cookieName(from.https))
	if token == "" || cookieless(c) {
		return access.AnonymousPrincipal(), nil
	}
	from.session = token
	return s.o.Doorkeeper.BySession(ctx, token)
}

func (s *Server) byHeader(ctx context.Context, header string) (*access.Principal, error) {
	scheme, rest, _ := strings.Cut(header, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return s.o.Doorkeeper.ByKey(ctx, rest)
	case strings.EqualFold(scheme, "Basic"):
		text, err := base64.StdEncoding.DecodeString(rest)
		code, secret, both := strings.Cut(string(text), ":")
		if err != nil || !both {
			return nil, problem(http.StatusUnauthorized, "Authorization: Basic takes base64 of a device's code, a colon and its secret")
		}
		return s.o.Doorkeeper.ByDevice(ctx, code, secret)
	}
	return nil, problem(http.StatusUnauthorized, "Authorization takes Bearer with a key, or Basic with a device's code and secret")
}

// cookieless are the addresses at which a cookie does not count, so that
// somebody whose session is over can sign in again.
func cookieless(c *fiber.Ctx) bool {
	switch path := c.Path(); path {
	case base + "/session", base + "/setup":
		return c.Method() == http.MethodPost
	case "/", "/status", "/sign-in", "/set-up", signOnPath, SignOnCallback, "/api/docs", openAPIPath:
		return true
	default:
		return strings.HasPrefix(path, "/page/") || strings.HasPrefix(path, appAssets)
	}
}

// turnAway answers who could not be let in, at the pace of those who show
// nothing, and takes a cookie that is worth nothing away.
func (s *Server) turnAway(c *fiber.Ctx, from *caller, err error) error {
	if limited := s.limit(c, access.AnonymousPrincipal(), from.address); limited != nil {
		return limited
	}
	p := problemOf(err)
	if p.Status != http.StatusUnauthorized {
		return err
	}
	challenge := `Bearer realm="cityhub"`
	if strings.HasPrefix(strings.ToLower(c.Get(fiber.HeaderAuthorization)), "basic ") {
		challenge = `Basic realm="cityhub", charset="UTF-8"`
	}
	c.Set(fiber.HeaderWWWAuthenticate, challenge)
	if from.session != "" && errors.Is(err, access.ErrCredentials) {
		c.Set(fiber.HeaderSetCookie, cookie(from.https, "", time.Unix(0, 0)))
	}
	return p
}

// cookieName binds the cookie to the host where https permits it.
func cookieName(https bool) string {
	if https {
		return "__Host-cityhub"
	}
	return "cityhub"
}

// cookie writes the session's cookie; one without a token takes it away.
func cookie(https bool, token string, ends time.Time) string {
	c := http.Cookie{Name: cookieName(https), Value: token, Path: "/", HttpOnly: true, Secure: https,
		SameSite: http.SameSiteStrictMode, Expires: ends}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String()
}
