package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"cityhub/access"
	"cityhub/idempotency"
)

// The headers of draft-ietf-httpapi-idempotency-key-header.
const (
	headerKey      = "Idempotency-Key"
	headerReplayed = "Idempotency-Replayed"
)

var keyPattern = regexp.MustCompile(`^[!#-\[\]-~]{1,200}$`) // visible ASCII but " and \

// writes says whether an operation is one that once and guard are around.
// Sending readings is not: what comes again over HTTP is told apart as what
// comes again over MQTT is, by station, property and time, and forgets nothing
// after a week. Trying a codec changes nothing.
func writes(op *huma.Operation) bool {
	switch op.OperationID {
	case "ingest", "try-codec", "try-sensor":
		return false
	}
	return !safe(op.Method)
}

// once is around every write. One that names a key is done once: sent again,
// it gets the first answer. Nobody in particular has no keys of their own, so
// that no stranger is shown another's answer.
func (s *Server) once(ctx huma.Context, next func(huma.Context)) {
	holder := access.PrincipalOf(ctx.Context())
	if ctx.Header(headerKey) == "" || holder.Kind == access.Nobody {
		next(ctx)
		return
	}
	c := humafiber.Unwrap(ctx)
	call, p := callOf(c, ctx.Operation(), holder)
	if p != nil {
		s.refuse(ctx, p)
		return
	}
	turn, answer, err := s.o.Answers.Begin(ctx.Context(), call)
	switch {
	case err != nil:
		s.refuse(ctx, keyProblem(err))
	case answer != nil:
		replay(c, answer)
	default:
		s.take(ctx, next, turn)
	}
}

// callOf reads the key, bare or as the quoted string that the draft asks for.
func callOf(c *fiber.Ctx, op *huma.Operation, holder *access.Principal) (idempotency.Call, *Problem) {
	key := strings.TrimSpace(c.Get(headerKey))
	if inner, ok := strings.CutPrefix(key, `"`); ok {
		key = strings.TrimSuffix(inner, `"`)
	}
	if !keyPattern.MatchString(key) {
		return idempotency.Call{}, badParameter(headerKey, `must be 1 to 200 visible ASCII characters without " and \, such as a UUID or ULID`)
	}
	return idempotency.Call{Principal: fmt.Sprintf("%s/%d", holder.Kind, holder.ID), Key: key,
		Request: c.Method() + " " + c.OriginalURL(), Hash: hashOf(c, op), Once: !repeatable(c)}, nil
}

// repeatable says whether a write that was done leaves the same when it is done
// again: a change of what is there, or what the client named.
func repeatable(c *fiber.Ctx) bool {
	if c.Method() != http.MethodPost {
		return true
	}
	var named struct {
		ClientID string `json:"clientId"`
	}
	return json.Unmarshal(c.Request().Body(), &named) == nil && named.ClientID != ""
}

// hashOf names all that a request asks: another version is another request.
// The boundary of a form is left out, as it is new each time it is sent, and so
// are passwords, which could be guessed from the hash.
func hashOf(c *fiber.Ctx, op *huma.Operation) []byte {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s %s\n%s\n", c.Method(), c.OriginalURL(), c.Get(fiber.HeaderIfMatch)) // a hash takes all
	parts := [][]byte{withoutSecrets(op, c.Request().Body())}
	if _, form, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); err == nil && form["boundary"] != "" {
		parts = bytes.Split(parts[0], []byte(form["boundary"]))
	}
	for _, part := range parts {
		hash.Write(part)
	}
	return hash.Sum(nil)
}

func keyProblem(err error) *Problem {
	switch {
	case errors.Is(err, idempotency.ErrUnderWay):
		p := problem(http.StatusConflict, headerKey+": "+err.Error()+"; ask again in a moment")
		p.after = time.Second
		return p
	case errors.Is(err, idempotency.ErrCutOff):
		return problem(http.StatusConflict, headerKey+": "+err.Error()+"; look at what is there, and send what you still want with a new key")
	case errors.Is(err, idempotency.ErrOther):
		detail := err.Error() + " (method, address, If-Match or body differ); make a new key for a new request"
		return problem(http.StatusUnprocessableEntity, headerKey+": "+detail, FieldProblem{headerKey, detail})
	}
	return problemOf(err)
}

// take does what is asked and keeps the answer. What failed on the hub's side,
// and what may be permitted later, leaves the key free for another try.
func (s *Server) take(ctx huma.Context, next func(huma.Context), turn *idempotency.Turn) {
	kept := false
	background, cancel := context.WithTimeout(context.WithoutCancel(ctx.Context()), 10*time.Second)
	defer cancel()
	defer func() {
		if kept {
			return
		}
		if err := turn.Release(background); err != nil {
			s.o.Log.Error("an idempotency key stays taken until the hub starts again", "request", requestID(ctx.Context()), "error", err)
		}
	}()
	next(ctx)
	c := humafiber.Unwrap(ctx)
	if !final(c.Response().StatusCode()) {
		return
	}
	kept = true
	if err := turn.Settle(background, answerOf(ctx, c)); err != nil {
		s.o.Log.Error("the answer to a write is not kept: sent again, the write is done again", "request", requestID(ctx.Context()), "error", err)
	}
}

func final(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status < http.StatusInternalServerError
}

// answerOf is what is kept of an answer: JSON without its secrets.
func answerOf(ctx huma.Context, c *fiber.Ctx) idempotency.Answer {
	a := idempotency.Answer{Status: c.Response().StatusCode(), Header: map[string]string{}}
	for _, name := range []string{fiber.HeaderLocation, fiber.HeaderETag, fiber.HeaderContentType} {
		if value := c.GetRespHeader(name); value != "" {
			a.Header[name] = value
		}
	}
	// Of what is not JSON nothing is kept: a sheet of labels may show claim codes.
	if media, _, err := mime.ParseMediaType(a.Header[fiber.HeaderContentType]); err == nil && (media == "application/json" || media == problemJSON) {
		a.Body = withoutSecrets(ctx.Operation(), c.Response().Body())
	}
	return a
}

func replay(c *fiber.Ctx, a *idempotency.Answer) {
	for name, value := range a.Header {
		c.Set(name, value)
	}
	if len(a.Body) == 0 {
		c.Response().Header.Del(fiber.HeaderContentType)
	}
	c.Set(headerReplayed, "true")
	c.Status(a.Status).Response().SetBody(a.Body)
}
