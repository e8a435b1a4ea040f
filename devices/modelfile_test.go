package devices_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"cityhub/devices"
)

// A mistake in a model's file is named with its line, its field and the mend.
func TestMistakesInModelFiles(t *testing.T) {
	const good = "code: m\nchannels:\n  - {key: a, property: aa}\n"
	for name, c := range map[string]struct{ text, field, detail string }{
		"no YAML":           {"code: m\n  channels: [", "yaml", "line 2"},
		"two documents":     {good + "---\n" + good, "yaml", "one model a file"},
		"a list":            {"- code: m\n", "yaml", "line 1: is of type array, must be object"},
		"nothing":           {"", "yaml", "cannot be read"},
		"no channels":       {"code: m\n", "channels", "line 1: must be given: a list of 1 to 64 channels"},
		"empty channels":    {"code: m\nchannels: []\n", "channels", "line 2: has 0 elements"},
		"a misspelt field":  {"code: m\nchanels: []\n", "channels", "chanels is not known here"},
		"a bad code":        {"code: a b\n" + good[8:], "code", `line 1: "a b" is not right: 1 to 64 of`},
		"a bad property":    {good + "  - key: b\n    property: B\n", "channels[1].property", "line 5: \"B\" is not right"},
		"no property":       {good + "  - key: b\n    unit: m\n", "channels[1].property", "line 4: must be given"},
		"a bad kind":        {good + "  - {key: b, property: b,\n     kind: integer}\n", "channels[1].kind", "line 5: integer is not right: one of number"},
		"half a range":      {good + "  - {key: b, property: b, range: [1]}\n", "channels[1].range", "at least 2"},
		"a word in a range": {good + "  - {key: b, property: b, range: [1, two]}\n", "channels[1].range[1]", "is of type string, must be null or number: [lower, upper]"},
		"an infinity":       {good + "  - {key: b, property: b, range: [1, .inf]}\n", "yaml", "JSON cannot"},
		"a duration":        {good + "report_interval: 10 minutes\n", "report_interval", "line 4"},
		"a path":            {good + "codec: ../x.js\n", "codec", "line 4"},
		"an example":        {good + "examples:\n  - {about: x, bytes: 0x1}\n", "examples[0].bytes", "line 5"},
	} {
		_, err := devices.ReadModel(fstest.MapFS{"m.yaml": {Data: []byte(c.text)}}, "m.yaml")
		var field *devices.FieldError
		if !errors.As(err, &field) || field.Field != c.field || !strings.Contains(field.Detail, c.detail) {
			t.Errorf("%s: %v, want %s: … %s …", name, err, c.field, c.detail)
		}
	}
	if _, err := devices.ReadModel(fstest.MapFS{"m.yaml": {Data: []byte(good + "examples: [{about: x, bytes: \"00 ff\", readings: {aa: 1}}]\n")}}, "m.yaml"); err != nil {
		t.Error(err)
	}
}

func FuzzReadModel(f *testing.F) {
	f.Add([]byte("code: m\nchannels:\n  - {key: a, property: aa, range: [0, null]}\n"))
	f.Add([]byte("a: &a [*a]\nb: {? [x] : y}\n<<: *a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := devices.ReadModel(fstest.MapFS{"m.yaml": {Data: text}}, "m.yaml")
		if err != nil && !errors.Is(err, devices.ErrInvalid) {
			t.Error(err)
		}
	})
}
