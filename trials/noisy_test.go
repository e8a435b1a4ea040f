package trials

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// credential makes a secret for a device.
func (h *hub) credential(code string) string {
	h.t.Helper()
	var found struct{ Items []struct{ ID int64 } }
	if !h.get("/devices?code="+code, &found) || len(found.Items) != 1 {
		h.t.Fatalf("%s is not registered", code)
	}
	answer, err := h.ask(h.t.Context(), http.MethodPost, fmt.Sprintf("/devices/%d/credentials", found.Items[0].ID), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	var made struct{ Secret string }
	if err := json.NewDecoder(answer.Body).Decode(&made); err != nil || made.Secret == "" {
		h.t.Fatalf("credential of %s: %s %v", code, answer.Status, err)
	}
	return made.Secret
}

// flooder is a device of citysim's flood, with a secret of its own.
func (h *hub) flooder(n int) mqtt.Client {
	h.t.Helper()
	code := fmt.Sprintf("flood-%06d", n)
	o := mqtt.NewClientOptions().AddBroker("tcp://" + h.mqt).SetClientID(code).SetUsername(code).SetPassword(h.credential(code))
	client := mqtt.NewClient(o.SetProtocolVersion(4).SetAutoReconnect(false).SetWriteTimeout(10 * time.Second))
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		h.t.Fatalf("%s cannot come in: %v", code, token.Error())
	}
	return client
}

func floodTopic(n int) string { return fmt.Sprintf("cityhub/v1/flood-%06d/telemetry", n) }

// calm has devices send at a city's pace and answers the 99th percentile of the
// time until each reading is among the latest, which it is before its
// acknowledgement.
func calm(t *testing.T, clients []mqtt.Client, lasting time.Duration) time.Duration {
	var mu sync.Mutex
	var all []time.Duration
	var senders sync.WaitGroup
	for i, client := range clients {
		senders.Go(func() {
			for end := time.Now().Add(lasting); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				begin := time.Now()
				token := client.Publish(floodTopic(i+1), 1, false, `{"values":{"pm25":1}}`)
				if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
					t.Errorf("a quiet device is not heard: %v", token.Error())
					return
				}
				mu.Lock()
				all = append(all, time.Since(begin))
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	if len(all) == 0 {
		t.FailNow()
	}
	slices.Sort(all)
	return all[len(all)*99/100]
}

// One device that sends as fast as it can does not make the others wait,
// whether what it sends is a reading or not. The machine has other work, so the
// middle one of several rounds counts: of three, or where those say no, of more.
func TestANoisyDeviceLeavesTheOthersAlone(t *testing.T) {
	for name, c := range map[string]struct{ topic, text string }{
		"readings": {"telemetry", `{"values":{"pm25":2}}`},
		"garbage":  {"telemetry", `{"values":{"pm25":`},
		"statuses": {"status", strings.Repeat("x", 4096)},
	} {
		t.Run(name, func(t *testing.T) { leavesTheOthersAlone(t, c.topic, c.text) })
	}
}

func leavesTheOthersAlone(t *testing.T, topic, text string) {
	const least, most = 3, 11 // rounds
	const quiet, rate, burst = 10, 100, 200
	h := startHub(t, t.TempDir(), nil, "--mqtt-anonymous=false", "--device-messages", "100", "--device-burst", "200")
	h.registerFlood(quiet + 1)
	var clients []mqtt.Client
	for i := range quiet {
		clients = append(clients, h.flooder(i+1))
	}
	noisy := h.flooder(quiet + 1)
	start := time.Now()
	var ratios []float64
	var sent atomic.Int64
	for len(ratios) < least || len(ratios) < most && middle(ratios) > 2 {
		alone := calm(t, clients, pick(2*time.Second, 10*time.Second))
		stop := make(chan struct{})
		var noise sync.WaitGroup
		noise.Go(func() {
			for window := make(chan mqtt.Token, 500); ; {
				select {
				case <-stop:
					return
				default:
				}
				if len(window) == cap(window) {
					(<-window).WaitTimeout(time.Second)
				}
				window <- noisy.Publish(fmt.Sprintf("cityhub/v1/flood-%06d/%s", quiet+1, topic), 1, false, text)
				sent.Add(1)
			}
		})
		beside := calm(t, clients, pick(2*time.Second, 10*time.Second))
		close(stop)
		noise.Wait()
		ratio := float64(beside) / float64(alone)
		t.Logf("p99 until latest: alone %v, beside the noisy one %v: %.2f times", alone, beside, ratio)
		ratios = append(ratios, ratio)
	}
	s, took := h.status().Counters, time.Since(start)
	t.Logf("the noisy device sent %d; quarantined %v, rejected %v", sent.Load(), s.Quarantined, s.Rejected)
	if got, most := s.Quarantined["undecodable"], burst+int64(rate*took.Seconds())+1; got > most {
		t.Errorf("%d messages were looked at of a device that may send %d", got, most)
	}
	if s.Quarantined["quota"]+s.Rejected["quota"] > 0 {
		t.Error("a device that can be made to wait is refused")
	}
	if ratio := middle(ratios); ratio > 2 {
		t.Errorf("the others wait %.2f times as long in the middle one of %d rounds, want at most twice", ratio, len(ratios))
	}
}

func middle(of []float64) float64 { return slices.Sorted(slices.Values(of))[len(of)/2] }

// Over HTTP a device is told when it may come back.
func TestADeviceAboveItsQuotaIsAskedToWait(t *testing.T) {
	h := startHub(t, t.TempDir(), nil, "--device-messages", "1", "--device-burst", "2")
	h.registerFlood(1)
	secret := h.credential("flood-000001")
	for i := range 20 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.http+"/api/v1/ingest",
			strings.NewReader(fmt.Sprintf(`{"values":{"pm25":%d}}`, i)))
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("flood-000001", secret)
		request.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		switch answer.StatusCode {
		case http.StatusAccepted:
			continue
		case http.StatusTooManyRequests:
			if answer.Header.Get("Retry-After") == "" || i < 2 {
				t.Errorf("reading %d: refused without a time to come back", i)
			}
			return
		}
		t.Fatalf("reading %d: %s", i, answer.Status)
	}
	t.Error("no reading of twenty was too many")
}
