package dynsec_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	bridge "cityhub/broker-bridge"
	"cityhub/broker-bridge/dynsec"
	"cityhub/broker-bridge/embedded"
	"cityhub/database"
	"cityhub/devices"
	"cityhub/devices/credentials"
	"cityhub/telemetry"
	"cityhub/testbed"
)

var siteKey = []byte("0123456789abcdef0123456789abcdef")

// within is how soon a change of a credential has to hold everywhere.
const within = 5 * time.Second

// site is a broker with the credentials of two devices, aq-1 and aq-2.
type site struct {
	url      string
	registry *devices.Registry
	keeper   *credentials.Keeper
	store    credentials.Store
	passed   atomic.Int64
	devices  map[string]*devices.Device
	hub      mqtt.Client // subscribed as the hub is; nil where the hub is the broker

	mu    sync.Mutex
	heard []string // topics that reached the hub
}

func (s *site) now() time.Time { return time.Now().Add(time.Duration(s.passed.Load())) }

func (s *site) hear(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, topic)
}

func (s *site) has(topic string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.heard, topic)
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openSite(t *testing.T, key []byte) *site {
	t.Helper()
	s := &site{devices: map[string]*devices.Device{}}
	db, err := database.Open(t.Context(), database.Options{SQLitePath: filepath.Join(t.TempDir(), "hub.db")})
	ok(t, err)
	t.Cleanup(func() { db.Close() })
	s.store = db.Credentials()
	s.registry, err = devices.Open(t.Context(), db.Store(), s.now)
	ok(t, err)
	s.keeper, err = credentials.Open(t.Context(), credentials.Options{Store: s.store, Registry: s.registry, Key: key, Now: s.now})
	ok(t, err)
	model, _, err := s.registry.PutSensor(t.Context(), devices.Sensor{Code: "air", Channels: []devices.Channel{{Key: "p", Property: "pm25", Hi: 1000}}})
	ok(t, err)
	for _, code := range []string{"aq-1", "aq-2"} {
		d := &devices.Device{Code: code, SensorID: model.ID}
		ok(t, s.registry.Devices.Create(t.Context(), d))
		s.devices[code] = d
	}
	return s
}

func (s *site) rotate(t *testing.T, code string, overlap time.Duration) credentials.Issued {
	t.Helper()
	issued, err := s.keeper.Rotate(t.Context(), s.devices[code], overlap, "")
	ok(t, err)
	return issued
}

// rename gives a device another code; devices keeps what was read before.
func (s *site) rename(t *testing.T, from, to string) {
	t.Helper()
	_, err := s.registry.Devices.Update(t.Context(), s.devices[from].ID, func(d *devices.Device) error { d.Code = to; return nil })
	ok(t, err)
}

// dial connects as a device would; the error is the broker's refusal.
func (s *site) dial(t *testing.T, client, username, password string, change func(*mqtt.ClientOptions)) (mqtt.Client, error) {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker(s.url).SetClientID(client).SetUsername(username).SetPassword(password)
	o.SetAutoReconnect(false).SetProtocolVersion(4).SetConnectTimeout(5 * time.Second)
	if change != nil {
		change(o)
	}
	c := mqtt.NewClient(o)
	token := c.Connect()
	token.Wait()
	if token.Error() == nil {
		t.Cleanup(func() { c.Disconnect(50) })
	}
	return c, token.Error()
}

// enter dials until the broker knows the secret.
func (s *site) enter(t *testing.T, i credentials.Issued) mqtt.Client {
	t.Helper()
	var c mqtt.Client
	eventually(t, within, "the broker lets "+i.Username+" in", func() bool {
		var err error
		c, err = s.dial(t, i.Device, i.Username, i.Secret, nil)
		return err == nil
	})
	return c
}

func eventually(t testing.TB, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// mosquitto is a real one with the shipped roles, told by an outbox.
func mosquitto(t *testing.T) (*site, *testbed.Broker, func()) {
	t.Helper()
	dir := t.TempDir()
	secrets := exec.Command("go", "run", "./scripts/secrets", dir)
	secrets.Dir = "../.."
	if said, err := secrets.CombinedOutput(); err != nil {
		t.Fatalf("scripts/secrets: %v\n%s", err, said)
	}
	plugin := "/usr/lib/mosquitto_dynamic_security.so"
	if found, _ := filepath.Glob("/usr/lib/*/mosquitto_dynamic_security.so"); len(found) > 0 {
		plugin = found[0]
	}
	broker := testbed.Mosquitto(t, "allow_anonymous false\nplugin "+plugin+"\nplugin_opt_config_file "+filepath.Join(dir, "dynamic-security.json")+"\n")
	password := func(file string) string {
		text, err := os.ReadFile(filepath.Join(dir, file))
		ok(t, err)
		return string(text)
	}
	s := openSite(t, siteKey)
	s.url = broker.URL
	hub, err := s.dial(t, "hub", "hub", password("mqtt_password"), func(o *mqtt.ClientOptions) {
		o.SetAutoReconnect(true).SetMaxReconnectInterval(200 * time.Millisecond)
		o.SetOnConnectHandler(func(c mqtt.Client) {
			c.Subscribe("cityhub/v1/+/#", 1, func(_ mqtt.Client, m mqtt.Message) { s.hear(m.Topic()) })
		})
	})
	ok(t, err)
	s.hub = hub
	eventually(t, within, "the hub is connected", hub.IsConnectionOpen)
	sink := dynsec.New(dynsec.Options{URL: broker.URL, Username: "admin", Password: password("mqtt_admin_password")})
	run := func() (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() {
			_ = credentials.NewOutbox(s.keeper, sink, slog.New(slog.NewTextHandler(io.Discard, nil))).Run(ctx)
		})
		return sync.OnceFunc(func() { cancel(); running.Wait() })
	}
	stop := run()
	t.Cleanup(func() { stop(); sink.Close() })
	return s, broker, func() { stop(); stop = run() }
}

// inHub is the hub's own broker with the hub's own door.
func inHub(t *testing.T) *site {
	t.Helper()
	s := openSite(t, nil)
	door := credentials.NewDoor(s.keeper, s.registry, nil)
	decoder, err := bridge.NewDecoder(nil, nil, nil, door)
	ok(t, err)
	broker, err := embedded.New(embedded.Options{Listen: "127.0.0.1:0", Decoder: decoder, Intake: (*intake)(s), Auth: door,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	ok(t, err)
	s.keeper.Attach(broker)
	s.url = "tcp://" + broker.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = broker.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return s
}

// intake hears what would be kept.
type intake site

func (i *intake) Submit(a telemetry.Arrival, done func(telemetry.Receipt)) {
	if a.Refusal == nil {
		(*site)(i).hear(a.Topic)
	}
	done(telemetry.Receipt{})
}

// onBoth runs a test on a real Mosquitto and on the hub's own broker.
func onBoth(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Run("mosquitto", func(t *testing.T) { s, _, _ := mosquitto(t); test(t, s) })
	t.Run("embedded", func(t *testing.T) { test(t, inHub(t)) })
}

func TestRevokingEndsLiveConnections(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		mine, other := s.rotate(t, "aq-1", 0), s.rotate(t, "aq-2", 0)
		client, neighbour := s.enter(t, mine), s.enter(t, other)
		begin := time.Now()
		ok(t, s.keeper.Revoke(t.Context(), s.devices["aq-1"]))
		eventually(t, within, "the connection ends", func() bool { return !client.IsConnectionOpen() })
		ended := time.Since(begin)
		eventually(t, within-ended, "it is refused", func() bool {
			_, err := s.dial(t, "aq-1", mine.Username, mine.Secret, nil)
			return err != nil
		})
		t.Logf("ended after %v, refused after %v", ended.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
		if !neighbour.IsConnectionOpen() {
			t.Error("the neighbour lost its connection, too")
		}
		s.enter(t, s.rotate(t, "aq-1", 0))
	})
}

func TestRotatingWithOverlapAtTheBroker(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		first := s.rotate(t, "aq-1", 0)
		s.enter(t, first)
		second := s.rotate(t, "aq-1", time.Hour)
		s.enter(t, second).Disconnect(50) // the same client id: it takes the connection over
		old := s.enter(t, first)
		s.passed.Add(int64(time.Hour))
		eventually(t, within, "the connection ends with the overlap", func() bool { return !old.IsConnectionOpen() })
		eventually(t, within, "the old secret is refused", func() bool {
			_, err := s.dial(t, "aq-1", first.Username, first.Secret, nil)
			return err != nil
		})
		s.enter(t, second)
		third := s.rotate(t, "aq-1", 0)
		s.enter(t, third)
		eventually(t, within, "without overlap the one before ends", func() bool {
			_, err := s.dial(t, "aq-1", second.Username, second.Secret, nil)
			return err != nil
		})
	})
}

func TestABrokerThatWasAwayCatchesUp(t *testing.T) {
	s, broker, again := mosquitto(t)
	mine, gone := s.rotate(t, "aq-1", 0), s.rotate(t, "aq-2", 0)
	s.enter(t, mine)
	s.enter(t, gone)
	broker.Stop()
	next := s.rotate(t, "aq-1", 0)
	ok(t, s.keeper.Revoke(t.Context(), s.devices["aq-2"]))
	again() // a start of the hub, too
	broker.Restart()
	eventually(t, 20*time.Second, "the new secret is known", func() bool {
		_, err := s.dial(t, "aq-1", next.Username, next.Secret, nil)
		return err == nil
	})
	eventually(t, within, "the revoked one is refused", func() bool {
		_, err := s.dial(t, "aq-2", gone.Username, gone.Secret, nil)
		return err != nil
	})
	eventually(t, within, "nothing is left to be told", func() bool {
		due, err := s.store.Due(t.Context(), s.now(), 10)
		return err == nil && len(due) == 0
	})
}

func TestAStartTakesAwayWhomTheRegistryDoesNotKnow(t *testing.T) {
	s, _, again := mosquitto(t)
	issued := s.rotate(t, "aq-1", 0)
	client := s.enter(t, issued)
	ok(t, s.registry.Devices.Delete(t.Context(), s.devices["aq-1"].ID))
	again()
	eventually(t, within, "the connection ends", func() bool { return !client.IsConnectionOpen() })
	eventually(t, within, "a device that is gone is refused", func() bool {
		_, err := s.dial(t, "aq-1", issued.Username, issued.Secret, nil)
		return err != nil
	})
	s.enter(t, s.rotate(t, "aq-2", 0)) // the admin and the outbox work on
}

func TestWrongAdminIsAnError(t *testing.T) {
	s, _, _ := mosquitto(t)
	sink := dynsec.New(dynsec.Options{URL: s.url, Username: "admin", Password: "wrong"})
	defer sink.Close()
	if _, err := sink.Apply(t.Context(), []credentials.Change{{Username: "x", Code: "x", Secret: "y"}}); err == nil {
		t.Error("nobody was told, and nobody complains")
	}
	if _, err := sink.Users(t.Context()); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Error(fmt.Sprint(err))
	}
}
