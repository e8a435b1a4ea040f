package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cityhub/api"
	bridge "cityhub/broker-bridge"
	"cityhub/broker-bridge/embedded"
)

// status gathers how the parts fare.
func (h *hub) status() api.Status {
	waiting := h.spool.Stats()
	s := api.Status{Version: version, Started: h.started, Archive: h.forwarder.State(), Intake: h.pipeline.State(),
		Totals: h.counters.Totals(), Queued: waiting.Readings,
		Spool: api.SpoolStatus{Readings: waiting.Readings, Bytes: waiting.Bytes,
			OldestSeconds: oldest(waiting, time.Now), SetAside: waiting.SetAside},
		Broker: api.BrokerStatus{Connected: true, Since: h.started}, // the embedded broker is always there
	}
	switch broker := h.broker.(type) {
	case *embedded.Broker:
		s.Broker.Unacknowledged, _ = broker.Unacknowledged()
	case *bridge.Bridge:
		b := broker.Status()
		s.Broker = api.BrokerStatus{Connected: b.Connected, Since: b.Since, SessionLost: b.SessionLost, Unacknowledged: b.Unacknowledged}
	}
	return s
}

// ready says why readings would not get through; the archive may be away, for
// the spool takes its place.
func (h *hub) ready() (reasons []string) {
	if failing := h.pipeline.State().Failing; failing != "" {
		reasons = append(reasons, "the spool does not keep: "+failing)
	}
	if remote, ok := h.broker.(*bridge.Bridge); ok {
		if b := remote.Status(); !b.Connected {
			reasons = append(reasons, "no connection to the broker: "+b.LastError)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := h.database.Ping(ctx); err != nil {
		reasons = append(reasons, err.Error())
	}
	return reasons
}

// openOperations is the listener for the city's IT.
func (h *hub) openOperations() (stage, error) {
	listener, err := net.Listen("tcp", h.Ops)
	if err != nil {
		return stage{}, fmt.Errorf("--ops: %w", err)
	}
	h.closing(func() error { return ignoreClosed(listener.Close()) })
	h.metrics.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "cityhub_live_clients", Help: "Open live streams."},
			func() float64 { return float64(h.api.LiveClients()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "cityhub_live_cut_off_total", Help: "Live streams ended for being too slow."},
			func() float64 { return float64(h.api.LiveCutOff()) }))
	h.embeddedMetrics()
	server := &http.Server{Handler: api.Operations(api.OperationsOptions{Ready: h.ready, Gatherer: h.metrics}),
		ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	return stage{"operations", func(ctx context.Context) error {
		failed := make(chan error, 1)
		go func() { failed <- server.Serve(listener) }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			err := server.Close()
			if ended := <-failed; !errors.Is(ended, http.ErrServerClosed) {
				err = errors.Join(err, ended)
			}
			return err
		}
	}}, nil
}

// embeddedMetrics shows of the embedded broker what can be told of it without
// asking: it is always there, and holds no session that could be lost.
func (h *hub) embeddedMetrics() {
	if h.MQTTURL != "" {
		return
	}
	h.metrics.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "cityhub_mqtt_connected",
			Help: "1 while readings can arrive by MQTT."}, func() float64 { return 1 }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "cityhub_mqtt_session_lost_total",
			Help: "Times a broker forgot the hub's session: never, with the embedded one."}, func() float64 { return 0 }))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
