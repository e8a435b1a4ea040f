package trials

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cityhub/testbed"
)

// publish sends one message with Mosquitto's own client, as one does by hand.
func publish(t *testing.T, address, topic string, payload []byte) {
	t.Helper()
	program, err := exec.LookPath("mosquitto_pub")
	if err != nil {
		t.Fatal("mosquitto_pub is missing: apt-get install mosquitto-clients")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "-h", host, "-p", port, "-q", "1", "-t", topic, "-s")
	c.Stdin = bytes.NewReader(payload)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
}

func (h *hub) post(t *testing.T, path string, body any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.ask(t.Context(), http.MethodPost, path, raw)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		var problem any
		_ = json.NewDecoder(answer.Body).Decode(&problem)
		t.Fatalf("POST %s: %s %v", path, answer.Status, problem)
	}
}

func (h *hub) importRows(t *testing.T, header string, rows ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "devices.csv")
	if err := os.WriteFile(file, []byte(header+"\n"+strings.Join(rows, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.mustTool("cityhub", "import", "devices", file)
}

// readings counts the archived readings of a device.
func (h *hub) readings(device string) (n int) {
	var streams struct{ Items []struct{ ID int64 } }
	if !h.get("/datastreams?device="+device, &streams) {
		return 0
	}
	for _, s := range streams.Items {
		var list struct{ Items []struct{ Result any } }
		if h.get(fmt.Sprintf("/datastreams/%d/observations", s.ID), &list) {
			n += len(list.Items)
		}
	}
	return n
}

type town struct {
	*hub
	broker string
}

// towns are a hub that runs alone, one with a broker beside it, and the whole
// of compose.yaml as processes.
func towns(t *testing.T, each func(t *testing.T, w town)) {
	t.Run("embedded broker", func(t *testing.T) {
		h := startHub(t, t.TempDir(), nil)
		each(t, town{h, h.mqt})
	})
	t.Run("Mosquitto", func(t *testing.T) {
		broker := testbed.Mosquitto(t, shippedConfig(t))
		h := startHub(t, t.TempDir(), nil, "--mqtt-url", broker.URL)
		each(t, town{h, strings.TrimPrefix(broker.URL, "tcp://")})
	})
	t.Run("Mosquitto, InfluxDB and PostgreSQL", func(t *testing.T) {
		broker, series, registry := testbed.Mosquitto(t, shippedConfig(t)), testbed.InfluxDB(t), testbed.PostgreSQL(t)
		env, args := influxArgs(series)
		h := startHub(t, t.TempDir(), append(env, "CITYHUB_POSTGRES_URL="+registry.URL), append(args, "--mqtt-url", broker.URL)...)
		each(t, town{h, strings.TrimPrefix(broker.URL, "tcp://")})
	})
}

func TestMessagesByHand(t *testing.T) {
	now := time.Now().UTC()
	at := func(shift time.Duration) string { return now.Add(shift).Format(time.RFC3339Nano) }
	eui := "A8404103000000AA"
	frame := base64.StdEncoding.EncodeToString([]byte{0x00, 0x00, 0x06, 0x3a, 0x46, 0x00})
	good := []struct{ name, topic, payload, device string }{
		{"native", "cityhub/v1/hand-air/telemetry", `{"time":"` + at(0) + `","seq":1,"values":{"pm25":12.3,"temperature":28}}`, "hand-air"},
		{"SenML", "cityhub/v1/hand-senml/senml", `[{"bn":"hand-senml/","bt":` + fmt.Sprint(now.Unix()) + `,"n":"laeq","u":"dB","v":61.5}]`, "hand-senml"},
		{"ChirpStack", "application/5b7d2c1e-3f64-4a0b-9d35-8c1a6e2f4b90/device/" + strings.ToLower(eui) + "/event/up",
			`{"deduplicationId":"1","time":"` + at(0) + `","deviceInfo":{"devEui":"` + strings.ToLower(eui) + `"},"fCnt":7,"fPort":2,"object":{"level":1.5},"rxInfo":[{"rssi":-80,"snr":7}]}`, "hand-lora"},
		{"ChirpStack bytes", "application/5b7d2c1e-3f64-4a0b-9d35-8c1a6e2f4b90/device/" + strings.ToLower(eui) + "/event/up",
			`{"deduplicationId":"2","time":"` + at(time.Second) + `","deviceInfo":{"devEui":"` + strings.ToLower(eui) + `"},"fCnt":8,"fPort":2,"data":"` + frame + `"}`, "hand-lora"},
	}
	bad := []struct{ reason, topic, payload string }{
		{"not_registered", "cityhub/v1/hand-later/telemetry", `{"time":"` + at(0) + `","values":{"pm25":1}}`},
		{"undecodable", "cityhub/v1/hand-air/telemetry", "\x00\xff not JSON"},
		{"not_a_number", "cityhub/v1/hand-air/telemetry", `{"values":{"pm25":NaN}}`},
		{"wrong_clock", "cityhub/v1/hand-air/telemetry", `{"time":"1970-01-01T00:00:10Z","values":{"pm25":1}}`},
		{"too_large", "cityhub/v1/hand-air/telemetry", `{"values":{"pm25":1},"x":"` + strings.Repeat("x", 300<<10) + `"}`},
		{"no_route", "somewhere/else", `{}`},
	}
	header := "device,dev_eui,model,station,from"
	towns(t, func(t *testing.T, w town) {
		w.importRows(t, header, "hand-air,,air-station,s1,2025-07-01T00:00:00Z", "hand-senml,,noise-meter,s2,2025-07-01T00:00:00Z",
			"hand-lora,"+eui+",lora-water-level,s3,2025-07-01T00:00:00Z")
		for _, m := range good {
			before := w.readings(m.device)
			publish(t, w.broker, m.topic, []byte(m.payload))
			w.await(m.name+" arrives", 10*time.Second, func() bool { return w.readings(m.device) > before })
		}
		var page struct {
			Items  []struct{ Reason, Detail string }
			Counts map[string]int
		}
		for _, m := range bad {
			if m.reason == "no_route" && w.broker != w.mqt {
				continue // the bridge subscribes to its routes alone
			}
			publish(t, w.broker, m.topic, []byte(m.payload))
			w.await(m.reason+" stands in quarantine", 10*time.Second, func() bool {
				return w.get("/quarantine", &page) && page.Counts[m.reason] == 1
			})
		}
		for _, item := range page.Items {
			if item.Detail == "" {
				t.Errorf("%s: the quarantine does not say what to do", item.Reason)
			}
		}
		w.importRows(t, header, "hand-later,,air-station,s4,2025-07-01T00:00:00Z")
		out := w.mustTool("cityhub", "quarantine", "replay", "--reason", "not_registered")
		if !strings.Contains(out, "accepted 1") {
			t.Errorf("replay says %q", out)
		}
		w.await("the replayed reading arrives", 10*time.Second, func() bool { return w.readings("hand-later") == 1 })
		if list := w.mustTool("cityhub", "quarantine", "list"); strings.Contains(list, "not_registered") {
			t.Errorf("after the replay the quarantine still lists\n%s", list)
		}
		w.drained(10 * time.Second)
	})
}

var instants = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?`)

// entity is one of the Smart Data Models in both forms.
type entity struct {
	name              string
	plain, normalized []byte
}

// entities are those of the golden folders of the format.
func entities(t *testing.T) (all []entity) {
	t.Helper()
	files, _ := filepath.Glob("../broker-bridge/payload/testdata/ngsi/*-normalized/input.json")
	for _, file := range files {
		plain := strings.TrimSuffix(filepath.Dir(file), "-normalized")
		all = append(all, entity{"golden-" + filepath.Base(plain), read(t, filepath.Join(plain, "input.json")), read(t, file)})
	}
	if len(all) < 9 {
		t.Fatalf("the golden folders hold %d types in both forms", len(all))
	}
	return all
}

// published are the examples of the Smart Data Models, where they are at hand.
func published(t *testing.T) (all []entity) {
	t.Helper()
	files, _ := filepath.Glob("../../shared/data/smart-data-models/*.example.json")
	for _, file := range files {
		name := strings.TrimSuffix(file, ".example.json")
		all = append(all, entity{"published-" + filepath.Base(name), read(t, file), read(t, name+".example-normalized.json")})
	}
	return all
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestSmartDataModelsArrive publishes entities in both forms, for devices whose
// models take every scalar attribute.
func TestSmartDataModelsArrive(t *testing.T) {
	t.Parallel() // it waits more than it works
	golden, more := entities(t), published(t)
	towns(t, func(t *testing.T, w town) {
		w.take(t, golden)
		if s := w.drained(10 * time.Second); len(s.Counters.Quarantined) > 0 {
			t.Errorf("quarantined: %v", s.Counters.Quarantined)
		}
		w.take(t, more) // their two forms do not agree on every type
		s := w.drained(10 * time.Second)
		t.Logf("%d messages arrived, quarantined %v", 2*len(golden)+2*len(more), s.Counters.Quarantined)
	})
}

// take waits until both forms of all have arrived.
func (w town) take(t *testing.T, all []entity) {
	t.Helper()
	for _, e := range all {
		w.post(t, "/sensors", modelFor(t, e.name, e.plain))
		w.importRows(t, "device,model,station,from", e.name+","+e.name+",st-"+e.name+",2025-07-01T00:00:00Z")
		for _, body := range [][]byte{e.plain, e.normalized} {
			now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z") // each form has an instant of its own
			publish(t, w.broker, "cityhub/v1/"+e.name+"/ngsi", instants.ReplaceAll(body, []byte(now)))
		}
	}
	for _, e := range all {
		w.await(e.name+" arrives in both forms", 10*time.Second, func() bool { return w.readings(e.name) >= 2 })
	}
}

// modelFor makes a device model with a channel for every scalar attribute.
func modelFor(t *testing.T, name string, example []byte) map[string]any {
	t.Helper()
	var attributes map[string]any
	if err := json.Unmarshal(example, &attributes); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{"float64": "number", "bool": "boolean", "string": "text"}
	var channels []map[string]any
	for key, value := range attributes {
		if kind := kinds[fmt.Sprintf("%T", value)]; kind != "" && key != "id" && key != "type" {
			property := strings.ReplaceAll(strings.ToLower(fmt.Sprintf("%s_%d_%s", name, len(channels), kind)), "-", "_")
			channels = append(channels, map[string]any{"key": key, "property": property[:min(48, len(property))], "kind": kind})
		}
	}
	return map[string]any{"code": name, "channels": channels}
}
