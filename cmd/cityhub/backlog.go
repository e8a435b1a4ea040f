package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cityhub/telemetry"
	"cityhub/telemetry/spool"
)

// backlog is the spool as the forwarder reads it.
type backlog struct {
	spool    *spool.Spool
	counters *telemetry.Counters
	at       spool.Position
	setAside int64
}

func newBacklog(s *spool.Spool, c *telemetry.Counters) *backlog {
	return &backlog{spool: s, counters: c, at: s.Start(), setAside: s.Stats().SetAsideReadings}
}

// Next gives the next record, and counts what damage has cost on the way.
func (b *backlog) Next(ctx context.Context) (telemetry.Kept, error) {
	record, err := b.spool.Next(ctx, b.at)
	if lost := b.spool.Stats().SetAsideReadings - b.setAside; lost > 0 {
		b.counters.Drop(telemetry.SpoolDamage, lost)
		b.setAside += lost
	}
	if err != nil {
		return telemetry.Kept{}, err
	}
	b.at = record.Position
	return telemetry.Kept{Data: record.Data, Readings: record.Readings,
		Delivered: func() error { return b.spool.Advance(record.Position) }}, nil
}

// Rewind goes back to the first record that is not delivered.
func (b *backlog) Rewind() { b.at = b.spool.Start() }

// spoolMetrics shows the spool's depth.
func spoolMetrics(registry prometheus.Registerer, s *spool.Spool, now func() time.Time) {
	gauge := func(name, help string, value func(spool.Stats) float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "cityhub_spool_" + name, Help: help},
			func() float64 { return value(s.Stats()) }))
	}
	gauge("readings", "Accepted instants that wait for the archive.", func(s spool.Stats) float64 { return float64(s.Readings) })
	gauge("bytes", "Bytes of the spool on disk.", func(s spool.Stats) float64 { return float64(s.Bytes) })
	gauge("set_aside_spans", "Damaged spans that were set aside.", func(s spool.Stats) float64 { return float64(s.SetAside) })
	gauge("oldest_seconds", "Age of the oldest waiting record.", func(s spool.Stats) float64 { return oldest(s, now) })
}

func oldest(s spool.Stats, now func() time.Time) float64 {
	if s.OldestAppended.IsZero() {
		return 0
	}
	return now().Sub(s.OldestAppended).Seconds()
}
