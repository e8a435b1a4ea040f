package publish

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"cityhub/cmd/citysim/city"
	"cityhub/testbed"
)

// TestEveryStationIsHeard runs a small city against a real broker until each
// of its stations has spoken, in whatever format, and ends it cleanly.
func TestEveryStationIsHeard(t *testing.T) {
	broker := testbed.Mosquitto(t, "")
	stations, err := city.Plan(60, 1)
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for _, s := range stations {
		missing[name(s)] = true
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var mu sync.Mutex
	hear(t, broker.URL, func(topic string) {
		mu.Lock()
		defer mu.Unlock()
		delete(missing, strings.Split(topic, "/")[partOf(topic)])
		if len(missing) == 0 {
			cancel()
		}
	})
	sim := city.NewSimulator(stations, 1, time.Now(), 100, city.SmallFaults())
	if err := Run(ctx, Options{Broker: broker.URL, ClientID: "t", Connections: 3}, sim); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(missing) > 0 {
		t.Errorf("not heard: %v", missing)
	}
}

// name is what of a station stands in its topics.
func name(s city.Station) string {
	if s.DevEUI != "" {
		return strings.ToLower(s.DevEUI)
	}
	return s.Device
}

func partOf(topic string) int {
	if strings.HasPrefix(topic, "application/") {
		return 3
	}
	return 2
}

func hear(t *testing.T, url string, take func(topic string)) {
	t.Helper()
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID("ear"))
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal("cannot connect: ", token.Error())
	}
	t.Cleanup(func() { client.Disconnect(100) })
	filters := map[string]byte{"cityhub/v1/+/+": 1, "application/+/device/+/event/up": 1}
	token := client.SubscribeMultiple(filters, func(_ mqtt.Client, m mqtt.Message) { take(m.Topic()) })
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal("cannot subscribe: ", token.Error())
	}
}

func TestNoBrokerIsAnError(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	sim := city.NewSimulator(nil, 1, time.Now(), 0, city.Faults{})
	err := Run(ctx, Options{Broker: "tcp://127.0.0.1:1", ClientID: "t", Connections: 1}, sim)
	if err == nil || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("got %v", err)
	}
}
