package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	bridge "cityhub/broker-bridge"
	"cityhub/telemetry"
)

// removeTime is for the removal of what was accepted, also when whoever asked
// for the replay waits no longer.
const removeTime = 10 * time.Second

// restorer takes again what the archive refused.
type restorer interface {
	Restore(ctx context.Context, items []telemetry.Quarantined) (taken []int64, err error)
}

// replayer sends quarantined messages through the hub again, as if they had
// just come, but with the time at which they did.
type replayer struct {
	decoder    *bridge.Decoder
	intake     bridge.Intake
	restorer   restorer
	quarantine telemetry.Quarantine
}

// replay removes what is now accepted; what is refused again stays. With an
// error it tells what was done before.
func (r replayer) replay(ctx context.Context, items []telemetry.Quarantined) (accepted, refused int, err error) {
	messages, lines := parted(items)
	mended, refused, err := r.again(ctx, messages)
	if err == nil && len(lines) > 0 {
		var taken []int64
		if taken, err = r.restorer.Restore(ctx, lines); err == nil {
			mended, refused = append(mended, taken...), refused+len(lines)-len(taken)
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTime)
	defer cancel()
	return len(mended), refused, errors.Join(err, r.quarantine.Remove(last, mended))
}

// parted tells messages from lines, which have been decoded and resolved.
func parted(items []telemetry.Quarantined) (messages, lines []telemetry.Quarantined) {
	line := func(q telemetry.Quarantined) bool { return q.Reason == telemetry.NotArchivable }
	for _, q := range items {
		if line(q) {
			lines = append(lines, q)
		}
	}
	return slices.DeleteFunc(slices.Clone(items), line), lines
}

// fate is what became of one message.
type fate struct {
	id      int64
	receipt telemetry.Receipt
}

// again submits messages in their order, all before it waits for any, so that
// they share their commits.
func (r replayer) again(ctx context.Context, items []telemetry.Quarantined) (mended []int64, refused int, err error) {
	fates, open := make(chan fate, len(items)), 0
	for _, item := range items {
		var arrival telemetry.Arrival
		if arrival, err = r.decoder.Arrival(ctx, item.Topic, item.Payload, item.Sender, item.Received); err != nil {
			break
		}
		arrival.Answerable = true // a refusal is told here, and must not be quarantined twice
		if bridge.Ignored(arrival) {
			mended = append(mended, item.ID)
			continue
		}
		r.intake.Submit(arrival, func(receipt telemetry.Receipt) { fates <- fate{item.ID, receipt} })
		open++
	}
	for ; open > 0; open-- {
		f := next(ctx, fates)
		switch {
		case f.receipt.Err != nil:
			err = cmp.Or(err, f.receipt.Err)
		case refusals(f.receipt) == 0:
			mended = append(mended, f.id)
		default:
			refused++
		}
	}
	return mended, refused, err
}

// next waits for a fate. Once the context has ended it gives those that are
// there, and then its error.
func next(ctx context.Context, fates <-chan fate) fate {
	select {
	case f := <-fates:
		return f
	default:
	}
	select {
	case f := <-fates:
		return f
	case <-ctx.Done():
		return fate{receipt: telemetry.Receipt{Err: ctx.Err()}}
	}
}

func refusals(receipt telemetry.Receipt) (n int) {
	for _, r := range receipt.Refusals {
		if r != nil {
			n++
		}
	}
	return n
}
