package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cityhub/access"
	"cityhub/api"
	"cityhub/broker-bridge/payload"
	"cityhub/database"
	"cityhub/devices"
	"cityhub/devices/credentials"
	"cityhub/devices/photos"
	"cityhub/idempotency"
	"cityhub/imports"
	"cityhub/telemetry"
	"cityhub/telemetry/geofence"
	"cityhub/telemetry/spool"
)

// TestMain finds goroutines left behind. Those of fasthttp are its clock, the
// cleaner of its workers and its packers: they sleep until there is work.
func TestMain(m *testing.M) {
	var fasthttp []goleak.Option
	for _, name := range []string{"updateServerDate.func1", "(*workerPool).Start.func2", "stackless.funcWorker"} {
		separator := "."
		if strings.HasPrefix(name, "stackless") {
			separator = "/"
		}
		fasthttp = append(fasthttp, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp"+separator+name))
	}
	goleak.VerifyTestMain(m, fasthttp...)
}

// hub is the whole way of a reading with its real parts, and the API on a
// loopback port in front of it.
type hub struct {
	t          testing.TB
	url        string
	file       string // of the registry
	registry   *devices.Registry
	signs      *telemetry.Signs
	latest     *telemetry.Latest
	places     *telemetry.Whereabouts
	fences     geofence.Store
	quarantine telemetry.Quarantine
	history    *telemetry.History
	pipeline   *telemetry.Pipeline
	counters   *telemetry.Counters
	keeper     *credentials.Keeper
	roller     *telemetry.Roller
	server     *api.Server
	imports    *imports.Imports
	client     *http.Client
	ahead      atomic.Int64 // of the hub's clock
	logs       *logs
	replay     api.Replay
	accounts   *access.Accounts
	claims     *credentials.Claims
	key        string // what requests are sent with: a city administrator's …
	gateway    string // … and readings: a gateway's
}

// newKey makes a key with a role in an organisation; 0 for the whole city.
func (h *hub) newKey(role access.Role, organisation int64) string {
	h.t.Helper()
	_, secret, err := h.accounts.AddKey(h.t.Context(), string(role), access.Binding{Role: role, Organisation: organisation}, time.Time{})
	if err != nil {
		h.t.Fatal(err)
	}
	return secret
}

// door lets in whom the accounts know, and devices by their secret.
type door struct {
	*access.Accounts
	*credentials.Keeper
}

// cheap makes a password's hash take next to nothing.
var cheap = access.Cost{MemoryKiB: 64, Passes: 1}

type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// setup changes what a hub is made of.
type setup func(*api.Options)

func (h *hub) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

func newHub(t testing.TB, setups ...setup) *hub {
	t.Helper()
	return newHubAt(t, t.TempDir(), setups...)
}

// newHubAt makes a hub of what an earlier one left in a folder.
func newHubAt(t testing.TB, dir string, setups ...setup) *hub {
	t.Helper()
	h := newHubOn(t, database.Options{SQLitePath: filepath.Join(dir, "hub.db")}, setups...)
	h.file = filepath.Join(dir, "hub.db")
	return h
}

func newHubOf(t testing.TB, p plan, setups ...setup) *hub {
	t.Helper()
	h := &hub{t: t, logs: &logs{}, latest: telemetry.NewLatest(), counters: telemetry.NewCounters()}
	if !p.now.IsZero() {
		h.set(p.now)
	}
	dir := t.TempDir()
	db := p.openDatabase(t, dir)
	h.registry = must(devices.Open(t.Context(), db.Store(), h.now))(t)
	pictures := must(photos.Open(filepath.Join(dir, "photos")))(t)
	t.Cleanup(func() { check(t, pictures.Close()) })
	h.registry.KeepPhotos(pictures)
	archive := p.openArchive(t, dir, h.now)
	kept := must(spool.Open(spool.Options{Dir: filepath.Join(dir, "spool"), MaxBytes: 64 << 20}))(t)
	t.Cleanup(func() { check(t, kept.Close()) })
	h.quarantine = db.Quarantine()
	h.places = telemetry.NewWhereabouts(h.registry, h.latest, 0)
	h.keeper = must(credentials.Open(t.Context(), credentials.Options{Store: db.Credentials(), Registry: h.registry, Now: h.now}))(t)
	h.claims = credentials.NewClaims(credentials.ClaimOptions{Store: db.Credentials(), Finder: h.registry.Devices, Taker: h.registry,
		Log: db.AuditLog(), Now: h.now})
	h.accounts = must(access.OpenAccounts(t.Context(), access.AccountsOptions{Store: db.Accounts(), Now: h.now, Cost: cheap}))(t)
	h.key, h.gateway = h.newKey(access.CityAdmin, 0), h.newKey(access.Gateway, 0)
	health, sequences := telemetry.NewHealth(), telemetry.NewSequences()
	log := slog.New(slog.NewTextHandler(h.logs, nil))
	forwarder := telemetry.NewForwarder(telemetry.ForwarderOptions{Backlog: &backlog{kept, kept.Start()}, Archive: archive,
		Quarantine: h.quarantine, Journal: db.RollUpJournal(), Slot: h.registry.SlotOf, Latest: h.latest, Places: h.places, Counters: h.counters, Linger: time.Millisecond, Now: h.now, Log: log})
	h.roller = telemetry.NewRoller(telemetry.RollerOptions{Archive: archive, Journal: db.RollUpJournal(), Forwarder: forwarder, Zone: hanoi, Now: h.now, Log: log})
	watcher := &later{}
	h.signs = telemetry.NewSigns(h.now(), true, h.registry.Known)
	crossed := &crossings{}
	h.fences = db.Geofences()
	fences := geofence.New(geofence.Options{Registry: h.registry, Store: db.Geofences(), Listener: crossed, Zone: hanoi, Log: log})
	h.pipeline = telemetry.NewPipeline(telemetry.PipelineOptions{Registry: h.registry, Latest: h.latest, Places: h.places, Sequences: sequences, Health: health,
		Spool: kept, IDs: db.IDBlocks(), Counters: h.counters, Barred: h.keeper.Revoked, Watchers: []telemetry.Watcher{watcher, fences}, Signs: h.signs, Now: h.now, Log: log})
	h.history = &telemetry.History{Archive: archive, Journal: db.RollUpJournal(), IDs: db.IDBlocks(), Zone: hanoi}
	h.imports = must(imports.Open(imports.Options{Dir: filepath.Join(dir, "imports"), Registry: h.registry, Credentials: h.keeper, Zone: hanoi, Now: h.now, Log: log}))(t)
	o := api.Options{Registry: h.registry, Imports: h.imports, Latest: h.latest, Quarantine: h.quarantine, Audit: db.AuditLog(), Accounts: h.accounts, Doorkeeper: door{h.accounts, h.keeper}, Credentials: h.keeper, Claims: h.claims, Health: health, Sequences: sequences, Signs: h.signs,
		History: h.history, Geofences: db.Geofences(),
		TryCodec: tryCodec(t),
		Answers:  idempotency.New(db.Answers(), h.now),
		Intake:   h.pipeline, Decode: decode, Zone: hanoi, Log: log, Now: h.now,
		Replay: func(ctx context.Context, items []telemetry.Quarantined) (int, int, error) {
			return h.replay(ctx, items)
		},
		Status: func() api.Status {
			stats := kept.Stats()
			return api.Status{Version: "test", Totals: h.counters.Totals(), Archive: forwarder.State(), Intake: h.pipeline.State(),
				Queued: stats.Readings, Spool: api.SpoolStatus{Readings: stats.Readings, Bytes: stats.Bytes}}
		}}
	for _, change := range setups {
		change(&o)
	}
	h.server = must(api.New(o))(t)
	watcher.to.Store(h.server)
	crossed.to.Store(h.server)
	h.run(h.pipeline.Run, forwarder.Run, h.imports.Run, fences.Run)
	h.listen()
	return h
}

var hanoi = time.FixedZone("Asia/Ho_Chi_Minh", 7*3600)

// backlog gives the spool's records to the forwarder.
type backlog struct {
	spool *spool.Spool
	at    spool.Position
}

func (b *backlog) Rewind() { b.at = b.spool.Start() }

func (b *backlog) Next(ctx context.Context) (telemetry.Kept, error) {
	r, err := b.spool.Next(ctx, b.at)
	if err != nil {
		return telemetry.Kept{}, err
	}
	b.at = r.Position
	return telemetry.Kept{Data: r.Data, Readings: r.Readings, Delivered: func() error { return b.spool.Advance(r.Position) }}, nil
}

func decode(_ context.Context, format, device string, body []byte, received time.Time) ([]telemetry.Measurement, error) {
	f, ok := payload.ByName(format)
	if !ok {
		return nil, errors.New("no such format: " + format)
	}
	decoded, err := f.Decode(payload.Input{Payload: body, Device: device, Received: received})
	return decoded.Measurements, err
}

// run keeps loops going until the test ends.
func (h *hub) run(loops ...func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, loop := range loops {
		running.Go(func() { check(h.t, loop(ctx)) })
	}
	h.t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

func (h *hub) listen() {
	ln := must(net.Listen("tcp", "127.0.0.1:0"))(h.t)
	h.url = "http://" + ln.Addr().String()
	h.client = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: 20 * time.Second}
	done := make(chan error, 1)
	go func() { done <- h.server.Listen(ln) }()
	h.t.Cleanup(func() {
		h.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		check(h.t, h.server.Shutdown(ctx))
		check(h.t, <-done)
	})
}

// under makes a subtest the one that answers are checked for.
func (h *hub) under(t *testing.T) {
	above := h.t
	h.t = t
	t.Cleanup(func() { h.t = above })
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// reply is an answer, read whole.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// call sends a request; body is "" for none, headers are "Name: value". It
// shows the key of a city administrator, unless a header says otherwise:
// "Authorization: " and "Cookie: …" make it show none.
func (h *hub) call(method, path, body string, headers ...string) reply {
	h.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/api/v1/" + path
	}
	r := must(http.NewRequestWithContext(h.t.Context(), method, h.url+path, reader))(h.t)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	key := h.key
	if strings.HasPrefix(path, "/api/v1/ingest") {
		key = h.gateway
	}
	r.Header.Set("Authorization", "Bearer "+key)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Authorization" && value == "" || name == "Cookie" {
			r.Header.Del("Authorization")
		}
		if name != "Authorization" || value != "" {
			r.Header.Set(name, value)
		}
	}
	resp := must(h.client.Do(r))(h.t)
	defer resp.Body.Close()
	return reply{h.t, resp.StatusCode, resp.Header, must(io.ReadAll(resp.Body))(h.t)}
}

func (h *hub) get(path string, headers ...string) reply {
	h.t.Helper()
	return h.call(http.MethodGet, path, "", headers...)
}

func (h *hub) post(path, body string) reply {
	h.t.Helper()
	return h.call(http.MethodPost, path, body)
}

// want fails the test unless the answer has a status.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// json reads the answer's body.
func (r reply) json() map[string]any {
	r.t.Helper()
	var v map[string]any
	if err := json.Unmarshal(r.body, &v); err != nil {
		r.t.Fatalf("%v in %s", err, r.body)
	}
	return v
}

func (r reply) id() int64 {
	r.t.Helper()
	return int64(r.json()["id"].(float64))
}

func (r reply) items() []any {
	r.t.Helper()
	return r.json()["items"].([]any)
}

// eventually waits for a condition, which must come true within a minute, on a busy machine too.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatal("did not come true: " + what)
}

// city registers one model, one station and one deployed device.
func (h *hub) city() {
	h.t.Helper()
	h.post("sensors", `{"code":"air","reportInterval":"PT10M","channels":[
		{"key":"pm25","property":"pm25","unit":"µg/m³","range":[0,500]},
		{"key":"temp","property":"temperature","unit":"°C","range":[-20,null]},
		{"key":"open","property":"door","kind":"boolean"},{"key":"note","property":"note","kind":"text"}]}`).want(201)
	h.post("organisations", `{"code":"HN","name":"Hà Nội"}`).want(201)
	h.post("things", `{"code":"st-1","name":"Hồ Gươm","organisation":"HN","position":[105.852,21.028]}`).want(201)
	h.post("devices", `{"code":"dev-1","model":"air","organisation":"HN"}`).want(201)
	h.post("deployments", `{"device":"dev-1","thing":"st-1","from":"2020-01-01T00:00:00Z"}`).want(201)
}

// stream is the id of a station's datastream of a property.
func (h *hub) stream(thing, property string) int64 {
	h.t.Helper()
	items := h.get("datastreams?thing=" + thing + "&property=" + property).want(200).items()
	if len(items) != 1 {
		h.t.Fatalf("%d datastreams of %s at %s", len(items), property, thing)
	}
	return int64(items[0].(map[string]any)["id"].(float64))
}

// stored waits until the archive has everything accepted.
func (h *hub) stored() {
	h.t.Helper()
	eventually(h.t, "everything accepted is stored", func() bool {
		c := h.counters.Totals()
		return c.Accepted == c.Stored+c.Duplicates+telemetry.Sum(c.QuarantinedLate)+telemetry.Sum(c.Dropped)
	})
}
