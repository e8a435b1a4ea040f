package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"gopkg.in/yaml.v3"

	"cityhub/api"
	bridge "cityhub/broker-bridge"
	"cityhub/broker-bridge/codec"
	"cityhub/devices"
	"cityhub/devices/credentials"
	"cityhub/examples"
	"cityhub/idempotency"
	"cityhub/imports"
	"cityhub/telemetry"
	"cityhub/telemetry/influx"
	"cityhub/telemetry/sqlite"
	"cityhub/web"
)

// archive is either of the two, closable.
type archive interface {
	telemetry.Archive
	io.Closer
}

// broker is the intake's edge: the embedded broker, or the bridge to another.
type broker interface {
	Run(ctx context.Context) error
}

func (h *hub) openArchive(ctx context.Context) error {
	retention := [3]time.Duration{h.RawRetention}
	if h.InfluxURL == "" {
		embedded, err := sqlite.Open(ctx, sqlite.Options{Dir: filepath.Join(h.Data, "archive"), Retention: retention})
		if err != nil {
			return err
		}
		h.archive = embedded
	} else {
		remote, err := influx.Open(ctx, influx.Options{URL: h.InfluxURL, Org: h.InfluxOrg, Bucket: h.InfluxBucket,
			Token: h.InfluxToken, Retention: retention, Log: h.log})
		if err != nil {
			return err
		}
		h.archive = remote
	}
	h.closing(h.archive.Close)
	return nil
}

func (h *hub) openBroker(context.Context) (err error) {
	if h.MQTTURL == "" {
		return h.openEmbedded()
	}
	h.broker, err = bridge.New(bridge.Options{URL: h.MQTTURL, ClientID: h.MQTTClientID,
		Username: h.MQTTUsername, Password: h.MQTTPassword,
		Decoder: h.decoder, Intake: h.gate, Limit: h.gate, Before: h.before(), Signs: h.signs, Log: h.log, Metrics: h.metrics})
	return err
}

func (h *hub) openImports(context.Context) (err error) {
	key, err := sealingKey(filepath.Join(h.Data, "credentials.key"))
	if err != nil {
		return err
	}
	h.imports, err = imports.Open(imports.Options{Dir: filepath.Join(h.Data, "imports"), Key: key, Registry: h.registry,
		Credentials: h.keeper, Today: h.accounts.Today, Zone: h.zone, Now: time.Now, Log: h.log})
	return err
}

func (h *hub) openAPI(context.Context) (err error) {
	claims := credentials.NewClaims(credentials.ClaimOptions{Store: h.database.Credentials(), Finder: h.registry.Devices,
		Taker: h.registry, Log: h.database.AuditLog(), Now: time.Now})
	replayer := replayer{decoder: h.decoder, intake: h.pipeline, restorer: h.pipeline, quarantine: h.database.Quarantine()}
	h.api, err = api.New(api.Options{
		Registry: h.registry, Imports: h.imports, Latest: h.latest, Quarantine: h.database.Quarantine(), Audit: h.database.AuditLog(), Credentials: h.keeper, Claims: claims, PublicURL: h.PublicURL, Attribution: h.Attribution,
		Accounts: h.accounts, Doorkeeper: doorkeeper{h.accounts, h.keeper}, Proxies: h.proxies(), Rates: h.rates(), SignOn: h.signOn(),
		Live:      api.LiveLimits{Clients: h.LiveClients, Each: h.LiveClientsEach},
		History:   &telemetry.History{Archive: h.archive, Journal: h.database.RollUpJournal(), IDs: h.database.IDBlocks(), Zone: h.zone},
		Geofences: h.database.Geofences(),
		Health:    h.health, Sequences: h.sequences, Signs: h.signs, Intake: h.gate, Decode: h.decode, Replay: replayer.replay,
		TryCodec: h.tryCodec,
		Answers:  idempotency.New(h.database.Answers(), time.Now),
		Status:   h.status, Zone: h.zone, App: web.App(), Log: h.log, Now: time.Now,
	})
	return err
}

// decode reads a payload that came by HTTP.
func (h *hub) decode(ctx context.Context, format, device string, body []byte, received time.Time) ([]telemetry.Measurement, error) {
	arrival, err := h.decoder.ByFormat(ctx, format, device, body, "", received)
	if err != nil {
		return nil, err
	}
	if arrival.Refusal != nil {
		return nil, arrival.Refusal
	}
	return arrival.Measurements, nil
}

// tryCodec runs a codec for somebody who tries it. It has a worker of its own,
// so that readings do not wait for what is tried.
func (h *hub) tryCodec(ctx context.Context, source string, port int, frame []byte) (telemetry.Measurement, []string, error) {
	result, err := h.trials.Decode(ctx, source, codec.Uplink{Bytes: frame, FPort: port})
	return telemetry.Measurement{Values: result.Values, Unknown: result.Unknown, Time: result.Time}, result.Warnings, err
}

// stages are the hub's running parts, stores first and intake last.
func (h *hub) stages() ([]stage, error) {
	pages, err := net.Listen("tcp", h.HTTP)
	if err != nil {
		return nil, fmt.Errorf("--http: %w", err)
	}
	h.closing(func() error { return ignoreClosed(pages.Close()) })
	operations, err := h.openOperations()
	if err != nil {
		return nil, err
	}
	stages := []stage{operations, {"memory", h.keepMemory}, {"forwarder", h.forwarder.Run}, {"roll-ups", h.roller.Run}, {"geofences", h.fences.Run}, {"pipeline", h.pipeline.Run}, {"imports", h.imports.Run},
		{"accounts", func(ctx context.Context) error { return h.accounts.Run(ctx, h.untold) }}, {"audit", h.expireAudit},
		{"http", func(ctx context.Context) error { return h.servePages(ctx, pages) }}, {"mqtt", h.broker.Run}}
	if outbox := h.outbox(); outbox != nil {
		stages = append(stages, stage{"credentials", outbox.Run})
	}
	if local, ok := h.archive.(*sqlite.Archive); ok {
		stages = append([]stage{{"retention", func(ctx context.Context) error { return h.expire(ctx, local) }}}, stages...)
	}
	return stages, nil
}

func (h *hub) servePages(ctx context.Context, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- h.api.Listen(listener) }()
	h.log.Info("the hub serves", "http", "http://"+listener.Addr().String(), "operations", "http://"+h.Ops)
	if err := h.invite(ctx, listener.Addr().String()); err != nil {
		h.log.Error("no set-up link", "error", err)
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stageTime*3/4)
		defer cancel()
		err := h.api.Shutdown(stop)
		return errors.Join(err, <-failed)
	}
}

// expire deletes the embedded archive's files that are past their retention.
func (h *hub) expire(ctx context.Context, local *sqlite.Archive) error {
	return hourly(ctx, func() {
		if files, err := local.Expire(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("old readings stay", "error", err)
		} else if files > 0 {
			h.log.Info("old readings left with their retention", "files", files)
		}
	})
}

// expireAudit deletes the audit log's entries that have had their time.
func (h *hub) expireAudit(ctx context.Context) error {
	return hourly(ctx, func() {
		if entries, err := h.database.ExpireAudit(ctx, time.Now()); err != nil && ctx.Err() == nil {
			h.log.Error("old entries of the audit log stay", "error", err)
		} else if entries > 0 {
			h.log.Info("old entries left the audit log", "entries", entries)
		}
	})
}

// hourly does something now and every hour until ctx ends.
func hourly(ctx context.Context, do func()) error {
	for {
		do()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Hour):
		}
	}
}

// loadExampleModels gives a registry without any model the ones that come
// with the program.
func loadExampleModels(ctx context.Context, registry *devices.Registry) error {
	have, err := registry.Sensors.List(ctx, devices.Page{Limit: 1})
	if err != nil || len(have) > 0 {
		return err
	}
	names, err := fs.Glob(examples.Models, "models/*.yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		model, err := devices.ReadModel(examples.Models, name)
		if err != nil {
			return err
		}
		if _, _, err := registry.PutSensor(ctx, model); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// readRoutes reads the routes file; nil, for the built-in routes, without one.
func readRoutes(path string) ([]bridge.Route, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--mqtt-routes: %w", err)
	}
	defer raw.Close()
	var file struct {
		Routes []struct {
			Name, Filter, Format string
			Down                 bool
		}
	}
	decoder := yaml.NewDecoder(raw)
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("--mqtt-routes: %w", err)
	}
	routes := make([]bridge.Route, len(file.Routes))
	for i, r := range file.Routes {
		routes[i] = bridge.Route(r)
	}
	return routes, nil
}
