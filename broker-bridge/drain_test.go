package bridge_test

import (
	"context"
	"net"
	"net/url"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	bridge "cityhub/broker-bridge"
	"cityhub/broker-bridge/socket"
	"cityhub/telemetry"
	"cityhub/testbed"
)

// BenchmarkDrain empties a backlog at a real Mosquitto, each message decoded
// and acknowledged, in three ways in one run:
//
//	go test -bench Drain -benchtime 3x -run '^$' ./broker-bridge
func BenchmarkDrain(b *testing.B) {
	const backlog = 50_000
	for _, way := range []struct {
		name  string
		drain func(b *testing.B, url string, decoder *bridge.Decoder, n int)
	}{
		{"stock socket", func(b *testing.B, url string, d *bridge.Decoder, n int) { drainStock(b, url, d, n, nil) }},
		{"gathering socket", func(b *testing.B, url string, d *bridge.Decoder, n int) { drainStock(b, url, d, n, gathering) }},
		{"bridge", drainBridge},
	} {
		b.Run(way.name, func(b *testing.B) {
			broker := testbed.Mosquitto(b, "persistence false\nmax_inflight_messages 2000\nmax_queued_messages 0\n")
			drainStock(b, broker.URL, decoder(b), 0, nil) // makes the session
			var took, cpu time.Duration
			for b.Loop() {
				b.StopTimer()
				publish(b, broker.URL, 0, backlog)
				begin, used := time.Now(), cpuTime(b)
				b.StartTimer()
				way.drain(b, broker.URL, decoder(b), backlog)
				took, cpu = took+time.Since(begin), cpu+cpuTime(b)-used
			}
			n := float64(backlog * b.N)
			b.ReportMetric(n/took.Seconds(), "msg/s")
			b.ReportMetric(float64(cpu.Microseconds())/n, "cpu-µs/msg")
		})
	}
}

func cpuTime(t testing.TB) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func gathering(target *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
	conn, err := net.Dial("tcp", target.Host)
	if err != nil {
		return nil, err
	}
	return socket.New(conn, 1<<16), nil
}

// drainStock is the client library as its documentation shows it.
func drainStock(t testing.TB, url string, d *bridge.Decoder, n int, open mqtt.OpenConnectionFunc) {
	var count atomic.Int64
	done := make(chan struct{})
	o := mqtt.NewClientOptions().AddBroker(url).SetClientID("hub").SetCleanSession(false)
	o.SetAutoAckDisabled(true).SetAutoReconnect(false)
	if open != nil {
		o.SetCustomOpenConnectionFn(open)
	}
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		if _, err := d.Arrival(context.Background(), m.Topic(), m.Payload(), "", time.Now()); err != nil {
			t.Error(err)
		}
		m.Ack()
		if count.Add(1) == int64(n) {
			close(done)
		}
	})
	client := mqtt.NewClient(o)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	defer client.Disconnect(1000)
	if token := client.Subscribe("cityhub/v1/+/telemetry", 1, nil); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	if n > 0 {
		<-done
	}
}

// counter is an intake that says yes at once, so that only the way there is measured.
type counter struct {
	left atomic.Int64
	done chan struct{}
}

func (c *counter) Submit(_ telemetry.Arrival, done func(telemetry.Receipt)) {
	done(telemetry.Receipt{})
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
}

func drainBridge(b *testing.B, url string, _ *bridge.Decoder, n int) {
	c := &counter{done: make(chan struct{})}
	c.left.Store(int64(n))
	_, stop := start(b, bridge.Options{URL: url, Intake: c})
	<-c.done
	if err := stop(); err != nil {
		b.Fatal(err)
	}
}
