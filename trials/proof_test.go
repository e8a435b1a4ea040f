package trials

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cityhub/testbed"
)

// proof is what these trials read of a proof of life.
type proof struct {
	Verdict   string
	Problem   *struct{ Code, Detail string }
	FirstGood *struct {
		Time, Received time.Time
		Values         map[string]any
	}
	Connection struct{ State string }
	Channels   []struct{ Key, Check string }
	Readings   int
	Missing    int64
	Offset     *float64 `json:"clockOffset"`
}

func (p proof) code() string {
	if p.Problem == nil {
		return ""
	}
	return p.Problem.Code
}

func (h *hub) idOf(device string) int64 {
	h.t.Helper()
	var list struct{ Items []struct{ ID int64 } }
	if !h.get("/devices?code="+device, &list) || len(list.Items) != 1 {
		h.t.Fatalf("no device %s", device)
	}
	return list.Items[0].ID
}

func (h *hub) proof(device string) (p proof) {
	h.t.Helper()
	if !h.get(fmt.Sprintf("/devices/%d/proof", h.idOf(device)), &p) {
		h.t.Fatalf("no proof of %s", device)
	}
	return p
}

// proves waits until a device's proof says something.
func (h *hub) proves(device, verdict, problem string) (p proof) {
	h.t.Helper()
	var last proof
	defer func() {
		if h.t.Failed() {
			h.t.Logf("%s: the last proof was %+v, problem %+v", device, last, last.Problem)
		}
	}()
	h.await(device+" is "+verdict+" "+problem, 20*time.Second, func() bool {
		last = h.proof(device)
		return last.Verdict == verdict && last.code() == problem
	})
	return last
}

// as lets a device send or listen under its own client id.
func as(t testing.TB, address, device, program, topic, payload string, args ...string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, append([]string{"-h", host, "-p", port, "-i", device, "-q", "1", "-t", topic}, args...)...)
	c.Stdin = strings.NewReader(payload)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
}

func telemetryOf(device string) string { return "cityhub/v1/" + device + "/telemetry" }

// The troubles in which a device can be, by the device's name; the messages
// that make them are each a real publish.
func TestEveryVerdictOfAProofOfLife(t *testing.T) {
	from := time.Now().Add(-3 * time.Hour).UTC()
	for _, c := range []struct {
		name     string
		embedded bool
		start    func(t *testing.T) (h *hub, broker string)
	}{
		{"embedded broker", true, func(t *testing.T) (*hub, string) {
			h := startHub(t, t.TempDir(), nil)
			return h, h.mqt
		}},
		{"Mosquitto", false, func(t *testing.T) (*hub, string) {
			broker := testbed.Mosquitto(t, shippedConfig(t))
			return startHub(t, t.TempDir(), nil, "--mqtt-url", broker.URL), strings.TrimPrefix(broker.URL, "tcp://")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, broker := c.start(t)
			f := field{h, t, broker, "nothing_heard"}
			if c.embedded {
				f.silent = "never_connected"
			}
			var rows []string
			for _, d := range []string{"silent", "status", "topic", "garbled", "range", "clock", "late", "early", "good", "mended"} {
				rows = append(rows, fmt.Sprintf("%s,air-station,st-%s,%s", d, d, from.Format(time.RFC3339)))
			}
			h.importRows(t, "device,model,station,from", append(rows, "stock,air-station,,")...)
			h.proves("stock", "faulty", "not_deployed")
			h.proves("silent", "waiting", f.silent)
			if c.embedded { // the bridge does not ask another broker for what carries no reading
				f.connections()
			}
			f.troubles()
			sent := f.life()
			f.restart(sent)
		})
	}
}

// field is a hub with devices in every kind of trouble.
type field struct {
	*hub
	t      *testing.T
	broker string
	silent string // the trouble of a device from which nothing came
}

func (f field) say(device, payload string) {
	f.t.Helper()
	as(f.t, f.broker, device, "mosquitto_pub", telemetryOf(device), payload, "-s")
}

func at(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339Nano) }

// connections are the troubles that only the hub's own broker sees.
func (f field) connections() {
	as(f.t, f.broker, "status", "mosquitto_pub", "cityhub/v1/status/status", "online", "-s")
	f.proves("status", "waiting", "nothing_published")
	as(f.t, f.broker, "topic", "mosquitto_sub", "cityhub/v1/topic/commands", "", "-E")
	if p := f.proves("topic", "waiting", "nothing_published"); p.Connection.State == "never" {
		f.t.Errorf("connection %q", p.Connection.State)
	}
	as(f.t, f.broker, "topic", "mosquitto_pub", "air/topic/data", "{}", "-s")
	if p := f.proves("topic", "faulty", "wrong_topic"); p.Problem.Detail != "air/topic/data" {
		f.t.Errorf("the topic is told as %q", p.Problem.Detail)
	}
}

func (f field) troubles() {
	f.say("garbled", "\x00\xff not JSON")
	f.proves("garbled", "faulty", "undecodable")
	f.say("range", `{"time":"`+at(0)+`","values":{"pm25":99999,"temperature":21}}`)
	p := f.proves("range", "faulty", "out_of_range")
	for _, channel := range p.Channels {
		if want := map[string]string{"pm25": "out_of_range", "temperature": "ok"}[channel.Key]; want != "" && channel.Check != want {
			f.t.Errorf("%s: %s; want %s", channel.Key, channel.Check, want)
		}
	}
	f.say("clock", `{"time":"1970-01-01T00:00:10Z","values":{"pm25":1}}`)
	f.proves("clock", "faulty", "wrong_clock")
	f.say("late", `{"time":"`+at(-2*time.Hour)+`","values":{"pm25":1}}`)
	if p := f.proves("late", "faulty", "wrong_clock"); p.Offset == nil || *p.Offset > -7000 {
		f.t.Errorf("clock offset %v; want two hours behind", p.Offset)
	}
	f.say("early", `{"time":"`+at(-5*time.Hour)+`","values":{"pm25":1}}`)
	f.proves("early", "faulty", "wrong_clock")
}

func (f field) life() (sent time.Time) {
	sent = time.Now()
	f.say("good", `{"time":"`+sent.UTC().Format(time.RFC3339Nano)+`","seq":4,"values":{"pm25":12.5,"temperature":28}}`)
	p := f.proves("good", "alive", "")
	if p.FirstGood == nil || !p.FirstGood.Time.Equal(sent) || p.FirstGood.Values["pm25"] != 12.5 || p.Readings != 1 || p.Offset == nil || *p.Offset > 0 {
		f.t.Errorf("%+v", p)
	}
	f.say("good", `{"time":"`+at(0)+`","seq":7,"values":{"pm25":13}}`)
	f.await("two numbers are missing and two readings there", 20*time.Second, func() bool {
		p = f.proof("good")
		return p.Missing == 2 && p.Readings == 2
	})
	f.say("mended", "{")
	f.proves("mended", "faulty", "undecodable")
	f.say("mended", `{"values":{"pm25":3}}`)
	if p := f.proves("mended", "alive", ""); p.Offset != nil {
		f.t.Errorf("offset %v of a device that tells no time", *p.Offset)
	}
	f.say("mended", "{")
	f.proves("mended", "alive", "undecodable")
	return sent
}

// restart kills the hub: archive and quarantine know the same afterwards.
func (f field) restart(sent time.Time) {
	f.drained(20 * time.Second)
	f.kill()
	f.start()
	f.awaitReady()
	p := f.proves("good", "alive", "")
	if p.FirstGood == nil || !p.FirstGood.Time.Equal(sent) || p.Readings != 2 {
		f.t.Errorf("after a restart: %+v, first %+v; want %s", p, p.FirstGood, sent)
	}
	for device, problem := range map[string]string{"garbled": "undecodable", "range": "out_of_range", "clock": "wrong_clock",
		"late": "wrong_clock", "early": "wrong_clock", "stock": "not_deployed"} {
		f.proves(device, "faulty", problem)
	}
	f.proves("silent", "waiting", f.silent)
}

func TestAProofOfLifeIsWaitedFor(t *testing.T) {
	h := startHub(t, t.TempDir(), nil)
	h.importRows(t, "device,model,station,from", "new,air-station,st,"+time.Now().Add(-time.Minute).UTC().Format(time.RFC3339))
	answer, err := h.ask(t.Context(), http.MethodGet, fmt.Sprintf("/devices/%d/proof/live", h.idOf("new")), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	next := func() (p proof) {
		t.Helper()
		for lines.Scan() {
			if text, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: ")); ok {
				if err := json.Unmarshal(text, &p); err != nil {
					t.Fatal(err)
				}
				return p
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return p
	}
	if p := next(); p.Verdict != "waiting" || p.code() != "never_connected" {
		t.Fatalf("first %+v", p)
	}
	start := time.Now()
	as(t, h.mqt, "new", "mosquitto_pub", telemetryOf("new"), `{"values":{"pm25":99999}}`, "-s")
	p := next()
	for p.code() != "out_of_range" {
		p = next()
	}
	as(t, h.mqt, "new", "mosquitto_pub", telemetryOf("new"), `{"values":{"pm25":9}}`, "-s")
	for p.Verdict != "alive" {
		p = next()
	}
	if took := time.Since(start); took > 4*time.Second { // the stream looks every 5 s even when it is not woken
		t.Errorf("being told took %s", took)
	}
	if took := h.terminate(); took > 8*time.Second {
		t.Errorf("an open stream held the hub's stop for %s", took)
	}
}
