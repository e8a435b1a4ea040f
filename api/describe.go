package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// describeWrites lists in the description what is around every write.
func describeWrites(spec *huma.OpenAPI, versions map[string]func(context.Context, int64) (version, error)) {
	for path, item := range spec.Paths {
		collection, _, one := strings.Cut(path, "/{id}")
		for _, op := range []*huma.Operation{item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil || !writes(op) {
				continue
			}
			op.Parameters = append(op.Parameters, headerParameter(headerKey,
				"Names this write, in a way of your own: sent again within 7 days, it is answered as at first and not done again", "01JD3S9V6W3ZK8Q5T0X7N2M4B1"))
			addResponses(op, http.StatusConflict, http.StatusUnprocessableEntity)
			if one && versions[collection] != nil {
				op.Parameters = append(op.Parameters, headerParameter("If-Match",
					"The ETag you have read: the write happens only if nobody changed the entity since", `"Jx1c7m0oXH2yqf3s.9oQ2mC4Zb6n1Yt0a"`))
				addResponses(op, http.StatusPreconditionFailed)
			}
		}
	}
}

func headerParameter(name, about, example string) *huma.Param {
	return &huma.Param{Name: name, In: "header", Description: about, Example: example, Schema: &huma.Schema{Type: huma.TypeString}}
}

// addResponses adds problems that an operation may answer; each has one
// already, whose shape they share.
func addResponses(op *huma.Operation, statuses ...int) {
	shape := op.Responses[strconv.Itoa(http.StatusBadRequest)]
	for _, status := range statuses {
		if code := strconv.Itoa(status); op.Responses[code] == nil {
			op.Responses[code] = &huma.Response{Description: http.StatusText(status), Content: shape.Content}
		}
	}
}
