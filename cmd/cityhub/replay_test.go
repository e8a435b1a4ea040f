package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	bridge "cityhub/broker-bridge"
	"cityhub/telemetry"
)

// commits is an intake that settles nothing before it has all, as a group
// commit does that waits for company.
type commits struct {
	t    *testing.T
	want int
	open []func()
}

func (c *commits) Submit(a telemetry.Arrival, done func(telemetry.Receipt)) {
	if !a.Answerable {
		c.t.Error("what is refused again would be quarantined twice")
	}
	receipt := telemetry.Receipt{Refusals: []*telemetry.Refusal{nil}}
	if a.Measurements[0].Seq%2 == 1 {
		receipt.Refusals[0] = &telemetry.Refusal{Reason: telemetry.NotRegistered}
	}
	if c.open = append(c.open, func() { done(receipt) }); len(c.open) == c.want {
		for _, settle := range c.open {
			settle()
		}
	}
}

type shelf struct {
	telemetry.Quarantine
	removed []int64
}

func (s *shelf) Remove(ctx context.Context, ids []int64) error {
	s.removed = append(s.removed, ids...)
	return ctx.Err()
}

type restores struct{ ids []int64 }

func (r restores) Restore(context.Context, []telemetry.Quarantined) ([]int64, error) {
	return r.ids, nil
}

func refusedMessages(n int) []telemetry.Quarantined {
	items := make([]telemetry.Quarantined, n)
	for i := range items {
		items[i] = telemetry.Quarantined{ID: int64(i + 1), Topic: "cityhub/v1/a/telemetry", Payload: fmt.Appendf(nil, `{"seq":%d,"values":{"pm25":1}}`, i)}
	}
	return items
}

func replayerOn(t *testing.T, intake bridge.Intake) (replayer, *shelf) {
	t.Helper()
	decoder, err := bridge.NewDecoder(nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{}
	return replayer{decoder: decoder, intake: intake, restorer: restores{[]int64{8}}, quarantine: s}, s
}

func TestAReplaySharesItsCommits(t *testing.T) {
	r, shelf := replayerOn(t, &commits{t: t, want: 5})
	items := append(refusedMessages(5), telemetry.Quarantined{ID: 8, Reason: telemetry.NotArchivable}, telemetry.Quarantined{ID: 9, Reason: telemetry.NotArchivable})
	accepted, refused, err := r.replay(t.Context(), items)
	if accepted != 4 || refused != 3 || err != nil || !slices.Equal(shelf.removed, []int64{1, 3, 5, 8}) {
		t.Errorf("accepted %d, refused %d, %v; removed %v", accepted, refused, err, shelf.removed)
	}
}

// leaves is an intake whose sender gives up before its second message is kept.
type leaves struct {
	had    bool
	giveUp func()
}

func (l *leaves) Submit(_ telemetry.Arrival, done func(telemetry.Receipt)) {
	if l.had {
		l.giveUp()
		return
	}
	l.had = true
	done(telemetry.Receipt{})
}

func TestAReplayThatIsGivenUpRemovesWhatItMended(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, shelf := replayerOn(t, &leaves{giveUp: cancel})
	accepted, refused, err := r.replay(ctx, refusedMessages(2))
	if accepted != 1 || refused != 0 || !errors.Is(err, context.Canceled) || !slices.Equal(shelf.removed, []int64{1}) {
		t.Errorf("accepted %d, refused %d, %v; removed %v", accepted, refused, err, shelf.removed)
	}
}
