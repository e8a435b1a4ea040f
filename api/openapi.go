package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

const (
	base        = "/api/v1"
	openAPIPath = "/api/openapi.json"
)

// withHead lets every GET answer HEAD too.
type withHead struct{ fiber.Router }

// Add registers a route.
func (r withHead) Add(method, path string, handlers ...fiber.Handler) fiber.Router {
	if method == http.MethodGet {
		r.Router.Add(http.MethodHead, path, handlers...)
	}
	return r.Router.Add(method, path, handlers...)
}

func (s *Server) describe() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "cityhub", Version: "1",
				Description: "Stations, devices and readings of a city. Times are RFC 3339 in UTC, positions are [longitude, latitude, altitude?] in WGS 84. Every error is problem+json."},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{finishProblem},
	}
}

// finishProblem adds what only the request knows.
func finishProblem(ctx huma.Context, _ string, body any) (any, error) {
	p, ok := body.(*Problem)
	if !ok {
		return body, nil
	}
	finished := *p
	finished.Title = title(p.Status, langOf(ctx.Header("Accept-Language")))
	if p.vi != "" && langOf(ctx.Header("Accept-Language")) == vietnamese {
		finished.Detail = p.vi
	}
	finished.RequestID = requestID(ctx.Context())
	return &finished, nil
}

// checkQuery refuses parameters that the operation does not know.
func (s *Server) checkQuery(ctx huma.Context, next func(huma.Context)) {
	if ctx.Operation().Path == SignOnCallback {
		next(ctx) // what a provider adds of its own must be passed over
		return
	}
	address := ctx.URL()
	given, err := url.ParseQuery(address.RawQuery)
	if err != nil {
		_ = huma.WriteErr(s.api, ctx, http.StatusBadRequest, "the query cannot be read: "+err.Error())
		return
	}
	known := queryNames(ctx.Operation())
	for name, values := range given {
		detail := ""
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			detail = "is not known; this address takes no parameters"
		case !slices.Contains(known, name):
			detail = "is not known; the known ones are: " + strings.Join(known, ", ")
		case len(values) > 1:
			detail = "is given more than once"
		default:
			continue
		}
		_ = huma.WriteErr(s.api, ctx, http.StatusBadRequest, name+" "+detail,
			&huma.ErrorDetail{Location: "query." + name, Message: detail})
		return
	}
	next(ctx)
}

func queryNames(op *huma.Operation) []string {
	var names []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	return names
}

// sealSpec serves the description once every operation is registered. It is
// written when somebody asks: that takes longer than all else of a start.
func (s *Server) sealSpec() {
	describeWrites(s.api.OpenAPI(), s.versions)
	written := sync.OnceValues(func() ([]byte, error) { return json.MarshalIndent(s.api.OpenAPI(), "", "  ") })
	withHead{s.app}.Add(http.MethodGet, openAPIPath, func(c *fiber.Ctx) error {
		spec, err := written()
		if err != nil {
			return fmt.Errorf("describe the API: %w", err)
		}
		c.Set(fiber.HeaderContentType, "application/vnd.oai.openapi+json;version=3.1")
		return c.Send(spec)
	})
}
