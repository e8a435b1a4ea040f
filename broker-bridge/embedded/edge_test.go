package embedded_test

import (
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	bridge "cityhub/broker-bridge"
	"cityhub/broker-bridge/embedded"
	"cityhub/telemetry"
)

func TestWhoMayComeIn(t *testing.T) {
	b, _ := start(t, embedded.Options{Intake: newSpool(t), Auth: secrets{"air-1": "s3cret", "a/b": "x", "": "y", "gateway": "g"}})
	will := func(topic string) func(*mqtt.ClientOptions) {
		return func(o *mqtt.ClientOptions) {
			login("air-1", "s3cret")(o)
			o.SetWill(topic, "offline", 1, true)
		}
	}
	for _, c := range []struct {
		name, id string
		change   func(*mqtt.ClientOptions)
		want     bool
	}{
		{"good credentials", "air-1", login("air-1", "s3cret"), true},
		{"wrong secret", "air-1", login("air-1", "S3cret"), false},
		{"no credentials", "air-1", nil, false},
		{"another's client id", "air-2", login("air-1", "s3cret"), false},
		{"an id with a slash", "a/b", login("a/b", "x"), false},
		{"an empty id", "", login("", "y"), false},
		{"a device without an id", "", login("air-1", "s3cret"), false},
		{"a gateway without an id", "", login("gateway", "g"), true},
		{"will on the own status", "air-1", will("cityhub/v1/air-1/status"), true},
		{"will on another's status", "air-1", will("cityhub/v1/air-2/status"), false},
		{"will on the own commands", "air-1", will("cityhub/v1/air-1/commands"), false},
		{"will without a route", "air-1", will("elsewhere"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := dial(t, b, c.id, c.change)
			if got := err == nil; got != c.want {
				t.Fatalf("came in: %v, want %v (%v)", got, c.want, err)
			}
		})
	}
}

// TestARefusalSaysWhatToMend holds the log to telling what MQTT 3.1.1 cannot.
func TestARefusalSaysWhatToMend(t *testing.T) {
	var said words
	b, _ := start(t, embedded.Options{Intake: newSpool(t), Auth: secrets{"air-1": "s3cret", "gateway": "g"},
		Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{ReplaceAttr: onlyMend}))})
	for _, c := range []struct{ id, username, password, want string }{
		{"air-1", "", "", "user name:"},
		{"a b", "air-1", "s3cret", "client id: up to"},
		{"me", "gateway", "g", "client id: a device's"},
		{"air-2", "air-1", "s3cret", "client id: a device's"},
		{"", "air-1", "s3cret", "client id: only"},
		{"gateway-1", "gateway", "no", "password:"},
		{"air-1", "air-1.2", "no", "password:"},
	} {
		said.take()
		if _, err := dial(t, b, c.id, login(c.username, c.password)); err == nil {
			t.Errorf("%+v: came in", c)
		}
		if got := said.take(); !strings.Contains(got, `mend="`+c.want) {
			t.Errorf("%+v: the log says %s", c, got)
		}
	}
}

// words are what was logged since they were taken last.
type words struct {
	mu   sync.Mutex
	text string
}

func (w *words) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text += string(line)
	return len(line), nil
}

func (w *words) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.text
	w.text = ""
	return text
}

func onlyMend(_ []string, a slog.Attr) slog.Attr {
	if a.Key == "mend" {
		return a
	}
	return slog.Attr{}
}

func TestWhatADeviceMaySubscribe(t *testing.T) {
	b, _ := start(t, embedded.Options{Intake: newSpool(t), Auth: secrets{"air-1": "s3cret"}})
	client := mustDial(t, b, "air-1", login("air-1", "s3cret"))
	for filter, want := range map[string]bool{
		"cityhub/v1/air-1/commands":               true,
		"cityhub/v1/air-1/#":                      true,
		"cityhub/v1/air-10/commands":              false,
		"cityhub/v1/+/commands":                   false,
		"cityhub/v1/air-2/#":                      false,
		"#":                                       false,
		"+/+/air-1/commands":                      false,
		"$SYS/#":                                  false,
		"$CONTROL/#":                              false,
		"$share/g/cityhub/v1/air-1/#":             false,
		"$SHARE/g/cityhub/v1/air-2/#":             false,
		"$share/cityhub/v1/air-1/#":               false,
		"application/x/device/air-1/command/down": false,
	} {
		token := client.Subscribe(filter, 1, nil)
		token.Wait()
		granted := token.Error() == nil
		for _, code := range token.(*mqtt.SubscribeToken).Result() { // its key lacks $share
			granted = granted && code <= 2
		}
		if granted != want {
			t.Errorf("%s: granted %v, want %v", filter, granted, want)
		}
	}
}

func TestWhereADeviceMayPublish(t *testing.T) {
	keep := newSpool(t)
	b, _ := start(t, embedded.Options{Intake: keep, Auth: secrets{"air-1": "s3cret", "gateway": "g"}})
	for _, c := range []struct {
		sender, secret, topic string
		want                  bool
	}{
		{"air-1", "s3cret", "cityhub/v1/air-1/telemetry", true},
		{"air-1", "s3cret", "cityhub/v1/air-1/status", true},
		{"air-1", "s3cret", "zigbee2mqtt/air-1", true},
		{"air-1", "s3cret", "cityhub/v1/air-2/telemetry", false},
		{"air-1", "s3cret", "cityhub/v1/air-1/commands", false},
		{"air-1", "s3cret", "cityhub/v1/air-1/other", false},
		{"air-1", "s3cret", "zigbee2mqtt/air-2", false},
		{"air-1", "s3cret", "application/a/device/0011223344556677/event/up", false},
		{"gateway", "g", "cityhub/v1/air-2/telemetry", true},
		{"gateway", "g", "cityhub/v1/air-2/commands", false},
	} {
		client := mustDial(t, b, c.sender, login(c.sender, c.secret))
		token := client.Publish(c.topic, 1, false, reading(1))
		taken := false
		for taken = false; !taken && client.IsConnectionOpen(); {
			taken = token.WaitTimeout(10 * time.Millisecond)
		}
		taken = taken && token.Error() == nil
		if taken != c.want {
			t.Errorf("%s on %s: taken %v, want %v", c.sender, c.topic, taken, c.want)
		}
		client.Disconnect(250)
	}
	if keep.count(func() int { return len(keep.senders) }) != 2 {
		t.Errorf("senders %v, want both", keep.senders)
	}
}

func TestWithoutCredentialsOnlyOnLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:1883"} {
		if b, err := embedded.New(embedded.Options{Listen: address, Decoder: new(bridge.Decoder), Intake: newSpool(t)}); err == nil {
			b.Close()
			t.Errorf("%s was opened to everybody", address)
		}
	}
}

func TestAPayloadOfAnotherDeviceIsQuarantinedAndAcknowledged(t *testing.T) {
	keep := newSpool(t)
	b, _ := start(t, embedded.Options{Intake: keep, Auth: secrets{"air-1": "s3cret"}})
	client := mustDial(t, b, "air-1", login("air-1", "s3cret"))
	wait(t, client.Publish("cityhub/v1/air-1/telemetry", 1, false, `{"device":"air-2","values":{"pm25":1}}`))
	if got := keep.count(func() int { return keep.reasons[telemetry.WrongSender] }); got != 1 {
		t.Errorf("refusals %v, want one wrong sender", keep.reasons)
	}
}

func TestMessagesReachSubscribersAndStatusIsRetained(t *testing.T) {
	keep := newSpool(t)
	b, _ := start(t, embedded.Options{Intake: keep})
	device := mustDial(t, b, "air-1", func(o *mqtt.ClientOptions) {
		o.SetWill("cityhub/v1/air-1/status", "offline", 1, true)
	})
	wait(t, device.Publish("cityhub/v1/air-1/status", 1, true, "online"))
	got := make(chan string, 10)
	watcher := mustDial(t, b, "watcher", nil)
	wait(t, watcher.Subscribe("cityhub/v1/+/+", 1, func(_ mqtt.Client, m mqtt.Message) {
		got <- m.Topic() + " " + string(m.Payload())
	}))
	expect := func(want string) {
		t.Helper()
		select {
		case have := <-got:
			if have != want {
				t.Fatalf("got %q, want %q", have, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("nothing came, want %q", want)
		}
	}
	expect("cityhub/v1/air-1/status online")
	wait(t, device.Publish("cityhub/v1/air-1/telemetry", 1, false, reading(1)))
	expect("cityhub/v1/air-1/telemetry " + reading(1))
	if !b.Connected("air-1") || !b.Disconnect("air-1") {
		t.Fatal("the device is not known as connected")
	}
	expect("cityhub/v1/air-1/status offline")
	eventually(t, 5*time.Second, "gone", func() bool { return !b.Connected("air-1") })
	if b.Disconnect("air-1") {
		t.Error("disconnected twice")
	}
	if n := keep.distinct(); n != 1 {
		t.Errorf("%d readings kept; a status is none", n)
	}
}

func TestAPacketAboveTheLimitEndsTheConnection(t *testing.T) {
	b, _ := start(t, embedded.Options{Intake: newSpool(t)})
	conn, err := net.Dial("tcp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A CONNECT that claims 200 MiB.
	if _, err := conn.Write([]byte{0x10, 0x80, 0x80, 0x80, 0x64}); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Fatalf("the connection stays open: %v", err)
	}
}

// pace is a limiter that lets one client through only now and then.
type pace struct{ slow string }

func (p pace) Hold(a *telemetry.Arrival) time.Duration {
	if !a.Held && a.Payer == p.slow {
		a.Held = true
		return 50 * time.Millisecond
	}
	return 0
}

func TestTheLimiterSlowsOneAndNotTheOthers(t *testing.T) {
	keep := newSpool(t)
	b, _ := start(t, embedded.Options{Intake: keep, Limit: pace{slow: "loud"}})
	loud, calm := mustDial(t, b, "loud", nil), mustDial(t, b, "calm", nil)
	begin := time.Now()
	var last mqtt.Token
	for i := range 10 {
		last = loud.Publish("cityhub/v1/loud/telemetry", 1, false, reading(i))
	}
	for i := range 10 {
		wait(t, calm.Publish("cityhub/v1/calm/telemetry", 1, false, reading(100+i)))
	}
	calmTook := time.Since(begin)
	wait(t, last)
	if loudTook := time.Since(begin); loudTook < 450*time.Millisecond || calmTook > loudTook {
		t.Errorf("the loud one took %v, the calm one %v", loudTook, calmTook)
	}
}
