package examples_test

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"cityhub/broker-bridge/codec"
	"cityhub/devices"
	"cityhub/examples"
	"cityhub/telemetry"
)

var update = flag.Bool("update", false, "write the table of docs/models.md anew")

// example is one message of a model's file with what is read from it.
type example struct {
	About      string         `yaml:"about"`
	Port       int            `yaml:"port"`
	Bytes      string         `yaml:"bytes"`
	Payload    map[string]any `yaml:"payload"`
	Readings   map[string]any `yaml:"readings"`
	OutOfRange []string       `yaml:"out_of_range"`
	Warnings   []string       `yaml:"warnings"`
	Error      string         `yaml:"error"`
}

// shipped is a model that comes with the program.
type shipped struct {
	devices.Sensor
	Examples []example
}

func models(t *testing.T) []shipped {
	t.Helper()
	names, err := fs.Glob(examples.Models, "models/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []shipped
	for _, name := range names {
		sensor, err := devices.ReadModel(examples.Models, name)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := fs.ReadFile(examples.Models, name)
		if err != nil {
			t.Fatal(err)
		}
		var more struct{ Examples []example }
		if err := yaml.Unmarshal(raw, &more); err != nil {
			t.Fatal(err)
		}
		if path.Base(name) != sensor.Code+".yaml" {
			t.Errorf("%s holds the model %s", name, sensor.Code)
		}
		all = append(all, shipped{sensor, more.Examples})
	}
	return all
}

// Every message in the models' files is read as the file says, by the runner
// that reads the devices'.
func TestExamples(t *testing.T) {
	runner := codec.New(codec.Limits{Time: 5 * time.Second})
	defer func() {
		if err := runner.Close(); err != nil {
			t.Error(err)
		}
	}()
	tried := 0
	for _, model := range models(t) {
		if model.Codec != "" && len(model.Examples) < 3 {
			t.Errorf("%s has a codec and %d examples; show a good message, a warning and an error", model.Code, len(model.Examples))
		}
		for _, e := range model.Examples {
			tried++
			t.Run(model.Code+"/"+e.About, func(t *testing.T) { e.check(t, runner, &model.Sensor) })
		}
	}
	if tried < 60 {
		t.Errorf("%d examples", tried)
	}
}

func (e *example) check(t *testing.T, runner *codec.Runner, sensor *devices.Sensor) {
	m, warnings, err := e.decode(t.Context(), runner, sensor.Codec)
	var refusal *telemetry.Refusal
	if e.Error != "" {
		if !errors.As(err, &refusal) || refusal.Reason != telemetry.CodecFailed || !strings.Contains(refusal.Detail, e.Error) {
			t.Errorf("error %v, want %q", err, e.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	model := &devices.Model{Sensor: *sensor}
	for _, c := range sensor.Channels {
		if c.Kind == "" {
			c.Kind = devices.Number
		}
		model.Kinds = append(model.Kinds, c.Kind)
	}
	got := example{About: e.About, Port: e.Port, Bytes: e.Bytes, Payload: e.Payload, Readings: map[string]any{}, Warnings: warnings}
	for _, p := range telemetry.Preview(model, &m) {
		if p.Channel == nil || p.Refusal != nil {
			t.Errorf("%s: %v is no reading: %v", p.Key, p.Value, p.Refusal)
			continue
		}
		got.Readings[p.Field.Property] = plain(p.Value)
		if p.Field.Quality&telemetry.OutOfRange != 0 {
			got.OutOfRange = append(got.OutOfRange, p.Field.Property)
		}
	}
	want := *e
	want.Readings = map[string]any{}
	for property, value := range e.Readings {
		want.Readings[property] = float(value)
	}
	slices.Sort(got.OutOfRange)
	slices.Sort(want.OutOfRange)
	if diff := cmp.Diff(&want, &got, cmp.Comparer(func(a, b []string) bool { return slices.Equal(a, b) })); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// decode reads the example's message.
func (e *example) decode(ctx context.Context, runner *codec.Runner, source string) (telemetry.Measurement, []string, error) {
	var m telemetry.Measurement
	if e.Payload != nil {
		for key, value := range e.Payload {
			m.Values = append(m.Values, telemetry.KeyedValue{Key: key, Value: valueOf(value)})
		}
		return m, nil, nil
	}
	frame, err := hex.DecodeString(strings.ReplaceAll(e.Bytes, " ", ""))
	if err != nil {
		return m, nil, err
	}
	result, err := runner.Decode(ctx, source, codec.Uplink{Bytes: frame, FPort: e.Port})
	m.Values = result.Values
	return m, result.Warnings, err
}

func float(value any) any {
	if n, ok := value.(int); ok {
		return float64(n)
	}
	return value
}

func valueOf(value any) telemetry.Value {
	switch v := float(value).(type) {
	case bool:
		return telemetry.BooleanOf(v)
	case float64:
		return telemetry.NumberOf(v)
	}
	return telemetry.TextOf(fmt.Sprint(value))
}

func plain(v telemetry.Value) any {
	switch v.Kind {
	case telemetry.Boolean:
		return v.Num != 0
	case telemetry.Text:
		return v.Text
	}
	return v.Num
}

// One property has one kind and one unit, whichever model measures it.
func TestModelsAgree(t *testing.T) {
	type measured struct {
		kind devices.Kind
		unit string
	}
	first := map[string]measured{}
	for _, model := range models(t) {
		for _, c := range model.Channels {
			is := measured{c.Kind, c.Unit}
			if was, ok := first[c.Property]; ok && was != is {
				t.Errorf("%s: %s is %v, elsewhere %v", model.Code, c.Property, is, was)
			}
			first[c.Property] = is
		}
	}
}

const (
	tableBegins = "<!-- The table is written by: go test ./examples -update -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

// The table in the documentation is the folder's.
func TestTheTableOfModels(t *testing.T) {
	all := models(t)
	if len(all) < 20 {
		t.Errorf("%d models", len(all))
	}
	table := "| model | is | measures | bytes |\n|---|---|---|---|\n"
	for _, model := range all {
		var properties []string
		for _, c := range model.Channels {
			properties = append(properties, c.Property)
		}
		bytes := ""
		if model.Codec != "" {
			bytes = "yes"
		}
		table += fmt.Sprintf("| [`%s`](../examples/models/%s.yaml) | %s | %s | %s |\n", model.Code, model.Code, model.Name, strings.Join(properties, ", "), bytes)
	}
	const file = "../docs/models.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableBegins)
	was, after, closed := strings.Cut(rest, tableEnds)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", file)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+tableBegins+table+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table, was); diff != "" {
		t.Errorf("docs/models.md does not say what the folder holds; run with -update (-want +got):\n%s", diff)
	}
}
