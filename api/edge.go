package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"cityhub/access"
)

// The limits of the edge.
const (
	maxBody        = 1 << 20
	maxImportBody  = 32 << 20
	maxPhotoBody   = 10<<20 + 64<<10 // a photo, and the form around it
	maxHeader      = 8 << 10
	readTimeout    = 30 * time.Second
	importTimeout  = 5 * time.Minute
	idleTimeout    = 60 * time.Second
	writeTimeout   = 60 * time.Second
	requestTimeout = 30 * time.Second
	gzipFrom       = 4 << 10
)

// policy lets pages load from the hub alone and run no inline script.
const policy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

var requestIDPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (s *Server) config() fiber.Config {
	return fiber.Config{
		AppName:                      "cityhub",
		BodyLimit:                    maxBody,
		ReadTimeout:                  readTimeout,
		IdleTimeout:                  idleTimeout,
		ReadBufferSize:               maxHeader,
		Immutable:                    true,
		CaseSensitive:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		ErrorHandler:                 s.fail,
	}
}

// hardenEdge sets what Fiber has no option for.
func (s *Server) hardenEdge() {
	server := s.app.Server()
	server.HeaderReceived = limits
	server.SecureErrorLogMessage = true
	next := server.Handler
	server.Handler = func(c *fasthttp.RequestCtx) {
		if s.app.Config().RequestMethods != nil && !knownMethod(string(c.Method())) {
			fc := s.app.AcquireCtx(c)
			defer s.app.ReleaseCtx(fc)
			fc.Set(fiber.HeaderAllow, "GET, HEAD, POST, PATCH, DELETE, OPTIONS")
			_ = s.fail(fc, fiber.NewError(http.StatusMethodNotAllowed))
			return
		}
		next(c)
	}
}

func knownMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return true
	}
	return false
}

// limits are those of one request, known once its header is there. A stream
// or a table has no write timeout: it sets a deadline for every piece.
func limits(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	path, _, _ := strings.Cut(string(h.RequestURI()), "?")
	switch {
	case path == base+"/live", strings.HasSuffix(path, "/proof/live"), path == base+"/devices/export", strings.HasSuffix(path, "/rows.csv"):
		return fasthttp.RequestConfig{}
	case path == base+"/imports" && h.IsPost():
		return fasthttp.RequestConfig{MaxRequestBodySize: maxImportBody, ReadTimeout: importTimeout, WriteTimeout: writeTimeout}
	case strings.HasPrefix(path, base+"/visits/") && strings.HasSuffix(path, "/photos") && h.IsPost():
		return fasthttp.RequestConfig{MaxRequestBodySize: maxPhotoBody, ReadTimeout: importTimeout, WriteTimeout: writeTimeout}
	}
	return fasthttp.RequestConfig{WriteTimeout: writeTimeout}
}

// edge is around every request that could be read.
func (s *Server) edge(c *fiber.Ctx) (err error) {
	id := s.dress(c)
	timeout := requestTimeout
	if c.Path() == base+"/quarantine/replay" {
		timeout = importTimeout
	}
	ctx, cancel := context.WithTimeout(access.WithRequest(s.ctx, id), timeout)
	defer cancel()
	c.SetUserContext(ctx)
	defer func() {
		if fault := recover(); fault != nil {
			s.o.Log.Error("a request made the hub panic", "request", id, "method", c.Method(), "path", c.Path(),
				"fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
			err = s.fail(c, problem(http.StatusInternalServerError, "the hub failed to answer this; its log tells why under the request's id"))
		}
	}()
	if p := refuse(c); p != nil {
		return s.fail(c, p)
	}
	if ctx, err = s.admit(ctx, c); err != nil {
		return s.fail(c, err)
	}
	c.SetUserContext(ctx)
	if err := c.Next(); err != nil {
		return s.fail(c, err)
	}
	compress(c)
	return nil
}

// refuse turns away what no resource should have to deal with.
func refuse(c *fiber.Ctx) *Problem {
	if _, err := url.ParseRequestURI(string(c.Request().RequestURI())); err != nil {
		return problem(http.StatusBadRequest, "the address is not a URL")
	}
	if fault := ambiguous(&c.Request().Header); fault != "" {
		c.Context().SetConnectionClose()
		return problem(http.StatusBadRequest, fault)
	}
	if len(c.Request().Header.ContentEncoding()) > 0 {
		return problem(http.StatusUnsupportedMediaType, "Content-Encoding: compressed bodies are not read; send the body as it is")
	}
	if !safe(c.Method()) && crossOrigin(c) {
		return problem(http.StatusForbidden, "a page of another origin may not change anything here")
	}
	return nil
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// crossOrigin says that a browser sends this for a page that is not the hub's.
func crossOrigin(c *fiber.Ctx) bool {
	switch c.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		origin := c.Get(fiber.HeaderOrigin)
		if origin == "" {
			return false // no browser
		}
		u, err := url.Parse(origin)
		return err != nil || u.Host != string(c.Request().Host())
	}
	return true
}

// requestID is the id of the request that a context belongs to.
func requestID(ctx context.Context) string { return access.RequestOf(ctx) }

// dress sets what every answer carries and gives the request's id.
func (s *Server) dress(c *fiber.Ctx) string {
	id := c.GetRespHeader(fiber.HeaderXRequestID)
	if id != "" {
		return id
	}
	id = c.Get(fiber.HeaderXRequestID)
	if !requestIDPattern.MatchString(id) {
		id = rand.Text()
	}
	c.Set(fiber.HeaderXRequestID, id)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderCacheControl, "no-cache")
	return id
}

// fail answers with a problem; it is Fiber's error handler too, so it may be
// called for requests that could not be read.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	id := s.dress(c)
	p := *problemOf(err)
	s.report(access.WithRequest(s.ctx, id), &p)
	if p.Status == http.StatusNotFound && wantsPage(c) {
		c.Status(p.Status).Response().ResetBody()
		return render(c, s.templates, "missing.html", nil)
	}
	p.RequestID = id
	p.Title = title(p.Status, langOf(c.Get(fiber.HeaderAcceptLanguage)))
	body, err := json.Marshal(&p)
	if err != nil {
		return err
	}
	if p.after > 0 {
		c.Set(fiber.HeaderRetryAfter, retryAfter(p.after))
	}
	c.Response().ResetBody()
	c.Status(p.Status).Set(fiber.HeaderContentType, problemJSON)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptLanguage)
	return c.Send(body)
}

// compress packs large answers. Those with an entity tag stay as they are, for
// the tag names their very bytes.
func compress(c *fiber.Ctx) {
	r := c.Response()
	if r.IsBodyStream() || r.StatusCode() != http.StatusOK || len(r.Header.Peek(fiber.HeaderETag)) > 0 || len(r.Body()) < gzipFrom {
		return
	}
	c.Vary(fiber.HeaderAcceptEncoding)
	if !c.Request().Header.HasAcceptEncoding("gzip") {
		return
	}
	r.SetBodyRaw(fasthttp.AppendGzipBytesLevel(nil, r.Body(), fasthttp.CompressBestSpeed))
	r.Header.SetContentEncoding("gzip")
}
