package embedded

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"cityhub/broker-bridge/inflight"
	"cityhub/broker-bridge/socket"
)

const (
	loginTime   = 10 * time.Second // from the connection to its CONNECT
	windowBytes = 8 << 20          // of one connection, not yet acknowledged
	acceptPause = 100 * time.Millisecond
	sweepEvery  = 2 * time.Second
)

// peer is the connection of one client, with what it has not been acknowledged.
// The library carries it as the client's net.Conn.
type peer struct {
	*socket.Conn
	broker *Broker
	window *inflight.Window

	// Set before the first message is read, by the goroutine that reads.
	client  string // its client id
	sender  string // the authenticated device or gateway, "" when there are no credentials
	version byte
	twice   bool // the message being read came with QoS 2

	valid atomic.Pointer[func() bool] // whether its credentials still are; nil until it has come in
}

// admit notes who the connection belongs to.
func (p *peer) admit(client, sender string, valid func() bool) {
	p.client, p.sender = client, sender
	p.valid.Store(&valid)
}

// sweep ends connections whose credentials are no longer valid, whatever the
// cause: revoked, run out, or its device gone.
func (b *Broker) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.listener.stop:
			return
		case <-tick.C:
		}
		for _, p := range b.snapshot() {
			if valid := p.valid.Load(); valid != nil && !(*valid)() {
				b.o.Log.Info("a client is sent away: its credentials are no longer valid", "client", p.client, "sender", p.sender)
				p.CloseSoon()
			}
		}
	}
}

func (b *Broker) newPeer(conn net.Conn) *peer {
	_ = conn.SetReadDeadline(time.Now().Add(loginTime)) // the library sets its own after CONNECT
	p := &peer{Conn: socket.New(conn, 0), broker: b}
	limits := inflight.Limits{Messages: b.o.Unacknowledged, Bytes: windowBytes}
	p.window = inflight.New(limits, func(packets []byte) { p.Post(packets) }, p.reject)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peers[p] = struct{}{}
	return p
}

// reject ends the connection without an acknowledgement, so that the device
// sends again. It does not wait.
func (p *peer) reject(cause error) {
	p.broker.o.Log.Warn("a reading could not be kept; its device has to send it again",
		"remote", p.RemoteAddr().String(), "cause", cause)
	if p.version == 5 {
		p.Post([]byte{0xE0, 1, 0x83}) // DISCONNECT: implementation specific error
	}
	p.CloseSoon()
}

// Close ends the connection and with it its acknowledgements.
func (p *peer) Close() error {
	p.window.End()
	p.broker.mu.Lock()
	delete(p.broker.peers, p)
	p.broker.mu.Unlock()
	return p.Conn.Close()
}

// listener gives the library peers as connections. The library stops listening
// at the first error, so passing ones end here.
type listener struct {
	net.Listener
	broker *Broker
	stop   chan struct{}
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		switch {
		case err == nil && l.full():
			conn.Close()
		case err == nil:
			return l.broker.newPeer(l.secure(conn)), nil
		case errors.Is(err, net.ErrClosed):
			return nil, err
		default:
			l.broker.o.Log.Warn("no connection could be accepted", "cause", err)
			l.pause()
		}
	}
}

// full leaves room above the limit for those who only come to be told of it.
func (l *listener) full() bool {
	l.broker.mu.Lock()
	defer l.broker.mu.Unlock()
	return len(l.broker.peers) >= l.broker.o.Clients+100
}

func (l *listener) pause() {
	timer := time.NewTimer(acceptPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.stop:
	}
}
