package embedded

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// secure puts TLS on a connection where it is asked for; the handshake comes
// with the first read, so a slow one holds nobody else.
func (l *listener) secure(conn net.Conn) net.Conn {
	if l.broker.o.TLS == nil {
		return conn
	}
	return tls.Server(conn, l.broker.o.TLS)
}

// quiet lowers all that the library says to the level of debugging: it warns
// of every lost connection, and prints whole messages.
type quiet struct{ slog.Handler }

// Enabled asks for the level that records will have.
func (q quiet) Enabled(ctx context.Context, _ slog.Level) bool {
	return q.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle passes a record on, lowered.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return q.Handler.Handle(ctx, r)
}

// WithAttrs keeps derived handlers quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quiet{q.Handler.WithAttrs(attrs)}
}

// WithGroup keeps derived handlers quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// register exports the library's counters of what it dropped, which should be
// zero for ever, and the broker's own: what a connection to another broker has too goes by the
// same names, so that one alarm rule fits both.
func (b *Broker) register(registry prometheus.Registerer) *prometheus.CounterVec {
	ignored := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cityhub_broker_ignored_total",
		Help: "Messages to the embedded broker that carry no reading.",
	}, []string{"route"})
	if registry == nil {
		return ignored
	}
	info := b.server.Info
	registry.MustRegister(ignored,
		counter("cityhub_broker_dropped_total", "Messages to subscribers dropped because they were too slow.", &info.MessagesDropped),
		counter("cityhub_broker_inflight_dropped_total", "QoS 1 messages to subscribers dropped because too many were unacknowledged.", &info.InflightDropped),
		gauge("cityhub_broker_clients", "Clients connected to the embedded broker.",
			func() float64 { return float64(atomic.LoadInt64(&info.ClientsConnected)) }),
		gauge("cityhub_mqtt_unacknowledged", "Messages received and not yet acknowledged.",
			func() float64 { n, _ := b.Unacknowledged(); return float64(n) }),
		gauge("cityhub_mqtt_oldest_unacknowledged_seconds", "Age of the oldest unacknowledged message.",
			func() float64 { _, oldest := b.Unacknowledged(); return oldest.Seconds() }),
	)
	return ignored
}

func counter(name, help string, value *int64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
		func() float64 { return float64(atomic.LoadInt64(value)) })
}

func gauge(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}
