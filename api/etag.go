package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
)

// tag gives an answer a strong entity tag and turns it into 304 where the
// caller has it already.
func tag(ctx huma.Context, next func(huma.Context)) {
	next(ctx)
	c := humafiber.Unwrap(ctx)
	if c.Response().StatusCode() != http.StatusOK {
		return
	}
	etag := tagOf(c)
	c.Set(fiber.HeaderETag, etag)
	if !has(c.Get(fiber.HeaderIfNoneMatch), etag) {
		return
	}
	c.Response().ResetBody()
	c.Response().Header.Del(fiber.HeaderContentType)
	c.Status(http.StatusNotModified)
}

// tagOf is the hash of an answer's bytes. Where the handler said the entity's
// state, that stands before it, as "state.hash": the whole names these very
// bytes, so that 304 is true also of what devices report; the first part names
// what can be written, and If-Match looks at that alone.
func tagOf(c *fiber.Ctx) string {
	hash := short(c.Response().Body())
	if state := c.GetRespHeader(fiber.HeaderETag); state != "" {
		return `"` + state + "." + hash + `"`
	}
	return `"` + hash + `"`
}

// finishTag gives the answer to a write the tag that GET would answer.
func finishTag(c *fiber.Ctx) {
	if c.GetRespHeader(fiber.HeaderETag) != "" {
		c.Set(fiber.HeaderETag, tagOf(c))
	}
}

// has says whether an If-None-Match header names a tag; the comparison is weak
// (RFC 9110, 13.1.2).
func has(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
			return true
		}
	}
	return false
}
