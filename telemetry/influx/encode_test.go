package influx

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"cityhub/geo"
	"cityhub/telemetry"
)

func TestLineProtocol(t *testing.T) {
	number := telemetry.NumberOf
	for name, c := range map[string]struct {
		line telemetry.Line
		want string
	}{
		"plain": {telemetry.Line{Group: 17, Time: 5, ID: 640, Fields: []telemetry.Field{
			{Property: "pm25", Value: number(12.3)}, {Property: "door", Value: telemetry.BooleanOf(true)}}},
			"observation,g=17 pm25=12.3,door=true,hub_id=640i 5\n"},
		"text": {telemetry.Line{Group: 1, Time: -5, Fields: []telemetry.Field{{Property: "s", Value: telemetry.TextOf("a\"b\\c\nd\re\x1b")}}},
			"observation,g=1 s=\"a\\\"b\\\\c\nd\x1bre\x1b\x1b\" -5\n"},
		"flags": {telemetry.Line{Group: 1, Time: 5, Received: 9, Quality: telemetry.Late, Fields: []telemetry.Field{
			{Property: "v", Value: number(1e-9), Quality: telemetry.Stuck}, {Property: "time", Value: number(2), Quality: telemetry.OutOfRange}}},
			"observation,g=1 v=1e-09,hub_q_v=2i,hub_time=2,hub_q_hub_time=1i,hub_q=4i,hub_rt=9i 5\n"},
		"mobile": {telemetry.Line{Group: 1, Time: 5, Received: 9, Position: &geo.Position{Lon: 105.85, Lat: 21.02}},
			"observation,g=1 hub_lon=105.85,hub_lat=21.02 5\n"},
	} {
		got, err := appendLine(nil, &c.line)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %q, %v\nwant %q", name, got, err, c.want)
		}
	}
}

// FuzzNumber wants every number to read back as itself, bit for bit.
func FuzzNumber(f *testing.F) {
	for _, v := range []float64{0, math.Copysign(0, -1), 0.1, -0.05, 1.001, 12.3, 0.001, -1, 1 << 40, 1<<40 - 0.5, 1e-300, 5e-324, 0.30000000000000004} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		for _, v := range []float64{v, math.Round(v*100) / 100, math.Round(v*1000) / 1000} {
			text := string(appendNumber(nil, v))
			if got, err := strconv.ParseFloat(text, 64); !math.IsNaN(v) && (err != nil || math.Float64bits(got) != math.Float64bits(v)) {
				t.Fatalf("%v is written as %s", v, text)
			}
		}
	})
}

// FuzzText wants every text to come back, to stay within its quotes and to
// carry no carriage return.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a\rb", "\x1br", "\x1b\x1b\r", `\"`, "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		kept := string(appendText(nil, s))
		if strings.Contains(kept, "\r") {
			t.Fatalf("%q keeps a carriage return", kept)
		}
		var plain strings.Builder // as InfluxDB reads it
		for i := 0; i < len(kept); i++ {
			if kept[i] == '"' {
				t.Fatalf("%q ends early", kept)
			}
			if kept[i] == '\\' {
				i++
				if i == len(kept) || kept[i] != '"' && kept[i] != '\\' {
					t.Fatalf("%q escapes what needs none", kept)
				}
			}
			plain.WriteByte(kept[i])
		}
		if got := textOf(plain.String()); got != s {
			t.Fatalf("got %q, want %q", got, s)
		}
	})
}

func TestQuestion(t *testing.T) {
	q := question{bucket: "b", from: 0, to: 10, groups: []string{"1", "2", "3"}, fields: []string{`a"${b}\`}}
	want := `from(bucket: "b") |> range(start: 1970-01-01T00:00:00Z, stop: 1970-01-01T00:00:00.00000001Z)` +
		` |> filter(fn: (r) => r._measurement == "observation" and ((r.g == "1" or (r.g == "2" or r.g == "3"))) and (r._field == "a\"\${b}\\"))` + compact
	if got := q.flux(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for range 3 {
		q.groups = append(q.groups, q.groups...)
	}
	if got := q.flux(); !strings.Contains(got, "r.g =~ /^(1|2|3|1|") {
		t.Errorf("many groups: %s", got)
	}
}
