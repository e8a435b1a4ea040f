package telemetry

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// What is kept of a payload that is refused. The first is more than any format
// takes, so that whatever a replay could accept is kept whole; the second is
// of a message that no record can hold.
const (
	keptPayload = 1 << 20
	keptHead    = 4 << 10
)

// head is what quarantine keeps of a payload, and words on how much was cut.
func head(payload []byte, most int) (kept []byte, cut string) {
	if len(payload) <= most {
		return payload, ""
	}
	return payload[:most], fmt.Sprintf(" (cut: the first %d of %d bytes are kept)", most, len(payload))
}

// tooLarge says whether a commit failed for its size, and less can be tried.
func tooLarge(err error, submissions []submission) bool {
	if !errors.Is(err, ErrTooLarge) {
		return false
	}
	a := &submissions[0].arrival
	return len(submissions) > 1 || a.Refusal == nil || len(a.Payload) > keptHead
}

// commitLess commits what is too large for one record in two. A message that
// is so by itself is refused and the head of it kept: were it left with its
// sender, it would come again and stand before all others for ever.
func (p *Pipeline) commitLess(ctx context.Context, submissions []submission, cause error) {
	if half := len(submissions) / 2; half > 0 {
		p.commit(ctx, submissions[:half])
		p.commit(ctx, submissions[half:])
		return
	}
	s := submissions[0]
	n, done := max(1, len(s.arrival.Measurements)), s.done
	payload, cut := head(s.arrival.Payload, keptHead)
	if s.arrival.Refusal == nil {
		s.arrival.Refusal = &Refusal{Reason: TooLarge, Detail: "send fewer readings in one message: " + cause.Error()}
	}
	refusal := *s.arrival.Refusal
	refusal.Detail = clip(refusal.Detail, maxDetail) + cut
	s.arrival.Refusal, s.arrival.Payload, s.arrival.Measurements = &refusal, payload, nil
	s.done = func(r Receipt) {
		if r.Err == nil {
			r.Refusals = slices.Repeat(r.Refusals, n)
		}
		done(r)
	}
	p.commit(ctx, []submission{s})
}
