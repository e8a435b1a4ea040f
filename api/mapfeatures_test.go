package api_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shape is what a schema of the description says of an object.
type shape struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Enum                 []any
	Required             []string
	Properties           map[string]*shape
	Items                *shape
	OneOf                []*shape
	AdditionalProperties any
}

// shapes are the schemas by name.
type shapes map[string]*shape

// fits says whether a value is of a shape, and of no more members.
func (all shapes) fits(s *shape, v any) bool {
	if s.Ref != "" {
		s = all[s.Ref[len("#/components/schemas/"):]]
	}
	if len(s.OneOf) > 0 {
		return slices.ContainsFunc(s.OneOf, func(one *shape) bool { return all.fits(one, v) })
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(e any) bool { return cmp.Equal(e, v) }) {
		return false
	}
	kinds, several := s.Type.([]any)
	if !several {
		kinds = []any{s.Type}
	}
	return slices.ContainsFunc(kinds, func(kind any) bool { return all.is(s, kind, v) })
}

func (all shapes) is(s *shape, kind, v any) bool {
	switch v := v.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case string:
		return kind == "string"
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int64(v))
	case []any:
		return kind == "array" && !slices.ContainsFunc(v, func(one any) bool { return !all.fits(s.Items, one) })
	case map[string]any:
		for name, member := range v {
			if s.Properties[name] == nil || !all.fits(s.Properties[name], member) {
				return false
			}
		}
		return kind == "object" && !slices.ContainsFunc(s.Required, func(name string) bool { _, has := v[name]; return !has })
	}
	return false
}

// What the map answers is of the shape that the description says, down to the
// last member: programs are generated from it.
func TestTheMapAnswersAsItIsDescribed(t *testing.T) {
	h := mapCity(t)
	h.send(`{"device":"dev-1","values":{"pm25":7,"open":true,"note":"x"}}`)
	h.post("things", `{"code":"lost","organisation":"HN"}`).want(201)
	h.post("devices", `{"code":"lost-1","model":"air","organisation":"HN"}`).want(201)
	h.post("deployments", `{"device":"lost-1","thing":"lost","from":"2020-01-01T00:00:00Z"}`).want(201)
	h.send(`{"device":"lost-1","values":{"pm25":8}}`)
	var spec struct {
		Components struct{ Schemas shapes }
		Paths      map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct{ Schema *shape }
			}
		}
	}
	check(t, json.Unmarshal(h.get("/api/openapi.json").want(200).body, &spec))
	all := spec.Components.Schemas
	for _, c := range []struct {
		path, query string
		features    int
	}{{"latest", "?property=pm25", 6}, {"latest", "?property=door", 1}, {"latest", "?property=note", 1}, {"latest", "?property=pm25&zone=E&state=stale", 0},
		{"map/clusters", "?property=pm25&zoom=8", 2}, {"map/clusters", "?property=note&zoom=8", 1}, {"map/clusters", "?property=pm25&zoom=22", 5}} {
		s := spec.Paths["/api/v1/"+c.path]["get"].Responses["200"].Content["application/geo+json"].Schema
		answer := h.get(c.path + c.query).want(200).json()
		features := answer["features"].([]any)
		if len(features) != c.features {
			t.Errorf("%s%s: %d features, want %d: %v", c.path, c.query, len(features), c.features, features)
		}
		if s == nil || !all.fits(s, answer) {
			t.Errorf("%s%s is not as described: %v", c.path, c.query, answer)
		}
		answer["more"] = 1.0
		if all.fits(s, answer) {
			t.Errorf("%s%s would be as described with anything in it", c.path, c.query)
		}
	}
}
