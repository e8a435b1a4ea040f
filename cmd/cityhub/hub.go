package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"cityhub/access"
	"cityhub/api"
	bridge "cityhub/broker-bridge"
	"cityhub/broker-bridge/codec"
	"cityhub/database"
	"cityhub/devices"
	"cityhub/devices/credentials"
	"cityhub/devices/photos"
	"cityhub/imports"
	"cityhub/telemetry"
	"cityhub/telemetry/geofence"
	"cityhub/telemetry/quota"
	"cityhub/telemetry/spool"
)

// hub is everything that runs, wired. Parts are opened in the order of the
// fields and closed in reverse.
type hub struct {
	*serveCommand
	log     *slog.Logger
	metrics *prometheus.Registry
	zone    *time.Location
	started time.Time
	out     io.Writer // what people are to read
	closers []func() error

	database  *database.Database
	accounts  *access.Accounts
	registry  *devices.Registry
	keeper    *credentials.Keeper
	codecs    *codec.Runner
	trials    *codec.Runner // for codecs that somebody tries
	archive   archive
	spool     *spool.Spool
	counters  *telemetry.Counters
	latest    *telemetry.Latest
	places    *telemetry.Whereabouts
	fences    *geofence.Fences
	sequences *telemetry.Sequences
	signs     *telemetry.Signs
	health    *telemetry.Health
	forwarder *telemetry.Forwarder
	roller    *telemetry.Roller
	pipeline  *telemetry.Pipeline
	meter     *quota.Meter
	gate      *quota.Gate
	door      *credentials.Door
	decoder   *bridge.Decoder
	imports   *imports.Imports
	api       *api.Server
	broker    broker
	notebook  *notebook
	past      brokerMemory
}

// heapFloor is never touched and so costs no memory. The collector waits until
// the heap has doubled, which with few stations would be after every few
// thousand messages; as this counts as heap, it waits for so many bytes at
// least. A backlog costs a quarter less CPU for it.
const heapFloor = 32 << 20

// serve opens the hub, runs it until the context ends, and closes it.
func serve(ctx context.Context, s *serveCommand, log *slog.Logger, out io.Writer) (err error) {
	defer runtime.KeepAlive(untouched(heapFloor))
	h := &hub{serveCommand: s, log: log, metrics: prometheus.NewRegistry(), started: time.Now(), out: out}
	h.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() { err = errors.Join(err, h.close()) }()
	for _, open := range []func(context.Context) error{
		h.openDatabase, h.openAccounts, h.openArchive, h.openSpool, h.openTelemetry, h.openMemory, h.openDecoder, h.openImports, h.openAPI, h.openBroker,
	} {
		if err := open(ctx); err != nil {
			return err
		}
	}
	stages, err := h.stages()
	if err != nil {
		return err
	}
	return runStages(ctx, log, stages...)
}

func (h *hub) closing(close func() error) { h.closers = append(h.closers, close) }

func (h *hub) close() error {
	var all []error
	for i := len(h.closers) - 1; i >= 0; i-- {
		all = append(all, h.closers[i]())
	}
	return errors.Join(all...)
}

func (h *hub) openDatabase(ctx context.Context) (err error) {
	h.zone, err = time.LoadLocation(h.TimeZone)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(h.Data, 0o750); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	release, err := database.LockDir(h.Data)
	if err != nil {
		return err
	}
	h.closing(release)
	options := database.Options{PostgresURL: h.PostgresURL}
	if h.PostgresURL == "" {
		options.SQLitePath = filepath.Join(h.Data, "registry.db")
	}
	if h.database, err = database.Open(ctx, options); err != nil {
		return err
	}
	h.closing(h.database.Close)
	if h.registry, err = devices.Open(ctx, h.database.Store(), time.Now); err != nil {
		return err
	}
	if err := h.openKeeper(ctx); err != nil {
		return err
	}
	stations, units, groups := h.registry.Size()
	h.codecs = codec.New(codec.Limits{})
	h.closing(h.codecs.Close)
	h.trials = codec.New(codec.Limits{Workers: 1})
	h.closing(h.trials.Close)
	h.registry.CheckCodecs(h.codecs.Check)
	pictures, err := photos.Open(filepath.Join(h.Data, "photos"))
	if err != nil {
		return err
	}
	h.closing(pictures.Close)
	h.registry.KeepPhotos(pictures)
	h.log.Info("the registry is loaded", "stations", stations, "devices", units, "groups", groups, "after", time.Since(h.started).Round(time.Millisecond))
	return loadExampleModels(ctx, h.registry)
}

func (h *hub) openSpool(context.Context) (err error) {
	h.spool, err = spool.Open(spool.Options{Dir: filepath.Join(h.Data, "spool"), MaxBytes: h.SpoolBytes, ReserveBytes: h.SpoolReserve})
	if err != nil {
		return err
	}
	h.closing(h.spool.Close)
	spoolMetrics(h.metrics, h.spool, time.Now)
	return nil
}

func (h *hub) openTelemetry(context.Context) error {
	h.counters, h.latest = telemetry.NewCounters(), telemetry.NewLatest()
	h.places = telemetry.NewWhereabouts(h.registry, h.latest, 0)
	h.sequences, h.health = telemetry.NewSequences(), telemetry.NewHealth()
	h.signs = telemetry.NewSigns(h.started, h.MQTTURL == "", h.registry.Known)
	recovered := h.spool.Stats().Readings
	h.counters.Recovered(recovered)
	h.forwarder = telemetry.NewForwarder(telemetry.ForwarderOptions{
		Backlog: newBacklog(h.spool, h.counters), Recovered: recovered, Archive: h.archive, Quarantine: h.database.Quarantine(),
		Journal: h.database.RollUpJournal(), Latest: h.latest, Slot: h.registry.SlotOf, Places: h.places, Counters: h.counters,
		Retention: h.RawRetention, Now: time.Now, Log: h.log,
	})
	h.roller = telemetry.NewRoller(telemetry.RollerOptions{
		Archive: h.archive, Journal: h.database.RollUpJournal(), Forwarder: h.forwarder,
		Zone: h.zone, Now: time.Now, Log: h.log,
	})
	h.fences = geofence.New(geofence.Options{Registry: h.registry, Store: h.database.Geofences(), Listener: watcher{h}, Zone: h.zone, Log: h.log})
	h.pipeline = telemetry.NewPipeline(telemetry.PipelineOptions{
		Registry: h.registry, Latest: h.latest, Places: h.places, Sequences: h.sequences, Health: h.health,
		Spool: h.spool, IDs: h.database.IDBlocks(), Counters: h.counters,
		Clock: telemetry.Clock{Oldest: h.RawRetention}, Barred: h.keeper.Revoked, Watchers: []telemetry.Watcher{watcher{h}, h.fences}, Signs: h.signs,
		Now: time.Now, Log: h.log,
	})
	h.meter = quota.NewMeter(h.quotas(), h.registry, time.Now)
	h.gate = quota.NewGate(h.meter, h.pipeline, h.log)
	return nil
}

func (h *hub) openDecoder(context.Context) (err error) {
	h.door = credentials.NewDoor(h.keeper, h.registry, h.accounts)
	routes, err := readRoutes(h.MQTTRoutes)
	if err != nil {
		return err
	}
	if h.decoder, err = bridge.NewDecoder(routes, h.codecs, h.registry, h.door); err != nil {
		return err
	}
	telemetry.NewMetrics(h.metrics, h.counters, h.sequences, h.forwarder, append(h.decoder.Routes(), api.IngestRoute))
	return nil
}

// watcher passes lines on to the API, which is opened after the pipeline.
type watcher struct{ hub *hub }

func (w watcher) Tell(lines []telemetry.Line) { w.hub.api.Tell(lines) }

func (w watcher) Crossed(events []*geofence.Event) { w.hub.api.Crossed(events) }
