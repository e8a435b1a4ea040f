package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cityhub/broker-bridge/codec"
	"cityhub/broker-bridge/payload"
	"cityhub/telemetry"
)

// Models tells how the bytes of a device are decoded.
type Models interface {
	// Codec gives the JavaScript source of the model of a device, named by code
	// or DevEUI; "" when the model has none. ok is false for an unknown device.
	Codec(device string) (source string, ok bool)
}

// Runner runs JavaScript codecs; a *codec.Runner is one. An error that is no
// *telemetry.Refusal says nothing of the uplink.
type Runner interface {
	Decode(ctx context.Context, source string, uplink codec.Uplink) (codec.Result, error)
}

// finish runs the model's JavaScript for what waits for it. One uplink that
// fails refuses the arrival, for it is kept or quarantined as a whole.
func (d *Decoder) finish(ctx context.Context, w *work) error {
	for i := range w.uplinks {
		m, err := d.measure(ctx, &w.uplinks[i], w.arrival.Received)
		switch {
		case errors.Is(err, codec.ErrClosed) || ctx.Err() != nil:
			return fmt.Errorf("decode: %w", err)
		case err != nil:
			w.arrival.Refusal = refusal(err, telemetry.CodecFailed)
			w.arrival.Measurements, w.uplinks = nil, nil
			return nil
		}
		w.arrival.Measurements = append(w.arrival.Measurements, m)
	}
	w.uplinks = nil
	return nil
}

func (d *Decoder) measure(ctx context.Context, u *payload.Uplink, received time.Time) (telemetry.Measurement, error) {
	source, ok := d.models.Codec(u.Device)
	switch {
	case !ok:
		return telemetry.Measurement{}, &telemetry.Refusal{Reason: telemetry.NotRegistered, Detail: fmt.Sprintf("device: %q is not registered: register it, then replay", u.Device)}
	case source == "":
		return telemetry.Measurement{}, &telemetry.Refusal{Reason: telemetry.NoCodec, Detail: fmt.Sprintf("device: the model of %q has no codec for bytes: give it one, then replay", u.Device)}
	}
	result, err := d.run(ctx, source, u, received)
	if err != nil {
		return telemetry.Measurement{}, err
	}
	m := telemetry.Measurement{
		Device: u.Device, Time: u.Time, Seq: u.Seq, Position: u.Position,
		Values: result.Values, Unknown: result.Unknown, Radio: u.Radio,
	}
	if !result.Time.IsZero() {
		m.Time = result.Time // what the device itself says goes before the network's time
	}
	return m, nil
}

// run runs a codec, and once more when it was not the codec that failed. After
// that the message is better in the quarantine, from where it can be replayed,
// than in the way of all others.
func (d *Decoder) run(ctx context.Context, source string, u *payload.Uplink, received time.Time) (codec.Result, error) {
	in := codec.Uplink{Bytes: u.Bytes, FPort: u.FPort, RecvTime: u.Time}
	if in.RecvTime.IsZero() {
		in.RecvTime = received
	}
	result, err := d.runner.Decode(ctx, source, in)
	var refused *telemetry.Refusal
	if err == nil || errors.As(err, &refused) {
		return result, err
	}
	return d.runner.Decode(ctx, source, in)
}
