package codec

import (
	"os"
	"sync/atomic"
	"time"

	"modernc.org/quickjs"
)

// How a worker ends of itself.
const (
	exitLimit = 40 // the engine did not stop at its limit
	exitSetup = 41 // the engine could not be started
)

// patience is how many times longer than its processor time a call may take by
// the wall: a busy machine must not make an honest source look endless.
const patience = 10

// guard ends a call that uses up its time. It counts the processor time of the
// worker, which does nothing else meanwhile.
type guard struct {
	limits Limits
	vm     *quickjs.VM
	wall   time.Time
	cpu    time.Duration
	fired  atomic.Bool
	stop   chan struct{}
	ended  chan struct{}
}

// watch starts to guard; release must be called when the call is over.
func watch(vm *quickjs.VM, limits Limits) *guard {
	g := &guard{limits: limits, vm: vm, wall: time.Now(), cpu: processorTime(),
		stop: make(chan struct{}), ended: make(chan struct{})}
	go g.run()
	return g
}

// release ends the guard and says whether it had to step in.
func (g *guard) release() (fired bool) {
	close(g.stop)
	<-g.ended
	return g.fired.Load()
}

func (g *guard) run() {
	defer close(g.ended)
	tick := time.NewTicker(max(g.limits.Time/10, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-g.stop:
			return
		case <-tick.C:
			g.look()
		}
	}
}

// look asks the engine to stop at the limit, and ends the process where it
// does not listen.
func (g *guard) look() {
	spent := max(processorTime()-g.cpu, time.Since(g.wall)/patience)
	if spent < g.limits.Time {
		return
	}
	g.fired.Store(true)
	g.vm.Interrupt()
	if spent >= g.limits.hard() {
		os.Exit(exitLimit)
	}
}
