// Package embedded is the broker of a hub that has no other: devices connect to
// the hub itself, and the acknowledgement they get is the hub's promise that
// the reading is on disk. It owns the broker library and its hardening; what a
// message means it leaves to the decoder, and where readings go to the intake.
package embedded

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/prometheus/client_golang/prometheus"

	bridge "cityhub/broker-bridge"
	"cityhub/telemetry"
)

const drainTime = 6 * time.Second // for the last acknowledgements at the end

// Authenticator checks credentials.
type Authenticator interface {
	// Authenticate is asked once per connection who its sender is: a device, by
	// its code, or a gateway, as the decoder's Speaker knows it. "" refuses. It
	// binds the client id, "" when the client gave none, to the sender. valid is
	// asked every now and then whether that still holds.
	Authenticate(clientID, username, password string) (sender string, valid func() bool)
}

// Limiter holds senders back that send too much. A *quota.Meter is one.
type Limiter interface {
	// Hold is asked for every message, before it is decoded and after, and says
	// how long its connection has to wait before the message is taken.
	Hold(a *telemetry.Arrival) time.Duration
}

// Options make a broker. Listen, Decoder and Intake are required.
type Options struct {
	Listen  string      // host:port; port 0 takes a free one
	TLS     *tls.Config // nil: none
	Decoder *bridge.Decoder
	Intake  bridge.Intake
	Auth    Authenticator // nil: everybody may do everything, on a loopback address only
	Limit   Limiter       // nil: none
	Signs   bridge.Signs  // nil: nobody wants to know

	Unacknowledged  int // messages of one connection not yet acknowledged, then it waits; 0: 1,000
	Clients         int // connections at a time; 0: 10,000
	SubscriberQueue int // messages waiting for one subscriber, 8 bytes of memory each for every connection; 0: 8,192

	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: slog.Default
	Metrics prometheus.Registerer
}

// Broker accepts devices from New on and serves them while Run runs.
type Broker struct {
	o        Options
	server   *mqtt.Server
	local    *mqtt.Client // publishes to the subscribers
	listener *listener
	ignored  *prometheus.CounterVec
	closing  atomic.Bool
	once     sync.Once

	mu    sync.Mutex
	peers map[*peer]struct{}
}

// New opens the port.
func New(o Options) (*Broker, error) {
	if o.Decoder == nil || o.Intake == nil {
		return nil, errors.New("embedded broker: decoder and intake are required")
	}
	if o.Auth == nil && !loopback(o.Listen) {
		return nil, fmt.Errorf("mqtt listen %q: without credentials for devices only a loopback address such as 127.0.0.1:1883 is allowed", o.Listen)
	}
	o.defaults()
	port, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("mqtt listen: %w", err)
	}
	b := &Broker{o: o, peers: map[*peer]struct{}{}}
	b.listener = &listener{Listener: port, broker: b, stop: make(chan struct{})}
	b.server = mqtt.New(serverOptions(o))
	b.local = b.server.NewClient(nil, mqtt.LocalListener, "hub", true)
	b.ignored = b.register(o.Metrics)
	if err := errors.Join(
		b.server.AddHook(&hook{broker: b}, nil),
		b.server.AddListener(listeners.NewNet("devices", b.listener)),
	); err != nil {
		port.Close()
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	return b, nil
}

func (o *Options) defaults() {
	set := func(v *int, value int) {
		if *v <= 0 {
			*v = value
		}
	}
	set(&o.Unacknowledged, 1000)
	set(&o.Clients, 10_000)
	set(&o.SubscriberQueue, 8192)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// serverOptions are the library's settings: its defaults lose messages in a
// burst, read packets of any size and keep sessions for 136 years.
func serverOptions(o Options) *mqtt.Options {
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumClients = int64(o.Clients)
	c.MaximumClientWritesPending = int32(o.SubscriberQueue)
	c.MaximumInflight = 32 << 10
	c.MaximumPacketSize = 1 << 20
	c.ReceiveMaximum = uint16(min(o.Unacknowledged, 1<<16-1))
	c.MaximumQos = 1
	c.MaximumSessionExpiryInterval = 24 * 60 * 60
	c.MaximumMessageExpiryInterval = 0 // or a retained status would vanish after a day
	c.TopicAliasMaximum = 64
	if o.Auth != nil {
		c.SharedSubAvailable = 0
	}
	return &mqtt.Options{
		Capabilities:             c,
		ClientNetReadBufferSize:  8 << 10,
		ClientNetWriteBufferSize: 8 << 10,
		SysTopicResendInterval:   60,
		Logger:                   slog.New(quiet{o.Log.Handler()}),
	}
}

// Addr is the address that devices connect to.
func (b *Broker) Addr() net.Addr { return b.listener.Addr() }

// Run serves until the context ends, then waits for the intake's last answers
// and closes. Its error says what was left unacknowledged; the devices will
// send that again.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.server.Serve(); err != nil {
		return errors.Join(fmt.Errorf("embedded broker: %w", err), b.Close())
	}
	var sweeping sync.WaitGroup
	sweeping.Go(b.sweep)
	defer sweeping.Wait()
	b.o.Log.Info("devices may connect", "mqtt", b.Addr().String(), "credentials", b.o.Auth != nil)
	<-ctx.Done()
	return b.Close()
}

// Close is what the end of Run's context does; it is for a broker that never ran.
func (b *Broker) Close() (err error) {
	b.once.Do(func() {
		b.closing.Store(true)
		close(b.listener.stop)
		err = b.drain()
		err = errors.Join(err, b.server.Close())
	})
	return err
}

// drain takes nothing new and waits for what was taken.
func (b *Broker) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	left := 0
	for _, p := range b.snapshot() {
		p.window.Close()
	}
	for _, p := range b.snapshot() {
		if p.window.Drain(ctx) != nil {
			open, _, _ := p.window.State()
			left += open
		}
	}
	if left > 0 {
		return fmt.Errorf("embedded broker: %d messages were not kept in time; their devices will send them again", left)
	}
	return nil
}

func (b *Broker) snapshot() []*peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]*peer, 0, len(b.peers))
	for p := range b.peers {
		out = append(out, p)
	}
	return out
}

// Connected says whether a device has a connection now.
func (b *Broker) Connected(device string) bool {
	client, ok := b.server.Clients.Get(device)
	return ok && !client.Closed()
}

// Disconnect ends the connection of a device, for instance because its
// credential was revoked. It answers false when there was none.
func (b *Broker) Disconnect(device string) bool {
	client, ok := b.server.Clients.Get(device)
	if !ok || client.Closed() {
		return false
	}
	b.disconnect(client, packets.ErrNotAuthorized)
	return true
}

// disconnect says why where the protocol has a packet for it.
func (b *Broker) disconnect(client *mqtt.Client, why packets.Code) {
	if client.Properties.ProtocolVersion == 5 {
		_ = b.server.DisconnectClient(client, why) // answers the code itself
		return
	}
	client.Stop(why)
}

// Unacknowledged tells how many messages of all devices wait for the intake,
// and how long the oldest has waited.
func (b *Broker) Unacknowledged() (n int, oldest time.Duration) {
	now := b.o.Now()
	for _, p := range b.snapshot() {
		open, since, _ := p.window.State()
		n += open
		if open > 0 {
			oldest = max(oldest, now.Sub(since))
		}
	}
	return n, oldest
}
