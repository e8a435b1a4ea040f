package codec

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"modernc.org/quickjs"
)

// workerName is the first argument by which the program knows that it was
// started to be a worker.
const workerName = "cityhub-codec-worker"

// init turns a program that was started under workerName into a worker. It
// stands here, and not in some main, because a program that links this package
// but forgets the call would start a second hub instead of a worker.
func init() {
	if len(os.Args) == 2 && os.Args[0] == workerName {
		os.Exit(serve(os.Args[1], os.Stdin, os.Stdout))
	}
}

// maxCached is how many compiled sources a worker keeps.
const maxCached = 256

// worker answers requests, one at a time.
type worker struct {
	limits  Limits
	own     bytecodes
	sources map[string][]byte // bytecode by hash of the source
	spare   *machine          // made while nothing waits
}

// serve answers requests until the hub closes the pipe. The hub's signals
// reach its process group; the worker leaves when the hub does, not before.
func serve(settings string, in io.Reader, out io.Writer) int {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	w := worker{sources: map[string][]byte{}}
	var err error
	if err = json.Unmarshal([]byte(settings), &w.limits); err == nil {
		w.own, err = compileOwn()
	}
	if err == nil {
		w.spare, err = newMachine(w.own, w.limits.Memory)
	}
	if err != nil || send(out, response{Outcome: done}) != nil {
		return exitSetup
	}
	for req := range requests(in) {
		if send(out, w.answer(req)) != nil {
			return 0
		}
		if w.spare, err = newMachine(w.own, w.limits.Memory); err != nil {
			return exitSetup
		}
	}
	return 0
}

// requests reads on while a source runs, so that the process ends with the
// hub even if the source never does.
func requests(in io.Reader) <-chan request {
	out := make(chan request)
	go func() {
		for {
			var req request
			if receive(in, &req) != nil {
				os.Exit(0)
			}
			out <- req
		}
	}()
	return out
}

// answer runs a request on the spare machine and uses that up.
func (w *worker) answer(req request) response {
	m := w.spare
	g := watch(m.vm, w.limits)
	code, err := w.compiled(m.vm, req)
	if code == nil && err == nil {
		g.release()
		m.close()
		return response{Outcome: wantSource}
	}
	var p product
	if err == nil {
		p, err = m.call(w.own, code, req)
	}
	m.close()
	if g.release() {
		return response{Outcome: overLimit, Detail: fmt.Sprintf("it did not end within %v", w.limits.Time)}
	}
	return conclude(p, err, w.limits)
}

// compiled gives the bytecode of the request's source; nil when the hub has
// still to send it.
func (w *worker) compiled(vm *quickjs.VM, req request) ([]byte, error) {
	hash := string(req.Hash)
	if code, ok := w.sources[hash]; ok || req.Source == nil {
		return code, nil
	}
	code, err := vm.Compile(*req.Source, quickjs.EvalGlobal)
	if err != nil {
		return nil, err
	}
	if len(w.sources) >= maxCached {
		clear(w.sources)
	}
	w.sources[hash] = code
	return code, nil
}

// conclude words what became of a call.
func conclude(p product, err error, limits Limits) response {
	switch {
	case err != nil && exhausted(err):
		return response{Outcome: overLimit, Detail: fmt.Sprintf("%s (memory limit %d bytes, %d nested calls)", explain(err), limits.Memory, maxStack)}
	case err != nil:
		return response{Outcome: failed, Detail: explain(err)}
	case p.Detail != nil:
		return response{Outcome: failed, Detail: *p.Detail}
	case p.NaN != nil:
		return response{Outcome: notNumber, Detail: *p.NaN}
	}
	return response{Outcome: done, Values: p.Values, Warnings: p.Warnings, Time: p.Time, Unknown: p.Unknown}
}
