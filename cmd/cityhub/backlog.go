package main

import (
	"context"
	"errors"
	"log/slog"
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
	log      *slog.Logger
}

func newBacklog(s *spool.Spool, c *telemetry.Counters, log *slog.Logger) *backlog {
	return &backlog{spool: s, counters: c, at: s.Start(), setAside: s.Stats().SetAsideReadings}
}

// Next gives the next record, and counts what damage has cost on the way. A
// read that fails is tried again: the disk may mend, and after some failures
// the spool itself sets the span aside.
func (b *backlog) Next(ctx context.Context) (telemetry.Kept, error) {
	record, err := b.spool.Next(ctx, b.at)
	for wait := 100 * time.Millisecond; err != nil && ctx.Err() == nil && !errors.Is(err, spool.ErrClosed); wait = min(2*wait, 5*time.Second) {
		b.log.Error("the spool cannot be read; trying again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			record, err = b.spool.Next(ctx, b.at)
		}
	}
	if lost := b.spool.Stats().SetAsideReadings - b.setAside; lost > 0 {
		b.counters.Drop("spool_damage", lost)
		b.setAside += lost
	}
	if err != nil {
		return telemetry.Kept{}, err
	}
	b.at = record.Position
	return telemetry.Kept{Data: record.Data, Readings: record.Readings,
		Delivered: func() error { return b.delivered(record.Position) }}, nil
}

// delivered lets the spool forget. A cursor that cannot be written costs a
// repetition after a crash, so it stops nothing.
func (b *backlog) delivered(p spool.Position) error {
	err := b.spool.Advance(p)
	if err == nil || errors.Is(err, spool.ErrClosed) {
		return err
	}
	b.log.Warn("the spool's cursor cannot be written", "error", err)
	return nil
}

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
