package telemetry_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cityhub/telemetry"
)

// leases counts the blocks that are taken.
type leases struct {
	telemetry.IDBlocks
	taken atomic.Int64
}

func (l *leases) Lease(ctx context.Context, count, from, to int64) (telemetry.IDBlock, error) {
	l.taken.Add(1)
	return l.IDBlocks.Lease(ctx, count, from, to)
}

// full is a keeper whose disk is full for so many writes.
type full struct {
	telemetry.Keeper
	left int
}

func (f *full) Append(ctx context.Context, record []byte, readings int) error {
	if f.left--; f.left >= 0 {
		return syscall.ENOSPC
	}
	return f.Keeper.Append(ctx, record, readings)
}

func TestAFullDiskUsesUpNoIDs(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	ids := &leases{IDBlocks: w.database.IDBlocks()}
	p := telemetry.NewPipeline(telemetry.PipelineOptions{Registry: w.registry, Latest: w.latest, Sequences: w.sequences, Health: telemetry.NewHealth(),
		Spool: &full{w.spool, 3}, IDs: ids, Counters: w.counters, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	got := make(chan telemetry.Receipt, 1)
	for i := range 2 { // of three slots each: a block has room for one message, and not for two
		list := make([]telemetry.Measurement, 20_000)
		for k := range list {
			list[k] = reading("a", w.now.Add(time.Duration(20_000*i+k)*time.Millisecond), -1, "pm25", telemetry.NumberOf(1))
		}
		p.Submit(telemetry.Arrival{Route: "test", Topic: "t", Payload: []byte("x"), Received: w.now, Measurements: list}, func(r telemetry.Receipt) { got <- r })
		if r := <-got; r.Err != nil || r.Refusals != nil {
			t.Fatalf("receipt %v, %d refusals", r.Err, len(r.Refusals))
		}
	}
	cancel()
	if err := <-ended; err != nil || ids.taken.Load() != 2 {
		t.Errorf("%d blocks for two messages, %v", ids.taken.Load(), err)
	}
	w.drained()
	if list := w.observations("a", "pm25"); len(list) != 10_000 {
		t.Errorf("%d observations", len(list))
	}
}
