package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// mergePatch applies a JSON merge patch (RFC 7396) to a body. Fields that a
// body of this kind does not have are refused.
func mergePatch[B any](body B, patch map[string]any) (merged B, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return merged, err
	}
	var target map[string]any
	if err := json.Unmarshal(text, &target); err != nil {
		return merged, err
	}
	if text, err = json.Marshal(merge(target, patch)); err != nil {
		return merged, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&merged); err != nil {
		return merged, refusedField(err)
	}
	return merged, nil
}

func merge(target, patch map[string]any) map[string]any {
	if target == nil {
		target = map[string]any{}
	}
	for name, value := range patch {
		switch v := value.(type) {
		case nil:
			delete(target, name)
		case map[string]any:
			inner, _ := target[name].(map[string]any)
			target[name] = merge(inner, v)
		default:
			target[name] = v
		}
	}
	return target
}

// refusedField names the field that a body's decoder stumbled over.
func refusedField(err error) error {
	var known *Problem
	if errors.As(err, &known) {
		return known
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		detail := fmt.Sprintf("must be %s, not %s", kind.Type, kind.Value)
		return problem(http.StatusUnprocessableEntity, kind.Field+": "+detail, FieldProblem{kind.Field, detail})
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		return problem(http.StatusUnprocessableEntity, name+": is no field that can be changed", FieldProblem{name, "is no field that can be changed"})
	}
	return problem(http.StatusUnprocessableEntity, strings.TrimPrefix(err.Error(), "json: "))
}
