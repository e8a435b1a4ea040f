// Package testbed gives tests the real parts that the hub works with: a broker,
// a time series database and a relational database, each a process of its own
// on a free loopback port, with its data in a folder that goes when the test
// ends. It is imported by tests only and knows nothing of the hub.
//
// A program that is absent skips the test by a line that names the command
// which would bring it; with CI=true it fails the test instead.
package testbed

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"testing"
)

// absent ends the test because a program is missing. The line is what the
// summary of `make test` lists, so its beginning must not change.
func absent(t testing.TB, group, command string) {
	t.Helper()
	line := fmt.Sprintf("group skipped: %s: %s", group, command)
	if os.Getenv("CI") == "true" {
		t.Fatal(line + " (nothing may be skipped with CI=true)")
	}
	t.Skip(line)
}

// Ports are taken from below the range that systems hand out to outgoing
// connections. Otherwise a client that keeps dialling a stopped server may be
// given the server's own port and end up connected to itself.
const (
	firstPort = 20000
	lastPort  = 32000
)

// FreePort gives a loopback port that nobody listens on, and that no outgoing
// connection will be given.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func freePort() (int, error) {
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		return port, listener.Close()
	}
	return 0, fmt.Errorf("no free port between %d and %d on 127.0.0.1", firstPort, lastPort)
}
