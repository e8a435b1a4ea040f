package payload

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cityhub/telemetry"
)

var update = flag.Bool("update", false, "write what the decoders answer into the golden folders")

// received is the hub's clock in every test.
var received = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// TestGolden decodes every testdata/<format>/<case>: the file topic holds the
// topic and, after it, device=… and fport=… as the routes would have found
// them; input.* is the payload; expected.json the answer.
func TestGolden(t *testing.T) {
	for _, name := range Names() {
		format, _ := ByName(name)
		folders, _ := filepath.Glob(filepath.Join("testdata", name, "*", "topic"))
		if len(folders) == 0 {
			t.Errorf("%s has no golden folder", name)
		}
		for _, topic := range folders {
			folder := filepath.Dir(topic)
			t.Run(name+"/"+filepath.Base(folder), func(t *testing.T) {
				got := answer(format.Decode(goldenInput(t, folder)))
				compare(t, filepath.Join(folder, "expected.json"), got)
			})
		}
	}
}

// TestSmartDataModelsInBothForms holds the types that cities use most to
// telling the same in key-values and in normalized form, of NGSI v2 or NGSI-LD.
func TestSmartDataModelsInBothForms(t *testing.T) {
	for _, name := range []string{"air-quality-observed", "noise-level-observed", "water-observed", "flood-monitoring", "parking-spot",
		"streetlight", "waste-container", "weather-observed", "traffic-flow-observed"} {
		plain, err := os.ReadFile(filepath.Join("testdata", "ngsi", name, "expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		normalized, err := os.ReadFile(filepath.Join("testdata", "ngsi", name+"-normalized", "expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(plain), string(normalized)); diff != "" {
			t.Errorf("%s (-key-values +normalized):\n%s", name, diff)
		}
	}
}

func compare(t *testing.T, file string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(text)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func goldenInput(t testing.TB, folder string) Input {
	t.Helper()
	head, err := os.ReadFile(filepath.Join(folder, "topic"))
	if err != nil {
		t.Fatal(err)
	}
	inputs, _ := filepath.Glob(filepath.Join(folder, "input*"))
	if len(inputs) != 1 {
		t.Fatalf("%s: %d inputs instead of one", folder, len(inputs))
	}
	in := Input{Received: received}
	if in.Payload, err = os.ReadFile(inputs[0]); err != nil {
		t.Fatal(err)
	}
	for i, word := range strings.Fields(string(head)) {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case i == 0:
			in.Topic = word
		case name == "device":
			in.Device = value
		case name == "fport":
			in.FPort, _ = strconv.Atoi(value)
		}
	}
	return in
}

// The golden files' view of an answer: what is not told is left out.
type (
	goldenAnswer struct {
		Refused      *telemetry.Refusal  `json:"refused,omitempty"`
		Ignored      bool                `json:"ignored,omitempty"`
		Measurements []goldenMeasurement `json:"measurements,omitempty"`
		Uplinks      []goldenUplink      `json:"uplinks,omitempty"`
	}
	goldenMeasurement struct {
		Device   string       `json:"device,omitempty"`
		Time     string       `json:"time,omitempty"`
		Seq      int64        `json:"seq"`
		Position any          `json:"position,omitempty"`
		Values   []any        `json:"values"`
		Unknown  int          `json:"unknown,omitempty"`
		Untyped  bool         `json:"untyped,omitempty"`
		Radio    *goldenRadio `json:"radio,omitempty"`
	}
	goldenUplink struct {
		Device string       `json:"device"`
		Bytes  []byte       `json:"bytes"`
		FPort  int          `json:"fPort"`
		Time   string       `json:"time,omitempty"`
		Seq    int64        `json:"seq"`
		Radio  *goldenRadio `json:"radio,omitempty"`
	}
	goldenRadio struct{ Battery, RSSI, SNR *float64 }
)

func answer(d Decoded, err error) goldenAnswer {
	var a goldenAnswer
	if err != nil {
		errors.As(err, &a.Refused)
		return a
	}
	a.Ignored = d.Ignored
	for _, m := range d.Measurements {
		g := goldenMeasurement{Device: m.Device, Time: stamp(m.Time), Seq: m.Seq, Unknown: m.Unknown, Untyped: m.Untyped,
			Radio: radioOf(m.Radio), Values: []any{}}
		if m.Position != nil {
			g.Position = *m.Position
		}
		for _, v := range m.Values {
			g.Values = append(g.Values, map[string]any{v.Key: plainValue(v.Value)})
		}
		a.Measurements = append(a.Measurements, g)
	}
	for _, u := range d.Uplinks {
		a.Uplinks = append(a.Uplinks, goldenUplink{u.Device, u.Bytes, u.FPort, stamp(u.Time), u.Seq, radioOf(u.Radio)})
	}
	return a
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func radioOf(r telemetry.Radio) *goldenRadio {
	if r == (telemetry.Radio{}) {
		return nil
	}
	return &goldenRadio{r.Battery, r.RSSI, r.SNR}
}

func plainValue(v telemetry.Value) any {
	switch v.Kind {
	case telemetry.Number:
		return v.Num
	case telemetry.Boolean:
		return v.Num != 0
	}
	return v.Text
}
