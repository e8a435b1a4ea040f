// Package api is the hub's HTTP room: the resources below /api/v1, the live
// stream, the status page and the operations listener. It alone knows Fiber,
// huma and the shapes on the wire, and it keeps no state of the city: the
// registry, the newest values and the history are other rooms'. It refuses to
// know brokers, payload formats, stores and SQL.
package api

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"cityhub/access"
	"cityhub/api/citymap"
	"cityhub/api/live"
	"cityhub/devices"
	"cityhub/devices/credentials"
	"cityhub/idempotency"
	"cityhub/imports"
	"cityhub/telemetry"
	"cityhub/telemetry/geofence"
)

// Intake takes readings on their way; a *telemetry.Pipeline is one. done is
// called exactly once, when the arrival's fate is durable.
type Intake interface {
	Submit(arrival telemetry.Arrival, done func(telemetry.Receipt))
}

// Decode reads a payload of a format by its name, "native" or "senml". device
// is the one it is about where it names none, "" for none. Its errors are
// *telemetry.Refusal.
type Decode func(ctx context.Context, format, device string, payload []byte, received time.Time) ([]telemetry.Measurement, error)

// Replay sends quarantined messages through the intake again, and removes
// those that are accepted from the quarantine.
type Replay func(ctx context.Context, items []telemetry.Quarantined) (accepted, refused int, err error)

// Options says what a server works with. All are required save Proxies, Rates,
// Live, SignOn, App and IngestWait.
type Options struct {
	Registry    *devices.Registry
	Latest      *telemetry.Latest
	History     *telemetry.History
	Geofences   geofence.Store // of which the events are shown
	Quarantine  telemetry.Quarantine
	Audit       access.AuditLog
	Accounts    *access.Accounts
	Doorkeeper  Doorkeeper
	Health      *telemetry.Health
	Sequences   *telemetry.Sequences
	Signs       *telemetry.Signs
	Intake      Intake
	Decode      Decode
	Replay      Replay
	Answers     *idempotency.Keeper
	TryCodec    TryCodec
	Status      func() Status
	Zone        *time.Location // the city's
	Log         *slog.Logger
	Now         func() time.Time
	PublicURL   string // where people reach the hub; the request's host when ""
	Attribution string // whose data the map shows, for those who draw its tiles; may be ""
	Credentials *credentials.Keeper
	Claims      *credentials.Claims
	Proxies     []netip.Prefix // whose word on the caller's address and on https is taken
	Rates       Rates
	SignOn      SignOn
	Imports     *imports.Imports
	App         fs.FS         // the built pages; without index.html, / says how to build them
	IngestWait  time.Duration // how long an ingest may wait for the spool; 10 s when 0
	Live        LiveLimits
}

// Server serves the city over HTTP. Make it with New, run it with Listen, end
// it with Shutdown.
type Server struct {
	o         Options
	app       *fiber.App
	templates *template.Template // of the pages
	api       huma.API           // once open was called
	open      func()             // registers the routes, once
	live      *live.Feed
	city      *citymap.Map
	tileCache *tileCache
	prover    telemetry.Prover
	proofs    groupWatch
	limiter   *limiter
	// versions finds the entity of an id, by the address of its collection;
	// filled while routes are registered.
	versions map[string]func(ctx context.Context, id int64) (version, error)
	writing  sync.RWMutex  // held by writes; alone by one with If-Match
	ingest   chan struct{} // a token per arrival that waits for the spool

	ctx  context.Context // of all requests
	stop context.CancelFunc
	work sync.WaitGroup
}

// New makes a server; nothing is served before Listen.
func New(o Options) (*Server, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.IngestWait == 0 {
		o.IngestWait = 10 * time.Second
	}
	s := &Server{o: o, templates: parsePages(), limiter: newLimiter(), ingest: make(chan struct{}, maxIngesting),
		versions: map[string]func(context.Context, int64) (version, error){}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.city, s.tileCache = citymap.New(citymap.Options{Registry: o.Registry, Latest: o.Latest, Now: o.Now, Zone: o.Zone}), newTileCache()
	s.live = live.New(live.Options{City: s.city, Registry: o.Registry, Latest: o.Latest, Now: o.Now, Limits: o.Live})
	s.prover = telemetry.Prover{Registry: o.Registry, Latest: o.Latest, Health: o.Health, Sequences: o.Sequences,
		Archive: o.History.Archive, Quarantine: o.Quarantine, Signs: o.Signs, Now: o.Now}
	s.app = fiber.New(s.config())
	s.hardenEdge()
	s.app.Use(s.edge)
	s.open = sync.OnceFunc(s.routes)
	return s, nil
}

func (o *Options) check() error {
	for name, missing := range map[string]bool{
		"Registry": o.Registry == nil, "Latest": o.Latest == nil, "History": o.History == nil,
		"Quarantine": o.Quarantine == nil, "Audit": o.Audit == nil, "Accounts": o.Accounts == nil, "Doorkeeper": o.Doorkeeper == nil, "Health": o.Health == nil, "Sequences": o.Sequences == nil, "Signs": o.Signs == nil,
		"Intake": o.Intake == nil, "Decode": o.Decode == nil, "Replay": o.Replay == nil, "Answers": o.Answers == nil, "TryCodec": o.TryCodec == nil,
		"Status": o.Status == nil, "Zone": o.Zone == nil, "Log": o.Log == nil, "Now": o.Now == nil,
		"Credentials": o.Credentials == nil, "Claims": o.Claims == nil, "Imports": o.Imports == nil,
	} {
		if missing {
			return fmt.Errorf("api: option %s is missing", name)
		}
	}
	return nil
}

// routes registers every resource, which takes longer than all else in here: it
// is done while the hub takes its first readings.
func (s *Server) routes() {
	s.api = humafiber.NewWithGroup(s.app, withHead{s.app}, s.describe())
	s.api.UseMiddleware(s.checkQuery)
	s.organisations()
	s.things()
	s.tracks()
	s.locations()
	s.zones()
	s.geofences()
	s.properties()
	s.sensors()
	s.codecs()
	s.datastreams()
	s.exporting()
	s.devices()
	s.claiming()
	s.credentials()
	s.labelling()
	s.deployments()
	s.visits()
	s.proofOfLife()
	s.lifecycle()
	s.observations()
	s.aggregates()
	s.latest()
	s.thingLatest()
	s.clusters()
	s.mapProperties()
	s.tiles()
	s.tileJSON()
	s.playback()
	s.liveStream()
	s.ingesting()
	s.importing()
	s.quarantine()
	s.auditing()
	s.sessions()
	s.signingOn()
	s.users()
	s.roles()
	s.keys()
	s.grants()
	s.publishing()
	s.status()
	s.pages()
	s.sealSpec()
}

// Listen serves until Shutdown; the listener is closed then.
func (s *Server) Listen(ln net.Listener) error {
	s.work.Go(s.live.Run)
	s.work.Go(func() { s.city.Run(s.ctx) })
	s.open()
	if err := s.app.Listener(bounded{ln}); err != nil {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

// Shutdown takes no more requests, ends the streams, and waits
// for what is under way, at most until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.live.Close()
	err := s.app.ShutdownWithContext(ctx)
	s.stop()
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("http: work is still under way: %w", ctx.Err()))
	}
}

// Tell makes the server a telemetry.Watcher: it feeds the live stream.
func (s *Server) Tell(lines []telemetry.Line) {
	s.moveBy(lines)
	s.live.Tell(lines)
	s.city.Tell(lines)
	s.proofs.tell(lines)
}

// LiveClients is the number of open live streams.
func (s *Server) LiveClients() int { return s.live.Count() }

// LiveCutOff is how many live streams were ended for being too slow.
func (s *Server) LiveCutOff() int64 { return s.live.CutOff() }

// register adds an operation, which obeys a row of the permission table, and
// whose handler may answer with any room's errors.
func register[I, O any](s *Server, op huma.Operation, row access.Action, handle func(context.Context, *I) (*O, error)) {
	if !access.Known(row) {
		panic(fmt.Sprintf("api: %s %s names no row of the permission table", op.Method, op.Path))
	}
	op.Extensions = map[string]any{"x-permission": row}
	op.Metadata = map[string]any{secretsKey: secretsOf[O](row)}
	if writes(&op) {
		op.Middlewares = append(huma.Middlewares{s.once, s.guard}, op.Middlewares...)
	}
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusTooManyRequests, http.StatusUnauthorized) // the last for keys that are none
	if row != access.Public {
		op.Errors = append(op.Errors, http.StatusForbidden)
	}
	op.Middlewares = append(huma.Middlewares{s.permit(row)}, op.Middlewares...)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err == nil {
			return out, nil
		}
		p := problemOf(err)
		s.report(ctx, p)
		return nil, p
	})
}

// report logs the failures that are the hub's own.
func (s *Server) report(ctx context.Context, p *Problem) {
	if p.Status >= http.StatusInternalServerError && p.cause != nil {
		s.o.Log.Error("a request failed", "request", requestID(ctx), "status", p.Status, "error", p.cause)
	}
}
