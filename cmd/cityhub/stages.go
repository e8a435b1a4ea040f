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

// stopTime is how long one stage may take to end.
const stopTime = 8 * time.Second

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
	for i := len(stages) - 1; i >= 0; i-- {
		cancels[i]()
		select {
		case <-done[i]:
		case <-time.After(stopTime):
			first = errors.Join(first, fmt.Errorf("%s: did not stop in %s", stages[i].name, stopTime))
		}
	}
	for len(ended) > 0 {
		first = errors.Join(first, <-ended)
	}
	return first
}
