package trials

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"cityhub/testbed"
)

// device is one device that publishes to a broker, and numbers its messages.
type device struct {
	t      *testing.T
	client mqtt.Client
	seq    int
}

func newDevice(t *testing.T, url string) *device {
	t.Helper()
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID("flood-000001").SetWriteTimeout(10 * time.Second))
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { client.Disconnect(250) })
	return &device{t: t, client: client}
}

// send publishes n messages within a time, and waits for the broker's word.
func (d *device) send(n int, within time.Duration) {
	d.t.Helper()
	tokens := make([]mqtt.Token, n)
	pace := time.NewTicker(max(time.Microsecond, within/time.Duration(n)))
	defer pace.Stop()
	for i := range tokens {
		<-pace.C
		d.seq++
		text := fmt.Sprintf(`{"time":%q,"seq":%d,"values":{"pm25":%d}}`, time.Now().UTC().Format(time.RFC3339Nano), d.seq, d.seq%100)
		tokens[i] = d.client.Publish(floodTopic(1), 1, false, text)
	}
	for _, token := range tokens {
		if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
			d.t.Fatal("the broker does not take it: ", token.Error())
		}
	}
}

// What one device sent to the broker while there was no hub is stored whole,
// though it comes all at once, by the quotas that a hub has by itself.
func TestFaultHubAwayWhileADeviceSends(t *testing.T) {
	t.Parallel() // it waits more than it works
	broker := testbed.Mosquitto(t, shippedConfig(t))
	h := startHub(t, t.TempDir(), nil, "--mqtt-url", broker.URL)
	h.registerFlood(1)
	d := newDevice(t, broker.URL)
	d.send(1, 0)
	h.await("the hub hears the device", 10*time.Second, func() bool { return h.status().Counters.Accepted == 1 })
	h.terminate()
	const backlog = 5000 // the device may send 2,000 at once
	d.send(backlog, 36*time.Second)
	h.start()
	h.awaitReady()
	h.await("all is stored", 30*time.Second, func() bool {
		s := h.status()
		return s.Counters.Stored+s.Counters.Duplicates >= backlog || len(s.Counters.Rejected)+len(s.Counters.Quarantined) > 0
	})
	s := h.drained(10 * time.Second)
	if s.Counters.Received["native"] != backlog || s.Counters.Accepted != backlog+s.Counters.Received["recovered"] || len(s.Counters.Rejected)+len(s.Counters.Quarantined) > 0 {
		t.Errorf("of %d messages %d were accepted; rejected %v, quarantined %v", backlog, s.Counters.Accepted, s.Counters.Rejected, s.Counters.Quarantined)
	}
	if s.Sequence.Gaps != 0 {
		t.Errorf("%d are missed where none is missing", s.Sequence.Gaps)
	}
}

// A broker that loses what it held while the hub is stopped is found out, by
// its session and by the numbers of what it lost; also when the hub was killed.
func TestFaultMosquittoLosesItsFilesWhileTheHubIsStopped(t *testing.T) {
	t.Parallel() // it waits more than it works
	for name, stop := range map[string]func(*hub){
		"stopped": func(h *hub) { h.terminate() },
		"killed":  (*hub).kill,
	} {
		t.Run(name, func(t *testing.T) { losesItsFiles(t, stop) })
	}
}

func losesItsFiles(t *testing.T, stop func(*hub)) {
	broker := testbed.Mosquitto(t, shippedConfig(t))
	data := t.TempDir()
	h := startHub(t, data, nil, "--mqtt-url", broker.URL)
	h.registerFlood(1)
	d := newDevice(t, broker.URL)
	d.send(10, 0)
	h.await("the hub hears the device", 10*time.Second, func() bool { return h.status().Counters.Accepted == 10 })
	noted := time.Now()
	h.await("the hub has written down what it knows", 25*time.Second, func() bool {
		info, err := os.Stat(filepath.Join(data, "memory.json"))
		return err == nil && info.ModTime().After(noted)
	})
	stop(h)
	d.send(1000, 0)
	broker.Stop()
	if err := os.Remove(filepath.Join(filepath.Dir(broker.Config), "mosquitto.db")); err != nil {
		t.Fatal(err)
	}
	broker.Restart()
	h.start()
	h.awaitReady()
	recovered := h.status().Counters.Accepted // what a kill left in the spool counts once more
	again := newDevice(t, broker.URL)
	again.seq = d.seq
	again.send(1, 0)
	h.await("the hub hears the device again", 10*time.Second, func() bool { return h.status().Counters.Accepted == recovered+1 })
	s := h.status()
	if s.Broker.SessionLost != 1 {
		t.Errorf("%d sessions count as lost, want 1", s.Broker.SessionLost)
	}
	if s.Sequence.Gaps > 1000 || s.Sequence.Gaps < 950 { // of a hub that was killed the last seconds are in doubt
		t.Errorf("%d messages are missed of 1,000", s.Sequence.Gaps)
	}
}
