package flood

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/goleak"

	"cityhub/cmd/citysim/ledger"
	"cityhub/testbed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open is a broker whose limits are not what is tested.
const open = "max_inflight_messages 0\nmax_queued_messages 0\n"

func options(url string) Options {
	return Options{Broker: url, ClientID: "t", Devices: 50, Fields: MaxFields, Connections: 3, Inflight: 100,
		Stalled: 10 * time.Second, Drain: 20 * time.Second}
}

// run floods into a ledger and gives what it holds afterwards.
func run(t *testing.T, ctx context.Context, o Options, path string, totals *Totals) []ledger.Record {
	t.Helper()
	book, before, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(Run(ctx, o, book, before, totals), book.Close())
	if err != nil {
		t.Fatal(err)
	}
	return kept(t, path)
}

func kept(t *testing.T, path string) []ledger.Record {
	t.Helper()
	contents, err := ledger.Read(path)
	if err != nil || contents.Torn != 0 {
		t.Fatalf("%d torn bytes, %v", contents.Torn, err)
	}
	return contents.Records
}

// audit wants each device's seq without a gap from 1 and its times unique.
func audit(t *testing.T, records []ledger.Record) {
	t.Helper()
	type instant struct {
		device uint32
		time   int64
	}
	times := map[instant]bool{}
	seqs, most := map[[2]uint32]bool{}, map[uint32]uint32{}
	for _, r := range records {
		if times[instant{r.Device, r.Time}] || seqs[[2]uint32{r.Device, r.Seq}] {
			t.Fatalf("%+v repeats a time or a seq", r)
		}
		times[instant{r.Device, r.Time}], seqs[[2]uint32{r.Device, r.Seq}] = true, true
		most[r.Device] = max(most[r.Device], r.Seq)
	}
	total := 0
	for _, m := range most {
		total += int(m)
	}
	if total != len(records) {
		t.Errorf("devices counted to %d together, the ledger has %d", total, len(records))
	}
}

func TestAllIsAcknowledgedAndARunGoesOnWhereTheLastEnded(t *testing.T) {
	broker := testbed.Mosquitto(t, open)
	path := filepath.Join(t.TempDir(), "ledger")
	o := options(broker.URL)
	o.Count = 5003
	for round := 1; round <= 2; round++ {
		var totals Totals
		records := run(t, context.Background(), o, path, &totals)
		if len(records) != round*o.Count || totals.Acked.Load() != int64(o.Count) || totals.Unacked.Load() != 0 {
			t.Fatalf("round %d: %d records, %d acked", round, len(records), totals.Acked.Load())
		}
		audit(t, records)
	}
}

// listener keeps what a subscriber sees: the payloads by device and seq.
type listener struct {
	mu   sync.Mutex
	seen map[string]map[string]bool // topic and seq → payloads
}

func listen(t *testing.T, url string) *listener {
	t.Helper()
	l := &listener{seen: map[string]map[string]bool{}}
	options := mqtt.NewClientOptions().AddBroker(url).SetClientID("listener").SetAutoReconnect(true).
		SetMaxReconnectInterval(100 * time.Millisecond)
	options.SetOnConnectHandler(func(c mqtt.Client) { c.Subscribe("cityhub/v1/+/telemetry", 1, l.take) })
	client := mqtt.NewClient(options)
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal("listener cannot connect:", token.Error())
	}
	t.Cleanup(func() { client.Disconnect(100) })
	return l
}

func (l *listener) take(_ mqtt.Client, m mqtt.Message) {
	var body struct{ Seq json.Number }
	if err := json.Unmarshal(m.Payload(), &body); err != nil {
		body.Seq = json.Number("bad: " + err.Error())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := m.Topic() + " " + string(body.Seq)
	if l.seen[key] == nil {
		l.seen[key] = map[string]bool{}
	}
	l.seen[key][string(m.Payload())] = true
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seen)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for ", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestBrokerIsKilledInTheMiddle kills the broker twice under load. What was
// not acknowledged must be sent again as it was, and all be acknowledged in
// the end.
func TestBrokerIsKilledInTheMiddle(t *testing.T) {
	broker := testbed.Mosquitto(t, open)
	heard := listen(t, broker.URL)
	o := options(broker.URL)
	o.Count, o.Rate = 12000, 6000
	var totals Totals
	path := filepath.Join(t.TempDir(), "ledger")
	book, before, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- errors.Join(Run(context.Background(), o, book, before, &totals), book.Close()) }()
	for _, at := range []int64{3000, 8000} {
		eventually(t, "messages to kill under", func() bool { return totals.Acked.Load() > at })
		broker.Kill()
		broker.Restart()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	records := kept(t, path)
	if len(records) != o.Count || totals.Unacked.Load() != 0 || totals.Reconnects.Load() < 6 {
		t.Fatalf("%d records, %d unacked, %d reconnects", len(records), totals.Unacked.Load(), totals.Reconnects.Load())
	}
	audit(t, records)
	eventually(t, "the listener", func() bool { return heard.count() > o.Count/3 })
	heard.mu.Lock()
	defer heard.mu.Unlock()
	for key, payloads := range heard.seen {
		if len(payloads) != 1 || strings.Contains(key, "bad") {
			t.Errorf("%s came with %d payloads", key, len(payloads))
		}
	}
}

// TestBrokerStaysAway ends with what was never acknowledged in the ledger.
func TestBrokerStaysAway(t *testing.T) {
	broker := testbed.Mosquitto(t, open)
	o := options(broker.URL)
	o.Drain = 100 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var totals Totals
	go func() {
		for totals.Acked.Load() < 2000 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		broker.Kill()
		cancel()
	}()
	records := run(t, ctx, o, filepath.Join(t.TempDir(), "ledger"), &totals)
	var acked, unacked int64
	for _, r := range records {
		if r.State == ledger.Acked {
			acked++
		} else {
			unacked++
		}
	}
	if acked != totals.Acked.Load() || unacked != totals.Unacked.Load() || acked+unacked != totals.Sent.Load() || acked < 2000 {
		t.Errorf("ledger: %d acked, %d unacked; sent %d", acked, unacked, totals.Sent.Load())
	}
	audit(t, records)
}

func TestDurationEndsARunAndRateIsKept(t *testing.T) {
	broker := testbed.Mosquitto(t, open)
	o := options(broker.URL)
	o.Duration, o.Rate = 2*time.Second, 500
	var totals Totals
	records := run(t, context.Background(), o, filepath.Join(t.TempDir(), "ledger"), &totals)
	if len(records) < 500 || len(records) > 1100 {
		t.Errorf("%d messages in two seconds at 500 a second", len(records))
	}
}

func TestRefusedIsFinal(t *testing.T) {
	broker := testbed.Mosquitto(t, "allow_anonymous false\n")
	o := options(broker.URL)
	o.Count = 10
	book, before, err := ledger.Open(filepath.Join(t.TempDir(), "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if err := Run(context.Background(), o, book, before, new(Totals)); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, spoil := range map[string]func(*Options){
		"broker":         func(o *Options) { o.Broker = "127.0.0.1:1883" },
		"devices":        func(o *Options) { o.Devices = MaxDevices + 1 },
		"devices: 0":     func(o *Options) { o.Devices = 0 },
		"connections":    func(o *Options) { o.Connections = 0 },
		"inflight":       func(o *Options) { o.Inflight = 70000 },
		"payload-fields": func(o *Options) { o.Fields = 6 },
	} {
		o := options("tcp://127.0.0.1:1883")
		spoil(&o)
		if _, err := o.check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	o := options("tcp://127.0.0.1:1883")
	o.Devices = MaxDevices
	if _, err := o.check(); err != nil {
		t.Error("as many devices as can be registered:", err)
	}
}

func TestPayload(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 89012000, time.UTC)
	for fields := 1; fields <= MaxFields; fields++ {
		e := encoder{fields: fields}
		for _, r := range []ledger.Record{{Device: 3, Seq: 12345, Time: at.UnixNano()}, {Device: 3, Seq: 12346, Time: at.Add(1500 * time.Millisecond).UnixNano()}} {
			var body struct {
				Time   time.Time
				Seq    uint32
				Values map[string]float64
			}
			if err := json.Unmarshal(e.append(nil, r), &body); err != nil {
				t.Fatal(err)
			}
			if body.Time.UnixNano() != r.Time || body.Seq != r.Seq || len(body.Values) != fields || body.Values[ledger.Property] != ledger.ValueOf(r.Seq) {
				t.Errorf("%d fields: %+v from %+v", fields, body, r)
			}
		}
	}
}
