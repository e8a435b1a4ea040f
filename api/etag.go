package api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
)

// tag gives an answer a strong entity tag, its hash, and turns it into 304
// where the caller has it already.
func tag(ctx huma.Context, next func(huma.Context)) {
	next(ctx)
	c := humafiber.Unwrap(ctx)
	if c.Response().StatusCode() != http.StatusOK {
		return
	}
	sum := sha256.Sum256(c.Response().Body())
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	c.Set(fiber.HeaderETag, etag)
	if !has(c.Get(fiber.HeaderIfNoneMatch), etag) {
		return
	}
	c.Response().ResetBody()
	c.Response().Header.Del(fiber.HeaderContentType)
	c.Status(http.StatusNotModified)
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
