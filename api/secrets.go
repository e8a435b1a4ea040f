package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
)

// secretsKey is where an operation's metadata keep the names of the members of
// its answer that are shown once.
const secretsKey = "secrets"

// secretsOf collects the members of an answer O that are shown once: those
// tagged once:"true", and all that are called like a secret. Where accounts
// and credentials are dealt with, more names are those of secrets. The same
// members are passed over when two requests are compared.
func secretsOf[O any](row access.Action) []string {
	names := []string{"secret", "password", "token", "claimCode"}
	switch row {
	case access.Public, access.Session, access.AccountManage, access.CredentialManage:
		names = append(names, "key", "link", "uri", "csrf", "current", "present", "next")
	}
	return collectSecrets(reflect.TypeFor[O](), map[reflect.Type]bool{}, names)
}

func collectSecrets(t reflect.Type, seen map[reflect.Type]bool, names []string) []string {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return collectSecrets(t.Elem(), seen, names)
	case reflect.Struct:
	default:
		return names
	}
	if seen[t] {
		return names
	}
	seen[t] = true
	for field := range t.Fields() {
		if field.Tag.Get("once") == "true" {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			names = append(names, name)
		}
		names = collectSecrets(field.Type, seen, names)
	}
	return names
}

// withoutSecrets gives a body as it may lie in the database. One without
// secrets stays as it is, for the entity tag names its very bytes.
func withoutSecrets(op *huma.Operation, body []byte) []byte {
	names, _ := op.Metadata[secretsKey].([]string)
	var value any
	if json.Unmarshal(body, &value) != nil || !strip(value, names) {
		return body
	}
	kept, err := json.Marshal(value)
	if err != nil {
		return nil // cannot be: it has just been read
	}
	return kept
}

// strip removes members at any depth and says whether there were any.
func strip(value any, names []string) (found bool) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			found = strip(element, names) || found
		}
	case map[string]any:
		for name, member := range v {
			if slices.Contains(names, name) {
				delete(v, name)
				found = true
				continue
			}
			found = strip(member, names) || found
		}
	}
	return found
}
