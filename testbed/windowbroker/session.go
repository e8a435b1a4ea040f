package windowbroker

import (
	"net"
	"sync"
)

// delivery is a message for one subscriber.
type delivery struct {
	id      uint16 // 0 while it has never been sent
	topic   string
	payload []byte
}

// session is what the broker keeps for a client over its connections.
type session struct {
	mu      sync.Mutex
	window  int
	filters map[string]bool
	queue   []delivery
	flight  []delivery // sent and not acknowledged, in order
	nextID  uint16
	link    *link
	told    Stats
}

func newSession(window int) *session {
	return &session{window: window, filters: map[string]bool{}}
}

// attach makes the link the session's own, ends the one before, and sends
// again what that left unacknowledged.
func (s *session) attach(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != nil {
		s.link.conn.Close()
	}
	s.link = l
	for _, d := range s.flight {
		l.write(publish(d, true))
		s.told.Resent++
	}
	s.pump()
}

// detach ends the connection of a link, or whichever there is for nil.
func (s *session) detach(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil || l != nil && s.link != l {
		return
	}
	s.link.conn.Close()
	s.link = nil
}

func (s *session) subscribe(filter string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filters[filter] = true
}

func (s *session) offer(topic string, payload []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for filter := range s.filters {
		if matches(filter, topic) {
			s.queue = append(s.queue, delivery{topic: topic, payload: payload})
			break
		}
	}
	s.pump()
}

// pump sends as much as the window allows.
func (s *session) pump() {
	for s.link != nil && len(s.queue) > 0 && len(s.flight) < s.window {
		d := s.queue[0]
		s.queue = s.queue[1:]
		d.id = s.freeID()
		s.flight = append(s.flight, d)
		s.told.MaxUnacknowledged = max(s.told.MaxUnacknowledged, len(s.flight))
		s.link.write(publish(d, false))
	}
}

func (s *session) freeID() uint16 {
	for {
		s.nextID++
		if s.nextID != 0 && s.inFlight(s.nextID) < 0 {
			return s.nextID
		}
	}
}

func (s *session) inFlight(id uint16) int {
	for i, d := range s.flight {
		if d.id == id {
			return i
		}
	}
	return -1
}

// acknowledge takes a PUBACK; one for a message that is not in flight does
// nothing, as the protocol wants it.
func (s *session) acknowledge(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.inFlight(id)
	if at < 0 {
		return
	}
	s.flight = append(s.flight[:at], s.flight[at+1:]...)
	s.told.Acknowledged++
	s.pump()
}

func (s *session) stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := s.told
	told.Queued, told.Unacknowledged = len(s.queue), len(s.flight)
	return told
}

// link is the writing half of a connection. Writes never wait for the peer.
type link struct {
	conn    net.Conn
	mu      sync.Mutex
	changed sync.Cond
	pending []byte
	over    bool
}

func newLink(conn net.Conn) *link {
	l := &link{conn: conn}
	l.changed.L = &l.mu
	return l
}

func (l *link) write(packet []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, packet...)
	l.changed.Signal()
}

// flush writes until end is called or the connection fails.
func (l *link) flush() {
	for {
		l.mu.Lock()
		for len(l.pending) == 0 && !l.over {
			l.changed.Wait()
		}
		out := l.pending
		l.pending = nil
		l.mu.Unlock()
		if len(out) == 0 {
			return
		}
		if _, err := l.conn.Write(out); err != nil {
			return
		}
	}
}

func (l *link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.changed.Signal()
}
