// Package windowbroker is a small MQTT 3.1.1 broker that keeps its word to the
// letter: no subscriber ever has more than a fixed number of unacknowledged
// QoS 1 messages, and what a connection left unacknowledged is sent again on
// the next one. Big brokers differ in exactly these points, so what depends on
// them is measured here. It speaks QoS 0 and 1 and keeps everything in memory.
package windowbroker

import (
	"errors"
	"net"
	"strings"
	"sync"
)

// Broker listens until Close.
type Broker struct {
	listener net.Listener
	window   int
	handlers sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*session // by client id; they outlive connections
	conns    map[net.Conn]bool
	closed   bool
}

// Stats tells of one subscriber.
type Stats struct {
	Queued            int // accepted for it and never sent yet
	Unacknowledged    int // sent and not acknowledged
	MaxUnacknowledged int // the most there ever were at a time
	Acknowledged      int
	Resent            int // messages sent once more on a new connection
}

// Listen starts a broker; address may have port 0.
func Listen(address string, window int) (*Broker, error) {
	if window < 1 {
		return nil, errors.New("windowbroker: the window must be at least 1")
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	b := &Broker{listener: listener, window: window, sessions: map[string]*session{}, conns: map[net.Conn]bool{}}
	b.handlers.Go(b.accept)
	return b, nil
}

// URL is where clients connect.
func (b *Broker) URL() string { return "tcp://" + b.listener.Addr().String() }

// Publish queues a QoS 1 message for every session that subscribes to it.
func (b *Broker) Publish(topic string, payload []byte) {
	b.mu.Lock()
	var to []*session
	for _, s := range b.sessions {
		to = append(to, s)
	}
	b.mu.Unlock()
	for _, s := range to {
		s.offer(topic, payload)
	}
}

// Stats of the session of a client id; ok is false when there is none.
func (b *Broker) Stats(client string) (Stats, bool) {
	b.mu.Lock()
	s, ok := b.sessions[client]
	b.mu.Unlock()
	if !ok {
		return Stats{}, false
	}
	return s.stats(), true
}

// Forget loses the session of a client, as a broker does that was restarted
// without its data, and ends its connection.
func (b *Broker) Forget(client string) {
	b.mu.Lock()
	s := b.sessions[client]
	delete(b.sessions, client)
	b.mu.Unlock()
	if s != nil {
		s.detach(nil)
	}
}

// Drop ends all connections; sessions stay.
func (b *Broker) Drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for conn := range b.conns {
		conn.Close()
	}
}

// Close ends everything and waits for it.
func (b *Broker) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.listener.Close()
	b.Drop()
	b.handlers.Wait()
}

func (b *Broker) accept() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		if b.closed {
			b.mu.Unlock()
			conn.Close()
			return
		}
		b.conns[conn] = true
		b.mu.Unlock()
		b.handlers.Go(func() { b.serve(conn) })
	}
}

// attach finds or makes the session of a client.
func (b *Broker) attach(client string, clean bool) (s *session, present bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, present = b.sessions[client]
	if !present || clean {
		s, present = newSession(b.window), false
		b.sessions[client] = s
	}
	return s, present
}

// matches says whether a topic is one of a filter's.
func matches(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, want := range f {
		switch {
		case want == "#":
			return true
		case i >= len(t) || want != "+" && want != t[i]:
			return false
		}
	}
	return len(f) == len(t)
}
