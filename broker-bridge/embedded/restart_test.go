package embedded_test

import (
	"fmt"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"cityhub/broker-bridge/embedded"
	"cityhub/testbed"
)

func TestRestartsLoseNothing(t *testing.T) {
	keep := newSpool(t)
	address := fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t))
	b, stop := start(t, embedded.Options{Intake: keep, Listen: address})
	client := mustDial(t, b, "air-1", func(o *mqtt.ClientOptions) {
		o.SetCleanSession(false).SetAutoReconnect(true).SetMaxReconnectInterval(50 * time.Millisecond).SetResumeSubs(true)
	})
	const n, restarts = 6000, 4
	published := make(chan error, 1)
	go func() {
		for i := range n {
			for { // the client refuses to queue while it reconnects, as any device may
				token := client.Publish("cityhub/v1/air-1/telemetry", 1, false, reading(i))
				select {
				case <-token.Done():
					if token.Error() != nil {
						time.Sleep(5 * time.Millisecond)
						continue
					}
				default:
				}
				break
			}
		}
		published <- nil
	}()
	for round := range restarts {
		eventually(t, 20*time.Second, "some more are kept", func() bool { return keep.distinct() > (round+1)*n/(restarts+2) })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		_, stop = start(t, embedded.Options{Intake: keep, Listen: address})
	}
	<-published
	eventually(t, 20*time.Second, "all kept", func() bool { return keep.distinct() == n })
}

func TestACutConnectionIsResumed(t *testing.T) {
	keep := newSpool(t)
	b, _ := start(t, embedded.Options{Intake: keep})
	client := mustDial(t, b, "air-1", func(o *mqtt.ClientOptions) {
		o.SetCleanSession(false).SetAutoReconnect(true).SetMaxReconnectInterval(50 * time.Millisecond)
	})
	keep.set(func() { keep.held = true })
	for i := range 200 {
		client.Publish("cityhub/v1/air-1/telemetry", 1, false, reading(i))
	}
	eventually(t, 5*time.Second, "all in hand", func() bool { return keep.pending() == 200 })
	// The connection goes while nothing is acknowledged, and what was in hand
	// is lost as in a crash.
	keep.set(func() { keep.waiting = nil })
	if !b.Disconnect("air-1") {
		t.Fatal("not connected")
	}
	keep.set(func() { keep.held = false })
	eventually(t, 10*time.Second, "all sent again and kept", func() bool { return keep.distinct() == 200 })
}
