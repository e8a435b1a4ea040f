//go:build peers

package trials

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"cityhub/testbed"
	"cityhub/testbed/race"
	"cityhub/testbed/windowbroker"
)

const (
	window        = 20     // Mosquitto's default
	windowCount   = 20_000 // messages for the hub
	windowForPeer = 2_000  // Telegraf would take too long for more
)

// runWindow is A3: a broker that never has more than 20 unacknowledged
// messages on the way, a consumer that acknowledges what is durable only.
func runWindow(t *testing.T, r *race.Report, program string, best telegrafSettings) {
	hub := throughWindow(t, "window of 20, hub", newHubConsumer, "cityhub", windowCount)
	same := throughWindow(t, "window of 20, Telegraf as for A1", telegrafConsumer(program, best), "telegraf", windowForPeer/10)
	fitted := throughWindow(t, "window of 20, Telegraf fitted", telegrafConsumer(program, telegrafSettings{undelivered: 1000, batch: window, flush: "200ms"}), "telegraf", windowForPeer)
	r.Add(race.Row{What: "A3 window of 20, messages/s", Hub: hub.rate, Peer: same.rate, Ratio: hub.rate / same.rate, Goal: "hub ≥ 2000", Met: hub.rate >= 2000, Others: hub.others})
	r.Add(race.Row{What: "   Telegraf with metric_batch_size 20", Hub: hub.rate, Peer: fitted.rate, Ratio: hub.rate / fitted.rate, Others: fitted.others})
}

type windowed struct{ rate, others float64 }

// throughWindow publishes while the consumer is away, and measures from its
// start until it has acknowledged all.
func throughWindow(t *testing.T, name string, consumer makeConsumer, client string, n int) (out windowed) {
	ok := t.Run(name, func(t *testing.T) {
		db := testbed.InfluxDB(t)
		broker, err := windowbroker.Listen("127.0.0.1:0", window)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(broker.Close)
		c := consumer(t, broker.URL(), db)
		stats := func() windowbroker.Stats {
			s, there := broker.Stats(client)
			if !there {
				t.Fatalf("%s has no session at the broker", client)
			}
			return s
		}
		before, had := stats().Acknowledged, points(t, db)
		ledger := filepath.Join(t.TempDir(), "ledger")
		flood(t, broker.URL(), ledger, "--devices", strconv.Itoa(floodDevices), "--count", strconv.Itoa(n), "--rate", "0", "--connections", "1")()
		begin := time.Now()
		c.start()
		w := newWatch(t)
		for stats().Acknowledged < before+n {
			if time.Since(begin) > 5*time.Minute {
				t.Fatalf("%d of %d messages are acknowledged after 5 minutes", stats().Acknowledged-before, n)
			}
			time.Sleep(10 * time.Millisecond)
		}
		took := time.Since(begin)
		out = windowed{rate: float64(n) / took.Seconds(), others: w.others()}
		t.Logf("%d messages acknowledged in %.1f s: %.0f/s; never more than %d in flight", n, took.Seconds(), out.rate, stats().MaxUnacknowledged)
		c.settled(n)
		if h, mine := c.(hubConsumer); mine {
			h.awaitReady()
			h.check(ledger)
		}
		if have := points(t, db); have != had+n {
			t.Errorf("InfluxDB counts %d points; %d were acknowledged", have-had, n)
		}
		c.stop()
	})
	if !ok || out.rate == 0 { // or skipped, for a part is missing
		t.FailNow()
	}
	return out
}
