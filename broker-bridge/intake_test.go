package bridge_test

import (
	"sync"
	"time"

	"cityhub/telemetry"
)

// intake is a durable store that keeps in memory, and keeps its answers back
// while it is held.
type intake struct {
	mu      sync.Mutex
	kept    map[string]int // by payload
	held    bool
	waiting []func()
	err     error
}

func newIntake() *intake { return &intake{kept: map[string]int{}} }

func (i *intake) Submit(a telemetry.Arrival, done func(telemetry.Receipt)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	answer := func() {
		if i.err == nil {
			i.kept[string(a.Payload)]++
		}
		done(telemetry.Receipt{Err: i.err})
	}
	if i.held {
		i.waiting = append(i.waiting, answer)
		return
	}
	answer()
}

// hold keeps answers back from now on.
func (i *intake) hold() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.held = true
}

// forget drops what is held, as a hub does that is killed.
func (i *intake) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.held, i.waiting = false, nil
}

func (i *intake) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}

func (i *intake) holding() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.waiting)
}

func (i *intake) times(payload string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.kept[payload]
}

func (i *intake) distinct() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.kept)
}

// groupCommit is an intake that keeps what has gathered in one go, as a spool
// does with one fsync, each taking a fixed time.
type groupCommit struct {
	*intake
	queue chan func()
	took  time.Duration
	ended sync.WaitGroup
}

func newGroupCommit(took time.Duration) *groupCommit {
	g := &groupCommit{intake: newIntake(), queue: make(chan func(), 1<<16), took: took}
	g.ended.Go(g.commit)
	return g
}

func (g *groupCommit) Submit(a telemetry.Arrival, done func(telemetry.Receipt)) {
	g.queue <- func() { g.intake.Submit(a, done) }
}

func (g *groupCommit) commit() {
	for first := range g.queue {
		batch := []func(){first}
		for range len(g.queue) {
			batch = append(batch, <-g.queue)
		}
		time.Sleep(g.took)
		for _, answer := range batch {
			answer()
		}
	}
}

func (g *groupCommit) stop() { close(g.queue); g.ended.Wait() }
