package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	bridge "cityhub/broker-bridge"
	"cityhub/broker-bridge/codec"
	"cityhub/broker-bridge/embedded"
	"cityhub/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spool is an intake that commits in groups from its own goroutine, as the real
// one does, and can be held or fail.
type spool struct {
	mu      sync.Mutex
	changed sync.Cond
	kept    map[string]int // by payload
	senders map[string]bool
	reasons map[telemetry.Reason]int
	waiting []func()
	held    bool
	err     error
	closed  bool
	ended   sync.WaitGroup
}

func newSpool(t testing.TB) *spool {
	s := &spool{kept: map[string]int{}, senders: map[string]bool{}, reasons: map[telemetry.Reason]int{}}
	s.changed.L = &s.mu
	s.ended.Go(s.commit)
	t.Cleanup(func() {
		s.set(func() { s.closed = true })
		s.ended.Wait()
	})
	return s
}

func (s *spool) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.changed.Broadcast()
}

func (s *spool) Submit(a telemetry.Arrival, done func(telemetry.Receipt)) {
	s.set(func() {
		s.waiting = append(s.waiting, func() {
			if s.err != nil {
				done(telemetry.Receipt{Err: s.err})
				return
			}
			if a.Refusal != nil {
				s.reasons[a.Refusal.Reason]++
			} else {
				s.kept[string(a.Payload)]++
			}
			s.senders[a.Sender] = true
			done(telemetry.Receipt{})
		})
	})
}

func (s *spool) commit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for (len(s.waiting) == 0 || s.held) && !s.closed {
			s.changed.Wait()
		}
		if s.closed {
			return
		}
		batch := s.waiting
		s.waiting = nil
		for _, answer := range batch {
			answer()
		}
	}
}

// count asks for something under the lock.
func (s *spool) count(of func() int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return of()
}

func (s *spool) distinct() int { return s.count(func() int { return len(s.kept) }) }
func (s *spool) pending() int  { return s.count(func() int { return len(s.waiting) }) }

// models give every device the same codec.
type models struct{}

func (models) Codec(string) (string, bool) {
	return `function decodeUplink(input) { return {data: {first: input.bytes[0]}}; }`, true
}

// secrets are the credentials of the test's devices.
type secrets map[string]string

func (s secrets) Authenticate(client, username, password string) (string, func() bool) {
	valid := func() bool { want, ok := s[username]; return ok && want == password }
	if client != username && (client != "" || username != "gateway") || !valid() {
		return "", nil
	}
	return username, valid
}

// onlyGateway may speak for every device but the neighbour's.
type onlyGateway struct{}

func (onlyGateway) Gateway(sender string) bool { return sender == "gateway" }
func (onlyGateway) Speaks(sender, device string) bool {
	return sender == "gateway" && device != "neighbour"
}

func start(t testing.TB, o embedded.Options) (b *embedded.Broker, stop func() error) {
	t.Helper()
	runner := codec.New(codec.Limits{})
	t.Cleanup(func() { _ = runner.Close() })
	decoder, err := bridge.NewDecoder(nil, runner, models{}, onlyGateway{})
	if err != nil {
		t.Fatal(err)
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	o.Decoder, o.Metrics = decoder, prometheus.NewRegistry()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if b, err = embedded.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return b, stop
}

func eventually(t testing.TB, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// dial connects a real client; the error is the broker's refusal.
func dial(t testing.TB, b *embedded.Broker, id string, change func(*mqtt.ClientOptions)) (mqtt.Client, error) {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker("tcp://" + b.Addr().String()).SetClientID(id)
	o.SetAutoReconnect(false).SetProtocolVersion(4).SetConnectTimeout(5 * time.Second)
	if change != nil {
		change(o)
	}
	client := mqtt.NewClient(o)
	token := client.Connect()
	token.Wait()
	if token.Error() == nil {
		t.Cleanup(func() { client.Disconnect(250) })
	}
	return client, token.Error()
}

func mustDial(t testing.TB, b *embedded.Broker, id string, change func(*mqtt.ClientOptions)) mqtt.Client {
	t.Helper()
	client, err := dial(t, b, id, change)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func login(id, secret string) func(*mqtt.ClientOptions) {
	return func(o *mqtt.ClientOptions) { o.SetUsername(id).SetPassword(secret) }
}

func reading(i int) string { return fmt.Sprintf(`{"seq":%d,"values":{"pm25":%d.5}}`, i, i%90) }

func wait(t testing.TB, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(20 * time.Second) {
		t.Fatal("no answer from the broker")
	}
	if token.Error() != nil {
		t.Fatal(token.Error())
	}
}

func TestTwentyThousandInFlightOnOneConnection(t *testing.T) {
	keep := newSpool(t)
	b, _ := start(t, embedded.Options{Intake: keep})
	client := mustDial(t, b, "gateway", nil)
	const n = 20_000
	begin := time.Now()
	tokens := make([]mqtt.Token, n)
	for i := range tokens {
		tokens[i] = client.Publish(fmt.Sprintf("cityhub/v1/air-%d/telemetry", i%50), 1, false, reading(i))
	}
	for _, token := range tokens {
		wait(t, token)
	}
	t.Logf("%.0f messages a second on one connection", n/time.Since(begin).Seconds())
	if got := keep.distinct(); got != n {
		t.Fatalf("%d acknowledged, %d kept", n, got)
	}
}

func TestTheAcknowledgementComesOnlyOnceDurable(t *testing.T) {
	for _, qos := range []byte{1, 2} {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			keep := newSpool(t)
			keep.set(func() { keep.held = true })
			b, _ := start(t, embedded.Options{Intake: keep})
			client := mustDial(t, b, "air-1", nil)
			var tokens []mqtt.Token
			for i := range 10 {
				tokens = append(tokens, client.Publish("cityhub/v1/air-1/telemetry", qos, false, reading(i)))
			}
			eventually(t, 5*time.Second, "all in hand", func() bool { return keep.pending() == 10 })
			if n, _ := b.Unacknowledged(); n != 10 {
				t.Errorf("%d unacknowledged, want 10", n)
			}
			for i, token := range tokens {
				select {
				case <-token.Done():
					t.Fatalf("message %d was acknowledged before it was kept", i)
				default:
				}
			}
			keep.set(func() { keep.held = false })
			for _, token := range tokens {
				wait(t, token)
			}
			if got := keep.distinct(); got != 10 {
				t.Errorf("%d kept, want 10", got)
			}
		})
	}
}

func TestADeviceThatIsNotKeptIsSentAwayAndComesAgain(t *testing.T) {
	keep := newSpool(t)
	keep.set(func() { keep.err = errors.New("disk full") })
	b, _ := start(t, embedded.Options{Intake: keep})
	client := mustDial(t, b, "air-1", func(o *mqtt.ClientOptions) {
		o.SetCleanSession(false).SetAutoReconnect(true).SetMaxReconnectInterval(100 * time.Millisecond)
		o.SetConnectionLostHandler(func(mqtt.Client, error) { keep.set(func() { keep.err = nil }) })
	})
	client.Publish("cityhub/v1/air-1/telemetry", 1, false, reading(1))
	eventually(t, 10*time.Second, "sent again and kept", func() bool { return keep.distinct() == 1 })
}

func TestStoppingWaitsForTheLastAcknowledgements(t *testing.T) {
	keep := newSpool(t)
	keep.set(func() { keep.held = true })
	b, stop := start(t, embedded.Options{Intake: keep})
	client := mustDial(t, b, "air-1", nil)
	token := client.Publish("cityhub/v1/air-1/telemetry", 1, false, reading(1))
	eventually(t, 5*time.Second, "in hand", func() bool { return keep.pending() == 1 })
	time.AfterFunc(200*time.Millisecond, func() { keep.set(func() { keep.held = false }) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wait(t, token)
}

func TestSlowSpoolHoldsTheDeviceAtItsLimit(t *testing.T) {
	keep := newSpool(t)
	keep.set(func() { keep.held = true })
	b, _ := start(t, embedded.Options{Intake: keep, Unacknowledged: 100})
	client := mustDial(t, b, "air-1", nil)
	published := make(chan []mqtt.Token)
	go func() {
		var tokens []mqtt.Token
		for i := range 1000 {
			tokens = append(tokens, client.Publish("cityhub/v1/air-1/telemetry", 1, false, reading(i)))
		}
		published <- tokens
	}()
	tokens := <-published // the socket's buffers take the rest
	eventually(t, 5*time.Second, "the limit is reached", func() bool { return keep.pending() == 100 })
	other := mustDial(t, b, "air-2", nil)
	second := other.Publish("cityhub/v1/air-2/telemetry", 1, false, reading(5000))
	eventually(t, 5*time.Second, "another device is not held", func() bool { return keep.pending() == 101 })
	keep.set(func() { keep.held = false })
	for _, token := range append(tokens, second) {
		wait(t, token)
	}
}

func TestMosquittoPubIsServed(t *testing.T) {
	program, err := exec.LookPath("mosquitto_pub")
	if err != nil {
		line := "group skipped: mosquitto: apt-get install mosquitto mosquitto-clients"
		if os.Getenv("CI") == "true" {
			t.Fatal(line)
		}
		t.Skip(line)
	}
	keep := newSpool(t)
	b, _ := start(t, embedded.Options{Intake: keep, Auth: secrets{"air-1": "s3cret"}})
	host, port, _ := strings.Cut(b.Addr().String(), ":")
	run := func(args ...string) (string, error) {
		args = append([]string{"-h", host, "-p", port, "-i", "air-1", "-u", "air-1", "-P", "s3cret"}, args...)
		out, err := exec.Command(program, args...).CombinedOutput()
		return string(out), err
	}
	for i, version := range []string{"mqttv31", "mqttv311", "mqttv5"} {
		if out, err := run("-V", version, "-q", "1", "-t", "cityhub/v1/air-1/telemetry", "-m", reading(i)); err != nil {
			t.Errorf("%s: %v: %s", version, err, out)
		}
	}
	if out, err := run("-V", "mqttv311", "-q", "2", "-t", "cityhub/v1/air-1/telemetry", "-m", reading(10)); err != nil {
		t.Errorf("QoS 2: %v: %s", err, out)
	}
	if out, err := run("-q", "1", "-t", "cityhub/v1/air-1/raw/5", "-m", "\x2a"); err != nil {
		t.Errorf("bytes for the codec: %v: %s", err, out)
	}
	if got := keep.distinct(); got != 5 {
		t.Errorf("%d kept, want 5", got)
	}
	if out, err := run("-V", "mqttv5", "-q", "2", "-t", "cityhub/v1/air-1/telemetry", "-m", reading(11)); err == nil && !strings.Contains(out, "QoS") {
		t.Errorf("MQTT 5 with QoS 2 was not refused: %s", out)
	}
}
