package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// errLimit is what became of a worker that had to be ended over a call.
var errLimit = errors.New("the source did not stop at its limit")

// startTime is how long a worker may take to get ready.
const startTime = 30 * time.Second

// process is a worker as the hub sees it. It answers one call at a time.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.ReadCloser
}

// start makes a worker and waits until it is ready.
func start(limits Limits) (*process, error) {
	program, err := self()
	if err != nil {
		return nil, fmt.Errorf("codec worker: %w", err)
	}
	settings, err := json.Marshal(limits)
	if err != nil {
		return nil, fmt.Errorf("codec worker: %w", err)
	}
	p := &process{cmd: &exec.Cmd{
		Path: program,
		Args: []string{workerName, string(settings)},
		Env:  []string{"GOMAXPROCS=2"}, // and nothing of the hub's, where secrets may be
	}}
	if p.in, err = p.cmd.StdinPipe(); err == nil {
		p.out, err = p.cmd.StdoutPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("codec worker: %w", err)
	}
	var ready response
	if err := p.within(startTime, func() error { return receive(p.out, &ready) }); err != nil {
		p.stop()
		return nil, fmt.Errorf("codec worker did not start: %w", err)
	}
	return p, nil
}

// self is this very program, even when its file was replaced meanwhile.
func self() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// exchange sends a request and waits for its answer. After an error the
// process is of no use any more.
func (p *process) exchange(req request, limits Limits) (response, error) {
	var answer response
	// The worker ends itself at its limit; this is for one that cannot.
	err := p.within(2*patience*limits.Time, func() error {
		if err := send(p.in, req); err != nil {
			return err
		}
		return receive(p.out, &answer)
	})
	return answer, err
}

// within kills the process when do takes too long, which ends do as well.
func (p *process) within(limit time.Duration, do func() error) error {
	timer := time.AfterFunc(limit, func() { _ = p.cmd.Process.Kill() })
	err := do()
	if !timer.Stop() && err != nil {
		return errLimit
	}
	return err
}

// stop ends the process for certain and gives its exit code, -1 when it was
// killed.
func (p *process) stop() int {
	_ = p.cmd.Process.Kill()
	_ = p.in.Close()
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// lost finds out why an exchange failed: errLimit if it was the source's fault.
func (p *process) lost(cause error) error {
	_ = p.in.Close() // a healthy worker leaves at that; only then is its code its own
	code := p.exitCode()
	if errors.Is(cause, errLimit) || code == exitLimit {
		return errLimit
	}
	return fmt.Errorf("codec worker ended with code %d: %w", code, cause)
}

func (p *process) exitCode() int {
	timer := time.AfterFunc(time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}
