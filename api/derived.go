package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// derivedOutput is an answer that was worked out of readings. That of a span
// which is over has a tag.
type derivedOutput struct {
	Status       int
	ContentType  string `header:"Content-Type"`
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

// seal completes the answer: with a tag, or as what the caller has, where
// nothing but late readings can change it.
func (o *derivedOutput) seal(known string, closed bool) {
	o.Status, o.CacheControl = http.StatusOK, "private, no-cache"
	if !closed {
		return
	}
	o.ETag = `"` + short(o.Body) + `"`
	if has(known, o.ETag) {
		o.Status, o.ContentType, o.Body = http.StatusNotModified, "", nil
	}
}

// derivedResponses describes the answers with a derivedOutput: JSON of a shape
// with an example, and other media.
func (s *Server) derivedResponses(shape any, example string, others ...string) map[string]*huma.Response {
	var value any
	if err := json.Unmarshal([]byte(example), &value); err != nil {
		panic("api: an example is not JSON: " + err.Error())
	}
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(shape), true, "")
	content := map[string]*huma.MediaType{"application/json": {Schema: schema, Example: value}}
	for _, media := range slices.Compact(others) {
		content[media] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return map[string]*huma.Response{"200": {Description: "OK", Content: content}, "304": {Description: "As the caller has it"}}
}
