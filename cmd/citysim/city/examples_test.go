package city

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
	"modernc.org/quickjs"

	"cityhub/cmd/citysim/wards"
)

const examples = "../../../examples"

type model struct {
	Code           string
	ReportInterval string `yaml:"report_interval"`
	Codec          string
	Channels       []struct {
		Key, Property, Unit, Kind string
		Range                     []float64
		StuckAfter                string `yaml:"stuck_after"`
	}
	Name, Manufacturer, Description string
	Examples                        []any // the hub's own tests look at them
}

func models(t *testing.T) map[string]model {
	t.Helper()
	files, err := filepath.Glob(examples + "/models/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d models: %v", len(files), err)
	}
	all := map[string]model{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var m model
		decoder := yaml.NewDecoder(bytes.NewReader(raw))
		decoder.KnownFields(true)
		if err := decoder.Decode(&m); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if m.Code+".yaml" != filepath.Base(file) {
			t.Errorf("%s holds model %s", file, m.Code)
		}
		if _, err := time.ParseDuration(m.ReportInterval); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		all[m.Code] = m
	}
	return all
}

func TestDemoFileIsWhatStationsPrints(t *testing.T) {
	var out bytes.Buffer
	if err := WriteCSV(&out, demo(t, DemoStations)); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(examples + "/hanoi/devices.csv")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, out.Bytes()) {
		t.Error("examples/hanoi/devices.csv is old: citysim stations > examples/hanoi/devices.csv")
	}
}

func TestDevicesSendWhatTheirModelsDeclare(t *testing.T) {
	all := models(t)
	for _, m := range take(t, NewSimulator(demo(t, 200), 1, noon(), 0, Faults{}), noon(), FirstRound) {
		declared, known := all[m.Station.Kind.Model()]
		if !known {
			t.Fatalf("%s is of model %s, which examples/models does not have", m.Station.Device, m.Station.Kind.Model())
		}
		if len(m.Readings) != len(declared.Channels) {
			t.Errorf("%s sends %d values, its model has %d channels", m.Station.Device, len(m.Readings), len(declared.Channels))
		}
		for _, c := range declared.Channels {
			agree(t, m, c.Key, c.Kind, c.Range)
		}
	}
}

func agree(t *testing.T, m Message, key, kind string, limits []float64) {
	t.Helper()
	for _, r := range m.Readings {
		if r.Key != key {
			continue
		}
		got := map[string]string{"float64": "", "bool": "boolean", "string": "text"}[typeName(r.Value)]
		if got != kind {
			t.Errorf("%s: %s is %v, the model says %q", m.Station.Device, key, r.Value, kind)
		}
		c, _ := channelOf(m.Station.Kind, key)
		if kind == "" && (len(limits) != 2 || c.lo != limits[0] || c.hi != limits[1]) {
			t.Errorf("%s: range of %s is %v…%v here, %v in the model", m.Station.Device, key, c.lo, c.hi, limits)
		}
		return
	}
	t.Errorf("%s never sends %s", m.Station.Device, key)
}

func typeName(v any) string {
	switch v.(type) {
	case bool:
		return "bool"
	case string:
		return "string"
	}
	return "float64"
}

func TestStationsStandInTheirCity(t *testing.T) {
	file, err := os.Open(examples + "/hanoi/wards.geojson")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	areas, err := wards.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	airIn, air := map[string]bool{}, 0
	codes := map[string]bool{}
	for _, s := range demo(t, DemoStations) {
		if codes[s.Device] || codes[s.Serial] || s.DevEUI != "" && codes[s.DevEUI] {
			t.Errorf("%s: device, serial or DevEUI is not unique", s.Device)
		}
		codes[s.Device], codes[s.Serial], codes[s.DevEUI] = true, true, true
		ward := ""
		for _, a := range areas {
			if inside(a.Ring, s.Lon, s.Lat) {
				ward = a.Code
			}
		}
		if ward == "" {
			t.Errorf("%s %s stands in no ward: %v %v", s.Device, s.Name, s.Lon, s.Lat)
		}
		if s.Kind == Air {
			airIn[ward] = true
			air++
		}
	}
	if len(airIn) != 126 || air < 150 {
		t.Errorf("%d air stations in %d wards", air, len(airIn))
	}
}

func inside(ring wards.Ring, x, y float64) bool {
	in := false
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		if (a[1] > y) != (b[1] > y) && x < a[0]+(y-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
			in = !in
		}
	}
	return in
}

// TestCodecReadsTheFrames runs the example's JavaScript on simulated bytes.
func TestCodecReadsTheFrames(t *testing.T) {
	source, err := os.ReadFile(examples + "/models/lora-water-level.js")
	if err != nil {
		t.Fatal(err)
	}
	vm, err := quickjs.NewVM()
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	if _, err := vm.Eval(string(source), quickjs.EvalGlobal); err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, m := range take(t, NewSimulator(only(demo(t, 400), LoraWater), 1, noon(), 0, Faults{}), noon(), FirstRound) {
		var event struct {
			FPort int
			Data  string
		}
		if err := json.Unmarshal(m.Payload, &event); err != nil {
			t.Fatal(err)
		}
		data := decode(t, vm, event.FPort, event.Data)
		for _, r := range m.Readings {
			if want := r.Value.(float64); math.Abs(data[r.Key]-want) > 0.25 {
				t.Errorf("%s: %s is %v, decoded %v", m.Station.Device, r.Key, want, data[r.Key])
			}
		}
		read++
	}
	if read < 20 {
		t.Errorf("only %d frames", read)
	}
}

func decode(t *testing.T, vm *quickjs.VM, port int, text string) map[string]float64 {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	numbers := make([]int, len(raw))
	for i, b := range raw {
		numbers[i] = int(b)
	}
	input, _ := json.Marshal(map[string]any{"fPort": port, "bytes": numbers})
	out, err := vm.Eval("JSON.stringify(decodeUplink("+string(input)+"))", quickjs.EvalGlobal)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data   map[string]float64
		Errors []string
	}
	if err := json.Unmarshal([]byte(out.(string)), &answer); err != nil || len(answer.Errors) > 0 {
		t.Fatalf("%v %s", err, strings.Join(answer.Errors, "; "))
	}
	return answer.Data
}

func TestFormatsAreMixed(t *testing.T) {
	formats := map[Format]int{}
	for _, m := range take(t, NewSimulator(demo(t, DemoStations), 1, noon(), 0, Faults{}), noon(), FirstRound) {
		formats[m.Station.Format]++
		if !json.Valid(m.Payload) {
			t.Fatalf("%s: %s", m.Topic, m.Payload)
		}
		loRa := m.Station.Format == ChirpStackBytes || m.Station.Format == ChirpStackObject
		if loRa != (m.Station.DevEUI != "") || loRa != strings.HasPrefix(m.Topic, "application/") {
			t.Errorf("%s with DevEUI %q speaks on %s", m.Station.Device, m.Station.DevEUI, m.Topic)
		}
	}
	if formats[Native] < formats[SenML] || formats[SenML] < 40 || formats[ChirpStackObject] < 40 || formats[ChirpStackBytes] < 20 {
		t.Errorf("messages by format: %v", formats)
	}
}
