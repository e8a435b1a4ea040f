package bridge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Waits between attempts at a connection: quick at first, then up to a ceiling
// that follows the cause.
const (
	firstWait      = 100 * time.Millisecond
	networkCeiling = 2 * time.Second  // nobody listens: asking is cheap
	notKeptCeiling = 5 * time.Second  // the hub itself cannot keep messages
	refusedCeiling = 30 * time.Second // the broker does not want us
)

// stayConnected holds one connection after the other until the context ends.
func (b *Bridge) stayConnected(ctx context.Context) error {
	wait := firstWait
	for ctx.Err() == nil {
		b.miss()
		s, err := b.connect(ctx)
		if err == nil {
			b.arrived(s)
			err = b.hold(ctx, s)
			if ctx.Err() != nil {
				return b.leave(s)
			}
			if _, _, settled := s.window.State(); settled > 0 && !errors.Is(err, errNotKept) {
				wait = firstWait
			}
		}
		b.departed(ctx, err)
		sleep(ctx, jitter(wait))
		wait = min(wait*3/2, ceiling(err))
	}
	return nil
}

func ceiling(cause error) time.Duration {
	switch {
	case errors.Is(cause, errNotKept):
		return notKeptCeiling
	case errors.Is(cause, packets.ErrorRefusedBadUsernameOrPassword),
		errors.Is(cause, packets.ErrorRefusedNotAuthorised),
		errors.Is(cause, packets.ErrorRefusedIDRejected),
		errors.Is(cause, packets.ErrorRefusedBadProtocolVersion):
		return refusedCeiling
	}
	return networkCeiling
}

// jitter spreads a wait by a fifth, so that hubs do not come back in step.
func jitter(wait time.Duration) time.Duration {
	return wait - wait/10 + rand.N(wait/5)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// hold watches over a connection and answers why it ended, or nil when the
// context did.
func (b *Bridge) hold(ctx context.Context, s *session) error {
	watch := time.NewTicker(min(time.Second, b.o.Stall/4))
	defer watch.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.ended:
			b.close(s, s.lost)
			return s.lost
		case <-watch.C:
			b.look(s)
			if _, oldest, _ := s.window.State(); !oldest.IsZero() && b.o.Now().Sub(oldest) > b.o.Stall {
				b.close(s, errStalled)
				return errStalled
			}
		}
	}
}

func (b *Bridge) close(s *session, cause error) {
	s.end(cause)
	b.metrics.redeliverable.Add(float64(s.window.Left()))
}

func (b *Bridge) leave(s *session) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	open, _, _ := s.window.State()
	err := s.leave(ctx)
	b.mu.Lock()
	b.session, b.since = nil, b.o.Now()
	b.mu.Unlock()
	if err != nil {
		return fmt.Errorf("bridge: %d messages were not kept in time and stay with the broker: %w", open, err)
	}
	return nil
}

func (b *Bridge) arrived(s *session) {
	b.mu.Lock()
	b.session, b.since, b.lastError, b.taken = s, b.o.Now(), "", 0
	b.mu.Unlock()
	b.o.Log.Info("connected to the broker", "broker", b.shown, "client", b.o.ClientID)
}

// departed notes why there is no connection, and logs each cause once.
func (b *Bridge) departed(ctx context.Context, cause error) {
	if ctx.Err() != nil {
		return
	}
	b.mu.Lock()
	news := b.session != nil || b.lastError != cause.Error()
	if b.session != nil {
		b.since = b.o.Now()
	}
	b.session, b.lastError = nil, cause.Error()
	b.mu.Unlock()
	b.metrics.disconnects.WithLabelValues(label(cause)).Inc()
	if news {
		b.o.Log.Warn("no connection to the broker; trying again for as long as it takes", "broker", b.shown, "cause", cause)
	}
}

func label(cause error) string {
	switch {
	case errors.Is(cause, errStalled):
		return "stalled"
	case errors.Is(cause, errNotKept):
		return "not_kept"
	case ceiling(cause) == refusedCeiling:
		return "refused"
	}
	return "network"
}
