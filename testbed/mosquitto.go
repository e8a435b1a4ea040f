package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Broker is a running Mosquitto.
type Broker struct {
	Server
	URL    string // tcp://127.0.0.1:port
	Config string // path of the configuration in use; Restart reads it again
}

// Mosquitto starts a broker with the lines of config, in Mosquitto's own
// syntax; "" is a broker that lets everybody in and keeps nothing. A shipped
// configuration can be given as it is: its listeners are moved to a free
// loopback port (so it may have only one), its persistence_location to the
// test's folder, its log to Log. Where config does not say who may come in,
// everybody may.
func Mosquitto(t testing.TB, config string) *Broker {
	t.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto" // not on everybody's PATH
	}
	if _, err := os.Stat(program); err != nil {
		absent(t, "mosquitto", "apt-get install mosquitto mosquitto-clients")
	}
	dir := t.TempDir()
	address := fmt.Sprintf("127.0.0.1:%d", FreePort(t))
	file := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(adapt(config, address, dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	server := run(t, &process{
		path: program, args: []string{"-c", file}, dir: dir,
		answers: func(ctx context.Context) error { return greets(ctx, address) },
	})
	return &Broker{Server: server, URL: "tcp://" + address, Config: file}
}

// adapt moves a configuration to the address and the folder.
func adapt(config, address, dir string) string {
	host, port, _ := strings.Cut(address, ":")
	listener := "listener " + port + " " + host + "\n"
	out := "log_dest stderr\npersistence_location " + dir + "/\n"
	if os.Geteuid() == 0 {
		out += "user root\n" // else it steps down to a user who may not enter dir
	}
	said := map[string]bool{}
	for line := range strings.Lines(config) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[key] = true
		switch key {
		case "log_dest", "persistence_location", "user":
		case "listener":
			out += listener
		default:
			out += line
		}
	}
	out = strings.TrimRight(out, "\n") + "\n"
	if !said["listener"] {
		out += listener
	}
	if !said["allow_anonymous"] {
		out += "allow_anonymous true\n"
	}
	return out
}

// greets opens an MQTT 3.1.1 connection and closes it again. Any answer to the
// CONNECT will do, a refusal too: the broker is there.
func greets(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	// CONNECT: protocol MQTT level 4, clean session, keep alive 10 s, no id.
	connect := []byte{0x10, 12, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 10, 0, 0}
	if _, err := conn.Write(connect); err != nil {
		return err
	}
	answer := make([]byte, 4)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if answer[0] != 0x20 {
		return errors.New("not a CONNACK")
	}
	_, err = conn.Write([]byte{0xe0, 0}) // DISCONNECT
	return err
}
