package testbed

import (
	"syscall"
	"testing"
)

// Server is a running part. Its methods fail the test when they cannot do what
// they say; they are not safe for concurrent use.
type Server struct {
	t testing.TB
	p *process
}

// run starts the program and ends it with the test. A failed test shows the
// last lines that the program has said.
func run(t testing.TB, p *process) Server {
	t.Helper()
	t.Cleanup(func() {
		p.end(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s said last:\n%s", p.path, p.tail())
		}
	})
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	return Server{t: t, p: p}
}

// Kill ends the part as a power cut would (SIGKILL) and returns once it is
// gone. Killing what is not running does nothing.
func (s Server) Kill() { s.p.end(syscall.SIGKILL) }

// Stop asks the part to end (SIGTERM) and returns once it is gone.
func (s Server) Stop() { s.p.end(syscall.SIGTERM) }

// Restart starts the part on the same port with the same data, killing it
// first if it still runs, and returns once it answers.
func (s Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.p.start(); err != nil {
		s.t.Fatal(err)
	}
}

// PID is the number of the running process, 0 while there is none.
func (s Server) PID() int {
	if s.p.ended() {
		return 0
	}
	return s.p.running.Process.Pid
}

// Log is the path of the file that holds all the part has said.
func (s Server) Log() string { return s.p.log() }
