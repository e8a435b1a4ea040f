package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// stage is one running part of the hub.
type stage struct {
	name string
	run  func(context.Context) error
}

// A stop must be over before those who asked for it kill the hub, ten seconds
// later, so stages that hang share their time.
const (
	stopTime  = 8 * time.Second        // of all stages together
	stageTime = 2 * time.Second        // of one stage
	lastTime  = 100 * time.Millisecond // of one stage when the others have used up all
)

// runStages starts the stages in order and, when the context ends or one of
// them does, stops them in reverse: intake first, stores last.
func runStages(ctx context.Context, log *slog.Logger, stages ...stage) error {
	ended := make(chan error, len(stages))
	cancels := make([]context.CancelFunc, len(stages))
	done := make([]chan struct{}, len(stages))
	for i, s := range stages {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancels[i], done[i] = cancel, make(chan struct{})
		go func() {
			defer close(done[i])
			if err := s.run(own); err != nil {
				ended <- fmt.Errorf("%s: %w", s.name, err)
			} else if own.Err() == nil {
				ended <- fmt.Errorf("%s: ended by itself", s.name)
			}
		}()
	}
	var first error
	select {
	case <-ctx.Done():
	case first = <-ended:
	}
	log.Info("stopping")
	deadline := time.Now().Add(stopTime)
	for i := len(stages) - 1; i >= 0; i-- {
		cancels[i]()
		wait := max(lastTime, min(stageTime, time.Until(deadline)))
		select {
		case <-done[i]:
		case <-time.After(wait):
			first = errors.Join(first, fmt.Errorf("%s: did not stop in %s", stages[i].name, wait.Round(lastTime)))
		}
	}
	for len(ended) > 0 {
		first = errors.Join(first, <-ended)
	}
	return first
}
