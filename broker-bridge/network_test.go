package bridge_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	bridge "cityhub/broker-bridge"
	"cityhub/testbed"
)

// link passes connections on to a broker, and can stop passing bytes while it
// keeps the connections open, as a dead mobile link does.
type link struct {
	net.Listener
	target string

	mu    sync.Mutex
	conns []net.Conn
	mute  map[net.Conn]bool
}

func newLink(t *testing.T, listener net.Listener, target string) *link {
	l := &link{Listener: listener, target: strings.TrimPrefix(target, "tcp://"), mute: map[net.Conn]bool{}}
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", l.target)
			if err != nil {
				in.Close()
				continue
			}
			l.mu.Lock()
			l.conns = append(l.conns, in, out)
			l.mu.Unlock()
			ended.Go(func() { l.pass(in, out, in) })
			ended.Go(func() { l.pass(out, in, in) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		l.mu.Lock()
		for _, conn := range l.conns {
			conn.Close()
		}
		l.mu.Unlock()
		ended.Wait()
	})
	return l
}

func (l *link) pass(from, to, key net.Conn) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			to.Close()
			return
		}
		l.mu.Lock()
		mute := l.mute[key]
		l.mu.Unlock()
		if mute {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			from.Close()
			return
		}
	}
}

// silence lets nothing through on the connections that there are now.
func (l *link) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		l.mute[conn] = true
	}
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func TestADeadLinkIsNoticedAndReplaced(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	l := newLink(t, loopback(t), broker.URL)
	keep := newIntake()
	b, _ := start(t, bridge.Options{URL: "tcp://" + l.Addr().String(), Intake: keep, KeepAlive: time.Second})
	eventually(t, 5*time.Second, "connected", connected(b))
	first := b.Status().Since
	l.silence()
	publish(t, broker.URL, 0, 10) // the broker sends them into the dead link
	eventually(t, 10*time.Second, "a new connection", func() bool { s := b.Status(); return s.Connected && s.Since.After(first) })
	eventually(t, 10*time.Second, "kept over the new one", func() bool { return keep.distinct() == 10 })
}

func TestTLS(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	server := httptest.NewTLSServer(nil) // for its certificate
	defer server.Close()
	newLinkTLS := tls.NewListener(loopback(t), &tls.Config{Certificates: server.TLS.Certificates})
	l := newLink(t, newLinkTLS, broker.URL)
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	url := strings.Replace("mqtts://"+l.Addr().String(), "[::]", "127.0.0.1", 1)

	keep := newIntake()
	b, stop := start(t, bridge.Options{URL: url, Intake: keep, TLS: &tls.Config{RootCAs: trusted}})
	eventually(t, 5*time.Second, "connected", connected(b))
	publish(t, broker.URL, 0, 100)
	eventually(t, 5*time.Second, "kept", func() bool { return keep.distinct() == 100 })
	if err := stop(); err != nil {
		t.Error(err)
	}

	b, _ = start(t, bridge.Options{URL: url, Intake: newIntake()})
	eventually(t, 5*time.Second, "the stranger is named", func() bool {
		s := b.Status()
		return !s.Connected && strings.Contains(s.LastError, "certificate")
	})
}

func TestAWrongPasswordIsNamedAndTriedAgain(t *testing.T) {
	broker := testbed.Mosquitto(t, "allow_anonymous false\n")
	b, stop := start(t, bridge.Options{URL: broker.URL, Intake: newIntake(), Username: "hub", Password: "s3cret"})
	eventually(t, 5*time.Second, "the refusal is told", func() bool { return b.Status().LastError != "" })
	if e := b.Status().LastError; !strings.Contains(e, "not Authorized") || strings.Contains(e, "s3cret") {
		t.Errorf("told %q", e)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestABrokerThatNeverAnswersDoesNotHoldTheEnd(t *testing.T) {
	listener := loopback(t)
	defer listener.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			accepted <- conn
		}
		close(accepted)
	}()
	_, stop := start(t, bridge.Options{URL: "tcp://" + listener.Addr().String(), Intake: newIntake()})
	conn := <-accepted
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	d := decoder(t)
	for name, o := range map[string]bridge.Options{
		"no host":      {URL: "tcp://", ClientID: "hub", Decoder: d, Intake: newIntake()},
		"no URL":       {URL: "", ClientID: "hub", Decoder: d, Intake: newIntake()},
		"no client id": {URL: "tcp://localhost:1", Decoder: d, Intake: newIntake()},
		"no decoder":   {URL: "tcp://localhost:1", ClientID: "hub", Intake: newIntake()},
		"websocket":    {URL: "ws://localhost:1", ClientID: "hub", Decoder: d, Intake: newIntake()},
	} {
		if _, err := bridge.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
