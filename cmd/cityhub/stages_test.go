package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recorder notes the order in which stages end.
type recorder struct {
	mu   sync.Mutex
	ends []string
}

func (r *recorder) stage(name string, fault error) stage {
	return stage{name, func(ctx context.Context) error {
		<-ctx.Done()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ends = append(r.ends, name)
		return fault
	}}
}

func TestStagesStopInReverse(t *testing.T) {
	var r recorder
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := runStages(ctx, slog.New(slog.DiscardHandler), r.stage("store", nil), r.stage("pipeline", errors.New("half done")), r.stage("intake", nil))
	if err == nil || err.Error() != "pipeline: half done" {
		t.Errorf("%v", err)
	}
	if want := []string{"intake", "pipeline", "store"}; !slices.Equal(r.ends, want) {
		t.Errorf("ended in the order %v; want %v", r.ends, want)
	}
}

func TestAStageThatEndsStopsTheOthers(t *testing.T) {
	for name, fault := range map[string]error{"broken: on fire": errors.New("on fire"), "broken: ended by itself": nil} {
		var r recorder
		err := runStages(t.Context(), slog.New(slog.DiscardHandler), r.stage("store", nil),
			stage{"broken", func(context.Context) error { return fault }})
		if err == nil || err.Error() != name || len(r.ends) != 1 {
			t.Errorf("%v; %v ended", err, r.ends)
		}
	}
}

func TestStagesThatHangDoNotHoldTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		hang := func(context.Context) error { <-release; return nil }
		var r recorder
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		err := runStages(ctx, slog.New(slog.DiscardHandler), r.stage("store", nil),
			stage{"a", hang}, stage{"b", hang}, stage{"c", hang}, stage{"d", hang}, stage{"e", hang}, stage{"f", hang})
		if took := time.Since(start); took > stopTime+time.Second {
			t.Errorf("stopping took %s", took)
		}
		if err == nil || !strings.Contains(err.Error(), "a: did not stop") {
			t.Errorf("%v", err)
		}
		if !slices.Equal(r.ends, []string{"store"}) {
			t.Errorf("what does not hang had no time to end")
		}
	})
}
