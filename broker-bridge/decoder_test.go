package bridge_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	bridge "cityhub/broker-bridge"
	"cityhub/broker-bridge/codec"
	"cityhub/telemetry"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sources are the codecs of devices, by code or DevEUI.
type sources map[string]string

func (s sources) Codec(device string) (string, bool) {
	source, ok := s[device]
	return source, ok
}

// Codecs as vendors write them.
const (
	sumCodec = `function decodeUplink(input) {
	var sum = input.fPort;
	for (var i = 0; i < input.bytes.length; i++) sum += input.bytes[i];
	return {data: {sum: sum, nothing: null}};
}`
	throwingCodec = `function decodeUplink(input) { throw new Error("short frame"); }`
	endlessCodec  = `function decodeUplink(input) { for (;;) {} }`
)

func runner(t testing.TB) *codec.Runner {
	t.Helper()
	r := codec.New(codec.Limits{})
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// onlyGateway may speak for every device but the neighbour's.
type onlyGateway struct{}

func (onlyGateway) Gateway(sender string) bool { return sender == "gateway" }
func (onlyGateway) Speaks(sender, device string) bool {
	return sender == "gateway" && device != "neighbour"
}

func routed(t *testing.T) *bridge.Decoder {
	t.Helper()
	models := sources{"air-1": sumCodec, "old": "", "bad": throwingCodec, "slow": endlessCodec, "A84041FFFF1C2D3E": sumCodec}
	d, err := bridge.NewDecoder(nil, runner(t), models, onlyGateway{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const chirpstackUp = `{"time":"2026-03-01T07:59:58Z","deviceInfo":{"devEui":"a84041ffff1c2d3e"},"fCnt":118,"fPort":10,"data":"AQID"}`

func TestWhatBecomesOfAMessage(t *testing.T) {
	d := routed(t)
	native := `{"values":{"pm25":12.5}}`
	for _, c := range []struct {
		name, topic, body, sender string

		route   string
		device  string           // of the only measurement
		reason  telemetry.Reason // "" when it is none of them
		ignored bool
	}{
		{name: "native", topic: "cityhub/v1/air-1/telemetry", body: native, route: "native", device: "air-1"},
		{name: "from its sender", topic: "cityhub/v1/air-1/telemetry", body: native, sender: "air-1", route: "native", device: "air-1"},
		{name: "naming itself", topic: "cityhub/v1/air-1/telemetry", body: `{"device":"air-1","values":{"a":1}}`, route: "native", device: "air-1"},
		{name: "naming another", topic: "cityhub/v1/air-1/telemetry", body: `{"device":"air-2","values":{"a":1}}`, route: "native", reason: telemetry.WrongSender},
		{name: "naming another in one of many", topic: "cityhub/v1/air-1/telemetry", body: `[{"values":{"a":1}},{"device":"air-2","values":{"a":1}}]`, route: "native", reason: telemetry.WrongSender},
		{name: "from another", topic: "cityhub/v1/air-1/telemetry", body: native, sender: "air-2", route: "native", reason: telemetry.WrongSender},
		{name: "from a gateway", topic: "cityhub/v1/air-1/telemetry", body: native, sender: "gateway", route: "native", device: "air-1"},
		{name: "not JSON", topic: "cityhub/v1/air-1/telemetry", body: `{`, route: "native", reason: telemetry.Undecodable},
		{name: "too large", topic: "cityhub/v1/air-1/telemetry", body: strings.Repeat(" ", 256<<10) + native, route: "native", reason: telemetry.TooLarge},
		{name: "SenML", topic: "cityhub/v1/air-1/senml", body: `[{"n":"pm25","v":1.5}]`, route: "senml", device: "air-1"},
		{name: "status", topic: "cityhub/v1/air-1/status", body: "online", route: "status", ignored: true},
		{name: "commands", topic: "cityhub/v1/air-1/commands", body: "{}", route: "commands", ignored: true},
		{name: "no route", topic: "elsewhere", body: native, route: "none", reason: telemetry.NoRoute},
		{name: "no route below a device", topic: "cityhub/v1/air-1/telemetry/more", body: native, route: "none", reason: telemetry.NoRoute},
		{name: "raw", topic: "cityhub/v1/air-1/raw/7", body: "\x01\x02", route: "raw", device: "air-1"},
		{name: "raw of a stranger", topic: "cityhub/v1/who/raw/7", body: "\x01", route: "raw", reason: telemetry.NotRegistered},
		{name: "raw of a model without codec", topic: "cityhub/v1/old/raw/7", body: "\x01", route: "raw", reason: telemetry.NoCodec},
		{name: "raw that throws", topic: "cityhub/v1/bad/raw/7", body: "\x01", route: "raw", reason: telemetry.CodecFailed},
		{name: "raw that never ends", topic: "cityhub/v1/slow/raw/7", body: "\x01", route: "raw", reason: telemetry.CodecLimit},
		{name: "raw on no port", topic: "cityhub/v1/air-1/raw/x", body: "\x01", route: "raw", reason: telemetry.Undecodable},
		{name: "raw above all ports", topic: "cityhub/v1/air-1/raw/256", body: "\x01", route: "raw", reason: telemetry.Undecodable},
		{name: "ChirpStack bytes", topic: "application/a/device/a84041ffff1c2d3e/event/up", body: chirpstackUp, route: "chirpstack", device: "A84041FFFF1C2D3E"},
		{name: "ChirpStack from a device", topic: "application/a/device/a84041ffff1c2d3e/event/up", body: chirpstackUp, sender: "air-1", route: "chirpstack", reason: telemetry.WrongSender},
		{name: "ChirpStack from a gateway", topic: "application/a/device/a84041ffff1c2d3e/event/up", body: chirpstackUp, sender: "gateway", route: "chirpstack", device: "A84041FFFF1C2D3E"},
		{name: "ChirpStack join", topic: "application/a/device/a84041ffff1c2d3e/event/join", body: `{"deviceInfo":{"devEui":"a84041ffff1c2d3e"}}`, route: "chirpstack", ignored: true},
		{name: "UltraLight", topic: "/ul/key/air-1/attrs", body: "t|21.5", route: "ultralight", device: "air-1"},
		{name: "Zigbee2MQTT", topic: "zigbee2mqtt/door-3", body: `{"contact":true,"battery":90}`, route: "zigbee2mqtt", device: "door-3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := arrive(t, d, c.topic, c.body, c.sender)
			if a.Route != c.route || a.Topic != c.topic || a.Sender != c.sender || string(a.Payload) != c.body || !a.Received.Equal(noon) {
				t.Errorf("arrival says route %q topic %q sender %q", a.Route, a.Topic, a.Sender)
			}
			if got := bridge.Ignored(a); got != c.ignored {
				t.Errorf("ignored: %v, want %v", got, c.ignored)
			}
			switch {
			case c.reason != "":
				if a.Refusal == nil || a.Refusal.Reason != c.reason || len(a.Measurements) > 0 {
					t.Errorf("refusal %v with %d measurements, want %s", a.Refusal, len(a.Measurements), c.reason)
				}
			case a.Refusal != nil:
				t.Errorf("refused: %v", a.Refusal)
			case c.device != "" && (len(a.Measurements) != 1 || a.Measurements[0].Device != c.device):
				t.Errorf("measurements %+v, want one of %q", a.Measurements, c.device)
			}
		})
	}
}

// A message counts for its sender, or for the topic's device where the sender
// is not known or may speak for it; nothing of it has been read by then.
func TestWhoPaysIsKnownBeforeAnythingIsDecoded(t *testing.T) {
	d := routed(t)
	for name, c := range map[string]struct{ topic, sender, want string }{
		"its own topic":             {"cityhub/v1/air-1/telemetry", "air-1", "air-1"},
		"another's topic":           {"cityhub/v1/air-2/telemetry", "air-1", "air-1"},
		"a status":                  {"cityhub/v1/air-1/status", "air-1", "air-1"},
		"no route":                  {"elsewhere", "air-1", "air-1"},
		"unknown sender":            {"cityhub/v1/air-1/raw/1", "", "air-1"},
		"unknown sender, no route":  {"elsewhere", "", ""},
		"a gateway's device":        {"application/1/device/a84041/event/up", "gateway", "a84041"},
		"a device of another's":     {"cityhub/v1/neighbour/telemetry", "gateway", ""},
		"a gateway without a topic": {"elsewhere", "gateway", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var seen telemetry.Arrival
			a, err := d.ArrivalIf(t.Context(), c.topic, []byte("garbage"), c.sender, noon, func(a *telemetry.Arrival) bool {
				seen = *a
				return false
			})
			if err != nil || seen.Payer != c.want || a.Refusal != nil || seen.Topic != c.topic || len(seen.Payload) == 0 {
				t.Errorf("%q pays, want %q: %+v %v", seen.Payer, c.want, a.Refusal, err)
			}
		})
	}
}

func arrive(t *testing.T, d *bridge.Decoder, topic, body, sender string) telemetry.Arrival {
	t.Helper()
	a, err := d.Arrival(t.Context(), topic, []byte(body), sender, noon)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAClosedRunnerSaysNothingOfTheMessage(t *testing.T) {
	r := runner(t)
	d, err := bridge.NewDecoder(nil, r, sources{"air-1": sumCodec}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	if a, err := d.Arrival(t.Context(), "cityhub/v1/air-1/raw/1", []byte{1}, "", noon); !errors.Is(err, codec.ErrClosed) {
		t.Errorf("error %v, arrival %+v: a message of a stopping hub must not be settled", err, a)
	}
}

func TestTheCodecsResultBecomesTheMeasurement(t *testing.T) {
	d := routed(t)
	a := arrive(t, d, "application/a/device/a84041ffff1c2d3e/event/up", chirpstackUp, "")
	if a.Refusal != nil || len(a.Measurements) != 1 {
		t.Fatalf("refusal %v, %d measurements", a.Refusal, len(a.Measurements))
	}
	m := a.Measurements[0]
	if m.Seq != 118 || !m.Time.Equal(time.Date(2026, 3, 1, 7, 59, 58, 0, time.UTC)) || m.Unknown != 1 {
		t.Errorf("measurement %+v does not carry what the network told", m)
	}
	if len(m.Values) != 1 || m.Values[0].Key != "sum" || m.Values[0].Value.Num != 16 { // 1 + 2 + 3 + port 10
		t.Errorf("values %+v", m.Values)
	}
}

func TestByFormatNeedsNoTopic(t *testing.T) {
	d := routed(t)
	for _, c := range []struct {
		name, format, device, body, sender string
		want                               string
		reason                             telemetry.Reason
	}{
		{"a device about itself", "native", "air-1", `{"values":{"a":1}}`, "air-1", "air-1", ""},
		{"a device about another", "native", "air-1", `{"device":"air-2","values":{"a":1}}`, "air-1", "", telemetry.WrongSender},
		{"a gateway about a device", "native", "", `{"device":"air-2","values":{"a":1}}`, "gateway", "air-2", ""},
		{"a gateway about a neighbour", "native", "", `{"device":"neighbour","values":{"a":1}}`, "gateway", "", telemetry.WrongSender},
		{"a gateway about nobody", "native", "", `{"values":{"a":1}}`, "gateway", "", telemetry.Undecodable},
		{"an unknown format", "morse", "air-1", `-.-.`, "air-1", "", telemetry.NoRoute},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := d.ByFormat(t.Context(), c.format, c.device, []byte(c.body), c.sender, noon)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c.reason != "" && (a.Refusal == nil || a.Refusal.Reason != c.reason):
				t.Errorf("refusal %v, want %s", a.Refusal, c.reason)
			case c.reason == "" && (a.Refusal != nil || len(a.Measurements) != 1 || a.Measurements[0].Device != c.want):
				t.Errorf("refusal %v, measurements %+v, want one of %s", a.Refusal, a.Measurements, c.want)
			}
		})
	}
}

func TestRoutesAreConfiguration(t *testing.T) {
	d, err := bridge.NewDecoder([]bridge.Route{
		{Name: "lns", Filter: "tenant/lns/application/+/device/+/event/#", Format: "chirpstack"},
		{Name: "fixed", Filter: "plant/air-1", Format: "native"},
	}, runner(t), sources{"A84041FFFF1C2D3E": sumCodec}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := arrive(t, d, "tenant/lns/application/x/device/a84041ffff1c2d3e/event/up", chirpstackUp, ""); a.Route != "lns" || len(a.Measurements) != 1 {
		t.Errorf("behind a prefix: %+v", a)
	}
	if a := arrive(t, d, "plant/air-1", `{"device":"air-1","values":{"a":1}}`, ""); a.Refusal != nil || a.Measurements[0].Device != "air-1" {
		t.Errorf("without a place for the device: %+v", a)
	}
	for name, routes := range map[string][]bridge.Route{
		"unknown format":  {{Name: "a", Filter: "a/+", Format: "morse"}},
		"twice":           {{Name: "a", Filter: "a/+", Format: "native"}, {Name: "a", Filter: "b/+", Format: "native"}},
		"no filter":       {{Name: "a", Format: "native"}},
		"# in the middle": {{Name: "a", Filter: "a/#/b", Format: "native"}},
		"raw and no port": {{Name: "a", Filter: "a/+", Format: "raw"}},
	} {
		if _, err := bridge.NewDecoder(routes, nil, sources{}, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	d := decoder(b)
	topic, body := topic(1), []byte(reading(1))
	b.ReportAllocs()
	for b.Loop() {
		if a, err := d.Arrival(b.Context(), topic, body, "", noon); err != nil || a.Refusal != nil {
			b.Fatal(err, a.Refusal)
		}
	}
}
