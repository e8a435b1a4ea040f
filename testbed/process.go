package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// patience is how long a program may take until it answers. It is long because
// the race detector and a second package's tests share the machine.
const patience = 60 * time.Second

// process is a program that can be started again and again with the same
// arguments. It keeps no goroutine, so leak checks of its users stay quiet.
type process struct {
	path string
	args []string
	dir  string // working folder; output.log is written there
	as   *syscall.Credential
	// swept means that somebody else ends the program after a test binary
	// that ran no cleanup.
	swept bool
	// answers says whether the program serves; nil means it does.
	answers func(context.Context) error

	running *exec.Cmd // nil while it is not running
}

// start runs the program and waits until it answers. A program that ends
// before it answers is started again until patience is at its end: what a
// killed predecessor held may take a moment to be free.
func (p *process) start() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := p.launch()
		if err != nil {
			return fmt.Errorf("start %s: %w", p.path, err)
		}
		err = p.wait(ctx)
		if err == nil {
			return nil
		}
		p.end(syscall.SIGKILL)
		if ctx.Err() != nil {
			return fmt.Errorf("%s does not answer: %w\n%s", p.path, err, p.tail())
		}
		pause(ctx, 200*time.Millisecond)
	}
}

func (p *process) launch() error {
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	if !p.swept {
		endWithParent(cmd.SysProcAttr)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.running = cmd
	return nil
}

var errEnded = errors.New("it ended by itself")

// wait asks again and again until the program answers, ends or ctx is done.
func (p *process) wait(ctx context.Context) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := p.answers(attempt)
		cancel()
		if err == nil && !p.ended() {
			return nil
		}
		if p.ended() {
			return errEnded
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// ended says whether the program has ended, and forgets it if so.
func (p *process) ended() bool {
	if p.running == nil {
		return true
	}
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(p.running.Process.Pid, &status, syscall.WNOHANG, nil)
	if pid == 0 && err == nil {
		return false
	}
	_ = p.running.Process.Release()
	p.running = nil
	return true
}

// end sends the signal and waits until the program is gone. A program that
// ignores a polite signal is killed.
func (p *process) end(signal syscall.Signal) {
	if p.ended() {
		return
	}
	_ = p.running.Process.Signal(signal)
	for deadline := time.Now().Add(patience / 2); !p.ended(); {
		if time.Now().After(deadline) {
			_ = p.running.Process.Kill()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *process) log() string { return filepath.Join(p.dir, "output.log") }

// tail gives the last lines of what the program has said.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log())
	if err != nil {
		return err.Error()
	}
	const most = 4000
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return string(text)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
