package bridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"cityhub/broker-bridge/demux"
	"cityhub/broker-bridge/inflight"
	"cityhub/broker-bridge/socket"
)

const (
	readBuffer     = 64 << 10
	connectTimeout = 10 * time.Second // dialling, and again the broker's answer
	farewell       = time.Second      // for the broker to close after our DISCONNECT
	endTimeout     = 5 * time.Second  // for the client library to stop its goroutines
)

var (
	errStalled = errors.New("the oldest message waits for its acknowledgement for too long; a broker sends again only on a new connection")
	errNotKept = errors.New("the hub could not keep a message; the broker will send it again")
)

// session is one connection to the broker from CONNECT to its end. A new
// connection gets a new client, so no acknowledgement can stray into it.
type session struct {
	bridge *Bridge
	client mqtt.Client
	window *inflight.Window
	ended  chan struct{} // closed when the client library has stopped
	lost   error         // why; valid once ended is closed
	since  time.Time

	leaving atomic.Bool

	mu   sync.Mutex
	conn *socket.Conn
}

// dial opens the socket for the client library, which calls it once.
func (s *session) dial(ctx context.Context, target *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	raw, err := s.bridge.open(ctx, target)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = socket.New(raw, 0)
	return polite{s.conn, s, demux.New(s.conn, readBuffer, s.receive)}, nil
}

// polite is the connection as the client library has it, without the messages.
// The library closes it right behind its DISCONNECT; a broker that still reads
// acknowledgements then could drop them with the connection, so this lets the
// broker close first.
type polite struct {
	*socket.Conn
	session *session
	others  *demux.Reader
}

// Read gives what the broker sends beside messages.
func (p polite) Read(b []byte) (int, error) { return p.others.Read(b) }

// Close closes.
func (p polite) Close() error {
	if p.session.leaving.Load() {
		p.AwaitEnd(farewell)
	}
	return p.Conn.Close()
}

// open dials with TLS or without, as the URL says.
func (b *Bridge) open(ctx context.Context, target *url.URL) (net.Conn, error) {
	if secure(target) {
		dialer := tls.Dialer{Config: b.o.TLS}
		return dialer.DialContext(ctx, "tcp", address(target, "8883"))
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address(target, "1883"))
}

func plain(target *url.URL) bool { return target.Scheme == "tcp" || target.Scheme == "mqtt" }

func secure(target *url.URL) bool {
	return target.Scheme == "ssl" || target.Scheme == "tls" || target.Scheme == "mqtts"
}

func address(target *url.URL, port string) string {
	if p := target.Port(); p != "" {
		port = p
	}
	return net.JoinHostPort(target.Hostname(), port)
}

// post sends acknowledgements. They are whole packets of the protocol and go
// to the socket directly: the client library takes each through three
// goroutines, and would make the intake wait for a broker that does not read.
func (s *session) post(packets []byte) {
	if conn := s.socket(); conn != nil {
		conn.Post(packets)
	}
}

func (s *session) socket() *socket.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

// abort ends the connection; the client library then reports it as lost.
func (s *session) abort(cause error) {
	if conn := s.socket(); conn != nil {
		conn.Abort(cause)
	}
}

// receive is called in order of arrival by whoever reads the socket. It only
// takes the message up; it waits while the window is full.
func (s *session) receive(m demux.Publish) {
	answer := inflight.None
	switch m.QoS {
	case 1:
		answer = inflight.Puback
	case 2:
		answer = inflight.Pubrec
	}
	now := s.bridge.o.Now()
	entry := s.window.Add(m.ID, answer, len(m.Payload)+len(m.Topic), now)
	if entry != nil {
		s.bridge.queue.put(message{topic: m.Topic, body: m.Payload, received: now, entry: entry})
	}
}

// connect makes one attempt at a connection with all subscriptions.
func (b *Bridge) connect(ctx context.Context) (*session, error) {
	s := &session{bridge: b, ended: make(chan struct{})}
	s.window = inflight.New(inflight.Limits{Messages: b.o.Window, Bytes: maxBytes}, s.post,
		func(err error) { s.abort(fmt.Errorf("%w: %w", errNotKept, err)) })
	s.client = mqtt.NewClient(b.clientOptions(ctx, s))
	stop := context.AfterFunc(ctx, func() { s.abort(ctx.Err()) })
	token := s.client.Connect().(*mqtt.ConnectToken)
	token.Wait()
	if err := token.Error(); err != nil {
		stop()
		s.abort(err)
		return nil, fmt.Errorf("connect to %s: %w", b.shown, err)
	}
	b.greet(token.SessionPresent())
	err := s.subscribe(b.decoder.Filters())
	stop()
	if err != nil {
		s.end(err)
		return nil, err
	}
	s.since = b.o.Now()
	return s, nil
}

func (b *Bridge) clientOptions(ctx context.Context, s *session) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker(b.o.URL).SetClientID(b.o.ClientID)
	o.SetUsername(b.o.Username).SetPassword(b.o.Password).SetProtocolVersion(4)
	o.SetCleanSession(false).SetAutoAckDisabled(true).SetOrderMatters(true)
	o.SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(connectTimeout)
	o.SetKeepAlive(b.o.KeepAlive).SetPingTimeout(b.o.KeepAlive).SetStore(forget{})
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		s.lost = err
		close(s.ended)
	})
	o.SetCustomOpenConnectionFn(func(target *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		return s.dial(ctx, target)
	})
	return o
}

// subscribe asks for all filters at QoS 1. A refused one is an error that
// names it, for a hub that hears half its city looks well and is not.
func (s *session) subscribe(filters []string) error {
	want := map[string]byte{}
	for _, filter := range filters {
		want[filter] = 1
	}
	token := s.client.SubscribeMultiple(want, nil).(*mqtt.SubscribeToken)
	if !token.WaitTimeout(connectTimeout) {
		return errors.New("subscribe: the broker does not answer")
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	for filter, granted := range token.Result() {
		if granted > 2 {
			return fmt.Errorf("subscribe: the broker refuses %q: allow it to the hub's user, or take the route out", filter)
		}
	}
	return nil
}

// leave acknowledges what the intake still keeps and says goodbye.
func (s *session) leave(ctx context.Context) error {
	s.window.Close()
	err := s.window.Drain(ctx)
	s.leaving.Store(true)
	s.client.Disconnect(uint(endTimeout.Milliseconds()))
	s.abort(socket.ErrClosed)
	s.window.End()
	return err
}

// end closes a connection that is of no more use, and waits until the client
// library has stopped with it.
func (s *session) end(cause error) {
	s.window.End()
	s.abort(cause)
	s.bridge.queue.clear()
	timeout := time.NewTimer(endTimeout)
	defer timeout.Stop()
	select {
	case <-s.ended:
	case <-timeout.C:
	}
}
