package trials

import (
	"testing"
	"time"

	"cityhub/testbed"
)

// Behind a broker that cannot make a device wait, garbage counts like readings:
// beyond the quota nobody looks at it, and little of it is kept.
func TestGarbageBehindMosquittoIsRefusedUnseen(t *testing.T) {
	broker := testbed.Mosquitto(t, shippedConfig(t))
	h := startHub(t, t.TempDir(), nil, "--mqtt-url", broker.URL)
	h.registerFlood(1)
	d := newDevice(t, broker.URL)
	begin := time.Now()
	const sent = 20_000
	for range sent / 500 {
		for range 499 {
			d.client.Publish(floodTopic(1), 1, false, "garbage")
		}
		if token := d.client.Publish(floodTopic(1), 1, false, "garbage"); !token.WaitTimeout(20 * time.Second) {
			t.Fatal("the broker does not take it")
		}
	}
	h.await("all is settled", 30*time.Second, func() bool {
		return h.status().Counters.Received["native"] == sent
	})
	s, took := h.drained(10*time.Second).Counters, time.Since(begin)
	t.Logf("quarantined %v, rejected %v after %v", s.Quarantined, s.Rejected, took.Round(time.Millisecond))
	if most := 2000 + int64(100*took.Seconds()) + 1; s.Quarantined["undecodable"] > most {
		t.Errorf("%d messages were looked at; the device may send %d", s.Quarantined["undecodable"], most)
	}
	if s.Quarantined["quota"] > 10 || s.Rejected["quota"] < sent/2 {
		t.Errorf("of %d messages %d were refused, and %d of them kept", sent, s.Rejected["quota"], s.Quarantined["quota"])
	}
}
