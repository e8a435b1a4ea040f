package bridge_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	bridge "cityhub/broker-bridge"
	"cityhub/testbed"
	"cityhub/testbed/windowbroker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The shipped broker's settings that matter here.
const persistent = "persistence true\nautosave_interval 1\nmax_inflight_messages 2000\nmax_queued_messages 0\n"

func decoder(t testing.TB) *bridge.Decoder {
	t.Helper()
	d, err := bridge.NewDecoder(nil, runner(t), sources{"raw-1": sumCodec}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// start runs a bridge until stop is called or the test ends.
func start(t testing.TB, o bridge.Options) (b *bridge.Bridge, stop func() error) {
	t.Helper()
	o.ClientID, o.Decoder = "hub", decoder(t)
	o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	b, err := bridge.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return b, stop
}

// eventually waits until a condition holds.
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

func connected(b *bridge.Bridge) func() bool {
	return func() bool { return b.Status().Connected }
}

// publish sends n readings, counted from one on.
func publish(t testing.TB, url string, from, n int) {
	t.Helper()
	messages := make([][2]string, n)
	for i := range messages {
		messages[i] = [2]string{topic(from + i), reading(from + i)}
	}
	send(t, url, messages)
}

// send publishes (topic, payload) at QoS 1 from an own client, and answers when
// the broker has acknowledged all.
func send(t testing.TB, url string, messages [][2]string) {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker(url).SetClientID("devices").SetAutoReconnect(false)
	client := mqtt.NewClient(o)
	token := client.Connect()
	token.Wait()
	if token.Error() != nil {
		t.Fatal(token.Error())
	}
	defer client.Disconnect(1000)
	tokens := make([]mqtt.Token, len(messages))
	for i, m := range messages {
		tokens[i] = client.Publish(m[0], 1, false, m[1])
	}
	for _, token := range tokens {
		if token.Wait(); token.Error() != nil {
			t.Fatal(token.Error())
		}
	}
}

func topic(i int) string { return fmt.Sprintf("cityhub/v1/air-%d/telemetry", i%100) }

func reading(i int) string {
	return fmt.Sprintf(`{"time":%d,"seq":%d,"values":{"pm25":%d.5,"pm10":40.25,"temperature":31.5,"humidity":70}}`,
		1750000000000+i, i, i%60)
}

func TestTenThousandMessagesAreAllAcknowledged(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	keep := newIntake()
	b, stop := start(t, bridge.Options{URL: broker.URL, Intake: keep})
	eventually(t, 5*time.Second, "connected", connected(b))
	const n = 10_000
	publish(t, broker.URL, 0, n)
	eventually(t, 20*time.Second, "all kept", func() bool { return keep.distinct() == n })
	eventually(t, 5*time.Second, "all acknowledged", func() bool { return b.Status().Unacknowledged == 0 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	// What the broker still holds for the hub would come again.
	again := newIntake()
	b, _ = start(t, bridge.Options{URL: broker.URL, Intake: again})
	eventually(t, 5*time.Second, "connected again", connected(b))
	publish(t, broker.URL, n, 1)
	eventually(t, 5*time.Second, "the one after", func() bool { return again.times(reading(n)) == 1 })
	if got := again.distinct(); got != 1 {
		t.Errorf("%d messages came again although they were acknowledged", got-1)
	}
}

func TestNothingIsAcknowledgedBeforeItIsDurable(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	keep := newIntake()
	keep.hold()
	b, stop := start(t, bridge.Options{URL: broker.URL, Intake: keep})
	eventually(t, 5*time.Second, "connected", connected(b))
	const n = 500
	publish(t, broker.URL, 0, n)
	eventually(t, 5*time.Second, "all in hand", func() bool { return keep.holding() == n })
	if s := b.Status(); s.Unacknowledged != n || s.OldestUnacknowledged <= 0 {
		t.Errorf("status says %+v with %d in hand", s, n)
	}
	if stop() == nil {
		t.Error("stopping said nothing of what was left unacknowledged")
	}
	keep.forget()
	start(t, bridge.Options{URL: broker.URL, Intake: keep})
	eventually(t, 10*time.Second, "all came again", func() bool { return keep.distinct() == n })
}

func TestStoppingWaitsForTheLastAnswers(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	keep := newIntake()
	keep.hold()
	b, stop := start(t, bridge.Options{URL: broker.URL, Intake: keep})
	eventually(t, 5*time.Second, "connected", connected(b))
	publish(t, broker.URL, 0, 100)
	eventually(t, 5*time.Second, "all in hand", func() bool { return keep.holding() == 100 })
	time.AfterFunc(300*time.Millisecond, func() {
		keep.mu.Lock()
		defer keep.mu.Unlock()
		for _, answer := range keep.waiting {
			answer()
		}
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	again := newIntake()
	b, _ = start(t, bridge.Options{URL: broker.URL, Intake: again})
	eventually(t, 5*time.Second, "connected again", connected(b))
	publish(t, broker.URL, 100, 1)
	eventually(t, 5*time.Second, "the one after", func() bool { return again.distinct() > 0 })
	if again.times(reading(100)) != 1 || again.distinct() != 1 {
		t.Errorf("%d messages came again", again.distinct()-1)
	}
}

func TestTheWatchdogAsksForWhatIsStuck(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	keep := newIntake()
	keep.hold()
	b, _ := start(t, bridge.Options{URL: broker.URL, Intake: keep, Stall: 400 * time.Millisecond})
	eventually(t, 5*time.Second, "connected", connected(b))
	publish(t, broker.URL, 0, 10)
	eventually(t, 5*time.Second, "in hand", func() bool { return keep.holding() == 10 })
	eventually(t, 10*time.Second, "sent again on a new connection", func() bool { return keep.holding() >= 20 })
	keep.forget()
	eventually(t, 10*time.Second, "kept", func() bool { return keep.distinct() == 10 })
}

func TestWhatCouldNotBeKeptComesAgain(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	keep := newIntake()
	keep.fail(fmt.Errorf("disk full"))
	b, _ := start(t, bridge.Options{URL: broker.URL, Intake: keep})
	eventually(t, 5*time.Second, "connected", connected(b))
	publish(t, broker.URL, 0, 50)
	eventually(t, 5*time.Second, "the failure is told", func() bool { return b.Status().LastError != "" })
	if keep.distinct() != 0 {
		t.Fatal("kept although the disk is full")
	}
	keep.fail(nil)
	eventually(t, 10*time.Second, "kept once there is room", func() bool { return keep.distinct() == 50 })
}

func TestABrokerThatComesBackHasItsSubscriberWithinThreeSeconds(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	keep := newIntake()
	b, _ := start(t, bridge.Options{URL: broker.URL, Intake: keep})
	eventually(t, 5*time.Second, "connected", connected(b))
	for round := range 3 {
		broker.Kill()
		eventually(t, 5*time.Second, "noticed", func() bool { return !b.Status().Connected })
		broker.Restart()
		open := time.Now()
		eventually(t, 3*time.Second, "subscribed again", connected(b))
		t.Logf("round %d: subscribed %v after the port opened", round, time.Since(open).Round(time.Millisecond))
		publish(t, broker.URL, round*100, 100)
		eventually(t, 5*time.Second, "kept", func() bool { return keep.distinct() == (round+1)*100 })
	}
}

func TestALostSessionIsNoticed(t *testing.T) {
	broker := testbed.Mosquitto(t, "") // keeps nothing over a restart
	b, _ := start(t, bridge.Options{URL: broker.URL, Intake: newIntake()})
	eventually(t, 5*time.Second, "connected", connected(b))
	if lost := b.Status().SessionLost; lost != 0 {
		t.Fatalf("the first connection counts as %d lost sessions", lost)
	}
	broker.Restart()
	eventually(t, 5*time.Second, "session lost", func() bool { return b.Status().SessionLost == 1 })
}

func TestAKeptSessionIsNotCalledLost(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	b, _ := start(t, bridge.Options{URL: broker.URL, Intake: newIntake()})
	eventually(t, 5*time.Second, "connected", connected(b))
	since := b.Status().Since
	broker.Stop() // writes its data
	broker.Restart()
	eventually(t, 5*time.Second, "connected again", func() bool { s := b.Status(); return s.Connected && s.Since.After(since) })
	if lost := b.Status().SessionLost; lost != 0 {
		t.Errorf("%d lost sessions, but the broker kept it", lost)
	}
}

func TestAWindowOfTwentyIsNeverOverrunAndNeverStalls(t *testing.T) {
	broker, err := windowbroker.Listen("127.0.0.1:0", 20)
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	keep := newGroupCommit(2 * time.Millisecond)
	defer keep.stop()
	b, stop := start(t, bridge.Options{URL: broker.URL(), Intake: keep})
	eventually(t, 5*time.Second, "connected", connected(b))
	const n = 5000
	begin := time.Now()
	for i := range n {
		broker.Publish(topic(i), []byte(reading(i)))
		if i == n/2 {
			broker.Drop()
		}
	}
	eventually(t, 30*time.Second, "all acknowledged", func() bool {
		s, _ := broker.Stats("hub")
		return s.Acknowledged == n && s.Queued == 0 && s.Unacknowledged == 0
	})
	s, _ := broker.Stats("hub")
	t.Logf("%.0f messages a second with a commit of 2 ms; %d sent again", n/time.Since(begin).Seconds(), s.Resent)
	if s.MaxUnacknowledged > 20 {
		t.Errorf("%d unacknowledged at a time", s.MaxUnacknowledged)
	}
	if got := keep.distinct(); got != n {
		t.Errorf("%d of %d kept", got, n)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestBytesGoThroughTheirCodecBesideTheRest(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	keep := newIntake()
	registry := prometheus.NewRegistry()
	b, _ := start(t, bridge.Options{URL: broker.URL, Intake: keep, Metrics: registry})
	eventually(t, 5*time.Second, "connected", connected(b))
	const n = 200
	var messages [][2]string
	for i := range n {
		messages = append(messages,
			[2]string{"cityhub/v1/raw-1/raw/3", fmt.Sprintf("raw %d", i)},
			[2]string{topic(i), reading(i)},
			[2]string{"application/a/device/a84041ffff1c2d3e/event/join", `{"deviceInfo":{"devEui":"a84041ffff1c2d3e"}}`})
	}
	send(t, broker.URL, messages)
	eventually(t, 20*time.Second, "all kept", func() bool { return keep.distinct() == 2*n })
	eventually(t, 5*time.Second, "all acknowledged", func() bool { return b.Status().Unacknowledged == 0 })
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			got[family.GetName()] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	if got["cityhub_mqtt_ignored_total"] != n || got["cityhub_mqtt_connected"] != 1 || got["cityhub_mqtt_connects_total"] != 1 || got["cityhub_mqtt_unacknowledged"] != 0 {
		t.Errorf("metrics %v", got)
	}
}
