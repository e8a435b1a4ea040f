package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/access/oidc"
)

// SignOn is signing in by a provider of identities.
type SignOn struct {
	Provider  *oidc.Provider   // nil: there is none
	Newcomers access.Newcomers // nil: only whoever has an account is let in
}

// SignOnCallback is the path below the hub's public address that the provider
// sends browsers back to.
const SignOnCallback = base + "/session/oidc/callback"

const signOnPath = base + "/session/oidc"

// ticketLasts is how long a browser keeps the ticket of a sign-in under way.
const ticketLasts = 10 * time.Minute

// sentOn sends a browser to another address.
type sentOn struct {
	Location     string `header:"Location"`
	SetCookie    string `header:"Set-Cookie"`
	CacheControl string `header:"Cache-Control"`
}

// broughtBack is what a browser brings from the provider, as OpenID Connect
// and RFC 9207 name it.
type broughtBack struct {
	State  string `query:"state"`
	Code   string `query:"code"`
	Issuer string `query:"iss"`
	Error  string `query:"error"`
}

func (s *Server) signingOn() {
	tags := []string{"session"}
	register(s, huma.Operation{OperationID: "sign-on", Method: http.MethodGet, Path: signOnPath, Tags: tags,
		Summary:     "Sign in by the provider of identities: sends the browser there",
		Description: "For browsers. When the provider is away, the browser is sent to the sign-in page, which says so.",
		Errors:      []int{http.StatusNotFound}, DefaultStatus: http.StatusSeeOther,
	}, access.Public, s.signOn)
	register(s, huma.Operation{OperationID: "sign-on-callback", Method: http.MethodGet, Path: SignOnCallback, Tags: tags,
		Summary:     "Where the provider of identities sends the browser back to",
		Description: "Makes the session and sends the browser to the hub's first page, or to the sign-in page with what went wrong.",
		Errors:      []int{http.StatusNotFound}, DefaultStatus: http.StatusSeeOther,
	}, access.Public, s.signOnCallback)
}

var errNoProvider = problem(http.StatusNotFound, "the hub has no provider of identities; sign in with name and password at /sign-in")

func (s *Server) signOn(ctx context.Context, _ *struct{}) (*sentOn, error) {
	if s.o.SignOn.Provider == nil {
		return nil, errNoProvider
	}
	address, ticket, err := s.o.SignOn.Provider.Begin(ctx)
	if err != nil {
		return s.notIn(ctx, err)
	}
	return &sentOn{Location: address, CacheControl: noStore,
		SetCookie: ticketCookie(callerOf(ctx).https, ticket)}, nil
}

func (s *Server) signOnCallback(ctx context.Context, in *broughtBack) (*sentOn, error) {
	if s.o.SignOn.Provider == nil {
		return nil, errNoProvider
	}
	from := callerOf(ctx)
	who, err := s.o.SignOn.Provider.Finish(ctx, oidc.Answer{Ticket: from.ticket, State: in.State, Code: in.Code, Issuer: in.Issuer, Error: in.Error})
	if err != nil {
		return s.notIn(ctx, err)
	}
	token, _, err := s.o.Accounts.SignInAs(ctx, who, s.o.SignOn.Newcomers)
	if err != nil {
		return s.notIn(ctx, err)
	}
	// The ticket is used up; its cookie goes by itself.
	return &sentOn{Location: "/", CacheControl: noStore, SetCookie: cookie(from.https, token, s.o.Accounts.SessionLasts(token))}, nil
}

// notIn sends a browser to the sign-in page, which says what to do next. The
// log says what is not for people.
func (s *Server) notIn(ctx context.Context, err error) (*sentOn, error) {
	trouble := ""
	for _, known := range []struct {
		kind error
		word string
	}{
		{oidc.ErrAway, "providerAway"}, {oidc.ErrLapsed, "providerLapsed"}, {oidc.ErrDenied, "providerDenied"},
		{access.ErrStranger, "providerStranger"}, {access.ErrUnverified, "providerUnverified"},
		{access.ErrDisabled, "providerDisabled"}, {access.ErrNameTaken, "providerTaken"},
	} {
		if errors.Is(err, known.kind) {
			trouble = known.word
			break
		}
	}
	if trouble == "" {
		return nil, err
	}
	level := slog.LevelInfo
	if errors.Is(err, oidc.ErrAway) {
		level = slog.LevelWarn
	}
	s.o.Log.Log(ctx, level, "somebody was not signed in by the provider of identities", "request", requestID(ctx), "error", err)
	return &sentOn{Location: "/sign-in?" + url.Values{"trouble": {trouble}}.Encode(), CacheControl: noStore,
		SetCookie: ticketCookie(callerOf(ctx).https, "")}, nil
}

// ticketName binds the cookie to the host where https permits it.
func ticketName(https bool) string { return cookieName(https) + "-sign-on" }

// ticketCookie is Lax, for the browser comes from the provider's pages; it is
// good for one sign-in and for nothing else.
func ticketCookie(https bool, ticket string) string {
	c := http.Cookie{Name: ticketName(https), Value: ticket, Path: "/", HttpOnly: true, Secure: https,
		SameSite: http.SameSiteLaxMode, MaxAge: int(ticketLasts.Seconds())}
	if ticket == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// signOnWords are the texts about the provider on the sign-in page.
func signOnWords() map[string][2]string {
	return map[string][2]string{
		"signOn": {"Sign in with the organisation's account", "Đăng nhập bằng tài khoản của đơn vị"},
		"providerAway": {"The organisation's sign-in does not answer. Try again in a moment, or sign in here with name and password.",
			"Hệ thống đăng nhập của đơn vị không phản hồi. Hãy thử lại sau ít phút, hoặc đăng nhập tại đây bằng tên và mật khẩu."},
		"providerLapsed": {"That sign-in took too long, was used already, or was begun in another browser. Begin it again here.",
			"Lượt đăng nhập đó đã quá lâu, đã được dùng, hoặc bắt đầu ở trình duyệt khác. Hãy bắt đầu lại tại đây."},
		"providerDenied": {"The organisation's sign-in did not let you through. Try again, or ask those who run it.",
			"Hệ thống đăng nhập của đơn vị không cho phép. Hãy thử lại, hoặc hỏi bộ phận quản lý hệ thống đó."},
		"providerStranger": {"You have no account here yet. Ask an administrator to make one with your e-mail address.",
			"Bạn chưa có tài khoản ở đây. Hãy nhờ quản trị viên tạo tài khoản với địa chỉ e-mail của bạn."},
		"providerUnverified": {"The organisation's sign-in does not vouch for your e-mail address. Confirm the address there, then sign in again.",
			"Hệ thống đăng nhập của đơn vị chưa xác nhận địa chỉ e-mail của bạn. Hãy xác nhận địa chỉ ở đó rồi đăng nhập lại."},
		"providerDisabled": {"Your account here is disabled. Ask an administrator to enable it.",
			"Tài khoản của bạn ở đây đã bị khóa. Hãy nhờ quản trị viên mở lại."},
		"providerTaken": {"Another account here has your name or e-mail address. Ask an administrator to look at both.",
			"Một tài khoản khác ở đây có tên hoặc địa chỉ e-mail của bạn. Hãy nhờ quản trị viên xem lại cả hai."},
	}
}
