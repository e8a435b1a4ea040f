package telemetry

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics shows the counters and states to Prometheus. Labels come from
// closed sets; no device is ever a label.
type Metrics struct {
	counters  *Counters
	sequences *Sequences
	forwarder *Forwarder
	routes    []string
	writes    prometheus.Histogram
}

// NewMetrics registers what telemetry has to show; before the forwarder runs.
// routes are all that arrivals can come by: what has not happened yet is shown
// as 0, so that a rate or a sum over it is a number.
func NewMetrics(registry prometheus.Registerer, c *Counters, s *Sequences, f *Forwarder, routes []string) *Metrics {
	all := append([]string{recovered, restored}, routes...)
	slices.Sort(all)
	m := &Metrics{counters: c, sequences: s, forwarder: f, routes: slices.Compact(all), writes: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "cityhub_archive_write_seconds", Help: "Duration of one batch's write to the archive.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 12)})}
	f.ObserveWrites(func(d time.Duration) { m.writes.Observe(d.Seconds()) })
	registry.MustRegister(m)
	return m
}

var (
	descReceived   = desc("received_total", "Instants received, by route; route recovered is what a start found in the spool, replay what goes to the archive again.", "route")
	descAccepted   = desc("accepted_total", "Instants accepted: durable and resolved.")
	descRejected   = desc("rejected_total", "Instants refused and not kept: the sender was told, or is beyond its quota.", "reason")
	descQuarantine = desc("quarantined_total", "Instants refused on arrival and kept in quarantine.", "reason")
	descLate       = desc("quarantined_late_total", "Accepted instants that the archive refused for good.", "reason")
	descStored     = desc("stored_total", "Accepted instants that are in the archive.")
	descDuplicates = desc("duplicates_total", "Accepted instants that the archive had with equal values.")
	descDropped    = desc("dropped_total", "Accepted instants given up.", "reason")
	descUnknown    = desc("unknown_keys_total", "Payload keys that are no channel of the device's model.")
	descGaps       = desc("sequence_gaps_total", "Sequence numbers found missing when a later one arrived.")
	descMissing    = desc("sequence_missing", "Sequence numbers missing at present; late ones leave again.")
	descForgotten  = desc("quarantine_dropped_total", "Messages that a full quarantine gave up for newer ones.")
	descUp         = desc("archive_up", "1 while the archive takes readings.")
	descRetries    = desc("archive_retries_total", "Attempts at the stores that failed and were made again.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("cityhub_"+name, help, labels, nil)
}

// Describe lists what Collect shows.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descReceived, descAccepted, descRejected, descQuarantine, descLate, descStored,
		descDuplicates, descDropped, descUnknown, descGaps, descMissing, descForgotten, descUp, descRetries} {
		to <- d
	}
	m.writes.Describe(to)
}

// Collect shows the present totals.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	t, a := m.counters.Totals(), m.forwarder.State()
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	labelled(count, descReceived, t.Received, m.routes)
	labelled(count, descRejected, t.Rejected, arrivalReasons)
	labelled(count, descQuarantine, t.Quarantined, arrivalReasons)
	labelled(count, descLate, t.QuarantinedLate, []Reason{NotArchivable})
	labelled(count, descDropped, t.Dropped, []string{PastRetention, SpoolDamage})
	count(descAccepted, t.Accepted)
	count(descStored, t.Stored)
	count(descDuplicates, t.Duplicates)
	count(descUnknown, t.UnknownKeys)
	count(descGaps, t.SequenceGaps)
	count(descForgotten, t.QuarantineDropped)
	count(descRetries, a.Retries)
	up := 0.0
	if a.Up {
		up = 1
	}
	to <- prometheus.MustNewConstMetric(descUp, prometheus.GaugeValue, up)
	to <- prometheus.MustNewConstMetric(descMissing, prometheus.GaugeValue, float64(m.sequences.Missing(0)))
	m.writes.Collect(to)
}

// labelled shows the counts of a closed set of labels, those without one as 0.
func labelled[K ~string](count func(*prometheus.Desc, int64, ...string), d *prometheus.Desc, counts map[K]int64, all []K) {
	for _, label := range all {
		count(d, counts[label], string(label))
		delete(counts, label) // a copy
	}
	for label, n := range counts {
		count(d, n, string(label))
	}
}

// Why accepted instants are dropped.
const (
	PastRetention = "past_retention" // they outlived their retention in the spool
	SpoolDamage   = "spool_damage"   // a disk lost them
)

// The routes of what does not come from outside.
const (
	recovered = "recovered"
	restored  = "replay"
)

// Recovered counts what a start found in the spool: accepted by an earlier
// run, and to be stored by this one.
func (c *Counters) Recovered(readings int64) {
	add(c, c.received, recovered, readings)
	c.Accepted.Add(readings)
}

// restored counts what a replay sends to the archive again: it was accepted
// and then refused once already, and is both once more.
func (c *Counters) restored(readings int64) {
	add(c, c.received, restored, readings)
	c.Accepted.Add(readings)
}

// Drop counts accepted instants that are given up for a reason of a closed set.
func (c *Counters) Drop(reason string, readings int64) { add(c, c.dropped, reason, readings) }
