package devices

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"gopkg.in/yaml.v3"
)

// ModelSchema is the JSON Schema of a model's YAML file.
//
//go:embed modelschema.json
var ModelSchema []byte

// modelSchemaName is absolute, or the compiler would ask for the working folder.
const modelSchemaName = "urn:cityhub:model.schema"

// maxFaults is how many mistakes of a file are named at once.
const maxFaults = 5

// fault is one mistake in a file.
type fault struct {
	line          int
	field, detail string
}

// checkModelFile holds a file against the schema. Its error names the first
// mistake's field, and lines and mends of all.
func checkModelFile(root *yaml.Node) error {
	var document any
	if err := root.Decode(&document); err != nil {
		return invalid("yaml", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	text, err := json.Marshal(document)
	if err != nil { // .nan, .inf, keys that are no texts
		return invalid("yaml", "holds what JSON cannot: "+strings.TrimPrefix(err.Error(), "json: "))
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("check a model: %w", err)
	}
	schema, err := compileModelSchema()
	if err != nil {
		return err
	}
	var refused *jsonschema.ValidationError
	if err := schema.Validate(instance); !errors.As(err, &refused) {
		return err
	}
	return told(faultsOf(root, refused, nil))
}

func compileModelSchema() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(ModelSchema))
	if err != nil {
		return nil, fmt.Errorf("model schema: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(modelSchemaName, document); err != nil {
		return nil, fmt.Errorf("model schema: %w", err)
	}
	schema, err := compiler.Compile(modelSchemaName)
	if err != nil {
		return nil, fmt.Errorf("model schema: %w", err)
	}
	return schema, nil
}

func told(faults []fault) error {
	slices.SortStableFunc(faults, func(a, b fault) int { return a.line - b.line })
	var all []string
	for i, f := range faults {
		if i == maxFaults {
			all = append(all, fmt.Sprintf("and %d more", len(faults)-maxFaults))
			break
		}
		text := fmt.Sprintf("line %d: ", f.line)
		if i > 0 {
			text += f.field + " "
		}
		all = append(all, text+f.detail)
	}
	return invalid(faults[0].field, strings.Join(all, ". "))
}

// faultsOf collects the innermost causes.
func faultsOf(root *yaml.Node, e *jsonschema.ValidationError, faults []fault) []fault {
	for _, cause := range e.Causes {
		faults = faultsOf(root, cause, faults)
	}
	if len(e.Causes) > 0 {
		return faults
	}
	at := e.InstanceLocation
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			faults = append(faults, faultAt(root, slices.Concat(at, []string{name}), "is not known here; correct its name or remove it"))
		}
	case *kind.Required:
		for _, name := range k.Missing {
			f := faultAt(root, at, "must be given"+hint(name))
			f.field = fieldName(slices.Concat(at, []string{name}))
			faults = append(faults, f)
		}
	default:
		name := ""
		for _, segment := range at { // the innermost name, not an index
			if _, err := strconv.Atoi(segment); err != nil {
				name = segment
			}
		}
		faults = append(faults, faultAt(root, at, whatIsWrong(k)+hint(name)))
	}
	return faults
}

func whatIsWrong(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("is of type %s, must be %s", k.Got, strings.Join(k.Want, " or "))
	case *kind.Pattern:
		return fmt.Sprintf("%q is not right", k.Got)
	case *kind.Enum:
		return fmt.Sprintf("%v is not right", k.Got)
	case *kind.MinItems:
		return fmt.Sprintf("has %d elements, must have at least %d", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d elements, may have at most %d", k.Got, k.Want)
	}
	return "is not right"
}

// hint is what the schema says of a field.
func hint(name string) string {
	type described struct {
		Properties map[string]struct{ Description string }
	}
	var schema struct {
		described
		Defs map[string]described `json:"$defs"`
	}
	if json.Unmarshal(ModelSchema, &schema) != nil {
		return ""
	}
	for _, d := range []described{schema.described, schema.Defs["channel"], schema.Defs["example"]} {
		if text := d.Properties[name].Description; text != "" {
			return ": " + text
		}
	}
	return ""
}

func faultAt(root *yaml.Node, path []string, detail string) fault {
	return fault{lineOf(root, path), fieldName(path), detail}
}

// fieldName writes a path as channels[2].range.
func fieldName(path []string) string {
	name := ""
	for _, segment := range path {
		switch _, err := strconv.Atoi(segment); {
		case err == nil:
			name += "[" + segment + "]"
		case name == "":
			name = segment
		default:
			name += "." + segment
		}
	}
	if name == "" {
		return "yaml"
	}
	return name
}

// lineOf finds the line of what a path names, or of what is nearest around it.
func lineOf(node *yaml.Node, path []string) int {
	for node.Kind == yaml.DocumentNode || node.Kind == yaml.AliasNode {
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		} else {
			node = node.Content[0]
		}
	}
	if len(path) == 0 {
		return node.Line
	}
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == path[0] {
				return max(node.Content[i].Line, lineOf(node.Content[i+1], path[1:]))
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(path[0]); err == nil && i < len(node.Content) {
			return lineOf(node.Content[i], path[1:])
		}
	}
	return node.Line
}
