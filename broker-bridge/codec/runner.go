package codec

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"cityhub/telemetry"
)

// ErrClosed is the error of every call after Close.
var ErrClosed = errors.New("codec runner is closed")

// Runner runs sources in worker processes, which it starts when they are first
// needed and replaces when they are lost. It is safe for concurrent use.
type Runner struct {
	limits Limits
	slots  chan *process // one entry per worker; nil: not started
	rests  rests
	closed chan struct{}
	once   sync.Once
}

// New makes a runner; Close it to end its processes.
func New(limits Limits) *Runner {
	limits = limits.withDefaults()
	r := &Runner{
		limits: limits,
		slots:  make(chan *process, limits.Workers),
		rests:  rests{after: limits.Rest, of: map[[32]byte]offence{}},
		closed: make(chan struct{}),
	}
	for range limits.Workers {
		r.slots <- nil
	}
	return r
}

// Close waits for calls under way, which end within their limits, and ends the
// processes.
func (r *Runner) Close() error {
	r.once.Do(func() {
		close(r.closed)
		for range r.limits.Workers {
			if p := <-r.slots; p != nil {
				p.stop()
			}
		}
	})
	return nil
}

// Decode runs a source on an uplink. It knows decodeUplink of LoRaWAN's TS013
// (and ChirpStack's object beside data), and the older Decoder(bytes, port)
// and Decode(fPort, bytes, variables). Whatever the source does to its globals
// is gone at the next call.
//
// What is the source's fault is a *telemetry.Refusal: CodecFailed with what it
// threw or reported, CodecLimit, or NotANumber with the key. Any other error
// (ctx, ErrClosed, no process to be had) says nothing of the uplink: try again.
func (r *Runner) Decode(ctx context.Context, source string, in Uplink) (Result, error) {
	at := in.RecvTime
	if at.IsZero() {
		at = time.Now()
	}
	answer, err := r.run(ctx, source, request{Bytes: in.Bytes, FPort: in.FPort, Recv: at.UnixMilli(), Variables: in.Variables})
	if err != nil {
		return Result{}, err
	}
	return resultOf(answer)
}

// Check loads a source as Decode would and looks for a decoder in it. Errors
// are as Decode's.
func (r *Runner) Check(ctx context.Context, source string) error {
	_, err := r.run(ctx, source, request{CheckOnly: true})
	return err
}

func (r *Runner) run(ctx context.Context, source string, req request) (response, error) {
	if len(source) > r.limits.Source {
		return response{}, refuse(telemetry.CodecLimit, "the codec's source of %d bytes is above %d", len(source), r.limits.Source)
	}
	hash := sha256.Sum256([]byte(source))
	if r.rests.resting(hash, time.Now()) {
		return response{}, refuse(telemetry.CodecLimit, "the codec reached its limits %d times in a row and rests for %v: mend it", strikes, r.limits.Rest)
	}
	req.Hash = hash[:]
	answer, err := r.onSlot(ctx, source, req)
	if err != nil && !errors.Is(err, errLimit) {
		return response{}, err
	}
	r.rests.note(hash, err != nil || answer.Outcome == overLimit, time.Now())
	if err != nil {
		return response{}, refuse(telemetry.CodecLimit, "the codec did not end within %v: it was killed", r.limits.Time)
	}
	return answer, refusalOf(answer)
}

// onSlot waits for a worker and runs the request there.
func (r *Runner) onSlot(ctx context.Context, source string, req request) (response, error) {
	select {
	case <-r.closed:
		return response{}, ErrClosed
	default:
	}
	var p *process
	select {
	case p = <-r.slots:
	case <-r.closed:
		return response{}, ErrClosed
	case <-ctx.Done():
		return response{}, ctx.Err()
	}
	answer, p, err := r.attempt(p, source, req)
	if err != nil && !errors.Is(err, errLimit) {
		// Somebody else ended the worker, or the engine broke: once more.
		answer, p, err = r.attempt(nil, source, req)
	}
	r.slots <- p
	return answer, err
}

// attempt makes one try and gives back the process if it can go on.
func (r *Runner) attempt(p *process, source string, req request) (response, *process, error) {
	if p == nil {
		var err error
		if p, err = start(r.limits); err != nil {
			return response{}, nil, err
		}
	}
	answer, err := p.exchange(req, r.limits)
	if err == nil && answer.Outcome == wantSource {
		req.Source = &source
		answer, err = p.exchange(req, r.limits)
	}
	if err != nil {
		return response{}, nil, p.lost(err)
	}
	return answer, p, nil
}

func refuse(reason telemetry.Reason, format string, args ...any) error {
	return &telemetry.Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// refusalOf turns the worker's answer into an error, nil when it is a result.
func refusalOf(answer response) error {
	switch answer.Outcome {
	case done:
		return nil
	case overLimit:
		return refuse(telemetry.CodecLimit, "the codec reached a limit: %s", answer.Detail)
	case notNumber:
		return refuse(telemetry.NotANumber, "the codec's value of %q is NaN or infinite: leave the key out when there is no reading", answer.Detail)
	}
	return refuse(telemetry.CodecFailed, "the codec failed: %s", answer.Detail)
}

func resultOf(answer response) (Result, error) {
	out := Result{Warnings: answer.Warnings, Unknown: answer.Unknown}
	for _, v := range answer.Values {
		kept := telemetry.KeyedValue{Key: v.Key}
		switch {
		case v.Number != nil:
			kept.Value = telemetry.NumberOf(*v.Number)
		case v.Boolean != nil:
			kept.Value = telemetry.BooleanOf(*v.Boolean)
		case v.Text != nil:
			kept.Value = telemetry.TextOf(*v.Text)
		default:
			return Result{}, refuse(telemetry.CodecFailed, "the codec's value of %q is of no kind", v.Key)
		}
		out.Values = append(out.Values, kept)
	}
	if answer.Time != nil && math.Abs(*answer.Time) < 9e12 {
		out.Time = time.UnixMilli(int64(*answer.Time)).UTC()
	}
	return out, nil
}
