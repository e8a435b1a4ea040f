package main

import (
	"context"
	"errors"

	bridge "cityhub/broker-bridge"
	"cityhub/telemetry"
)

// replayer sends quarantined messages through the hub again, as if they had
// just come, but with the time at which they did.
type replayer struct {
	decoder    *bridge.Decoder
	intake     bridge.Intake
	quarantine telemetry.Quarantine
}

// replay removes what is now accepted; what is refused again stays.
func (r replayer) replay(ctx context.Context, items []telemetry.Quarantined) (accepted, refused int, err error) {
	var mended []int64
	for _, item := range items {
		ok, err := r.again(ctx, item)
		if err != nil {
			return accepted, refused, errors.Join(err, r.quarantine.Remove(ctx, mended))
		}
		if ok {
			accepted++
			mended = append(mended, item.ID)
		} else {
			refused++
		}
	}
	return accepted, refused, r.quarantine.Remove(ctx, mended)
}

func (r replayer) again(ctx context.Context, item telemetry.Quarantined) (bool, error) {
	if item.Reason == telemetry.NotArchivable {
		return false, nil // it has been decoded and resolved already; only its line is left
	}
	arrival, err := r.decoder.Arrival(ctx, item.Topic, item.Payload, item.Sender, item.Received)
	if err != nil {
		return false, err
	}
	arrival.Answerable = true // a refusal is told here, and must not be quarantined twice
	if bridge.Ignored(arrival) {
		return true, nil
	}
	done := make(chan telemetry.Receipt, 1)
	r.intake.Submit(arrival, func(receipt telemetry.Receipt) { done <- receipt })
	select {
	case receipt := <-done:
		return receipt.Err == nil && refusals(receipt) == 0, receipt.Err
	case <-ctx.Done():
		return false, ctx.Err()
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
