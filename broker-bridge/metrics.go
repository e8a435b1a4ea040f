package bridge

import "github.com/prometheus/client_golang/prometheus"

// metrics are what the bridge counts. Labels come from closed sets only.
type metrics struct {
	ignored       *prometheus.CounterVec
	connects      prometheus.Counter
	sessionLost   prometheus.Counter
	disconnects   *prometheus.CounterVec
	redeliverable prometheus.Counter
}

// newMetrics makes the counters and registers them, with gauges that ask the
// bridge, where there is a registry.
func newMetrics(registry prometheus.Registerer, status func() Status) *metrics {
	m := &metrics{
		ignored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cityhub_mqtt_ignored_total",
			Help: "Messages that carry no reading: joins, states, empty arrays.",
		}, []string{"route"}),
		connects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cityhub_mqtt_connects_total",
			Help: "Connections made to the broker.",
		}),
		sessionLost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cityhub_mqtt_session_lost_total",
			Help: "Times the broker did not know the hub's session any more: what it held is lost.",
		}),
		disconnects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cityhub_mqtt_disconnects_total",
			Help: "Connections that ended, by cause.",
		}, []string{"cause"}),
		redeliverable: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cityhub_mqtt_left_unacknowledged_total",
			Help: "Messages that a connection left unacknowledged; the broker sends them again.",
		}),
	}
	if registry != nil {
		registry.MustRegister(m.ignored, m.connects, m.sessionLost, m.disconnects, m.redeliverable)
		registry.MustRegister(gauges(status)...)
	}
	return m
}

func gauges(status func() Status) []prometheus.Collector {
	gauge := func(name, help string, value func(Status) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return value(status()) })
	}
	return []prometheus.Collector{
		gauge("cityhub_mqtt_connected", "1 while the broker's connection is up.", func(s Status) float64 {
			if s.Connected {
				return 1
			}
			return 0
		}),
		gauge("cityhub_mqtt_unacknowledged", "Messages received and not yet acknowledged.",
			func(s Status) float64 { return float64(s.Unacknowledged) }),
		gauge("cityhub_mqtt_oldest_unacknowledged_seconds", "Age of the oldest unacknowledged message.",
			func(s Status) float64 { return s.OldestUnacknowledged.Seconds() }),
	}
}
