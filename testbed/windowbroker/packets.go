package windowbroker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
)

// Packet types of MQTT 3.1.1, in the upper half of the first byte.
const (
	typeConnect    = 1
	typePublish    = 3
	typePuback     = 4
	typeSubscribe  = 8
	typePingreq    = 12
	typeDisconnect = 14
)

const maxPacket = 1 << 20

var errMalformed = errors.New("windowbroker: malformed packet")

// serve speaks with one client until the connection ends.
func (b *Broker) serve(conn net.Conn) {
	l := newLink(conn)
	var writer sync.WaitGroup
	writer.Go(l.flush)
	s := b.talk(conn, l)
	if s != nil {
		s.detach(l)
	}
	l.end()
	conn.Close()
	writer.Wait()
	b.mu.Lock()
	delete(b.conns, conn)
	b.mu.Unlock()
}

// talk reads packets; it answers the session, nil when there never was one.
func (b *Broker) talk(conn net.Conn, l *link) *session {
	reader := bufio.NewReaderSize(conn, 1<<16)
	first, body, err := readPacket(reader)
	if err != nil || first>>4 != typeConnect {
		return nil
	}
	client, clean, err := connect(body)
	if err != nil {
		return nil
	}
	s, present := b.attach(client, clean)
	connack := []byte{0x20, 2, 0, 0}
	if present {
		connack[2] = 1
	}
	l.write(connack)
	s.attach(l)
	for {
		first, body, err := readPacket(reader)
		if err != nil || b.handle(s, l, first, body) != nil {
			return s
		}
	}
}

func (b *Broker) handle(s *session, l *link, first byte, body []byte) error {
	switch first >> 4 {
	case typePublish:
		return b.published(l, first, body)
	case typePuback:
		if len(body) != 2 {
			return errMalformed
		}
		s.acknowledge(binary.BigEndian.Uint16(body))
	case typeSubscribe:
		return subscribed(s, l, body)
	case typePingreq:
		l.write([]byte{0xD0, 0})
	case typeDisconnect:
		return io.EOF
	default:
		return errMalformed
	}
	return nil
}

func (b *Broker) published(l *link, first byte, body []byte) error {
	topic, rest, ok := text(body)
	qos := first >> 1 & 3
	if !ok || qos > 1 || qos == 1 && len(rest) < 2 {
		return errMalformed
	}
	var id []byte
	if qos == 1 {
		id, rest = rest[:2], rest[2:]
	}
	b.Publish(topic, rest)
	if qos == 1 {
		l.write([]byte{0x40, 2, id[0], id[1]})
	}
	return nil
}

func subscribed(s *session, l *link, body []byte) error {
	if len(body) < 2 {
		return errMalformed
	}
	answer := []byte{body[0], body[1]}
	for rest := body[2:]; len(rest) > 0; {
		filter, after, ok := text(rest)
		if !ok || len(after) < 1 {
			return errMalformed
		}
		s.subscribe(filter)
		answer = append(answer, min(after[0], 1))
		rest = after[1:]
	}
	l.write(packet(0x90, answer))
	return nil
}

// connect reads the client id and whether it wants a clean session.
func connect(body []byte) (client string, clean bool, err error) {
	_, rest, ok := text(body)
	if !ok || len(rest) < 4 {
		return "", false, errMalformed
	}
	client, _, ok = text(rest[4:])
	if !ok {
		return "", false, errMalformed
	}
	return client, rest[1]&2 != 0, nil
}

func publish(d delivery, again bool) []byte {
	first := byte(typePublish<<4 | 1<<1)
	if again {
		first |= 8
	}
	body := binary.BigEndian.AppendUint16(nil, uint16(len(d.topic)))
	body = append(body, d.topic...)
	body = binary.BigEndian.AppendUint16(body, d.id)
	return packet(first, append(body, d.payload...))
}

func packet(first byte, body []byte) []byte {
	out := []byte{first}
	for n := len(body); ; {
		digit := byte(n & 127)
		if n >>= 7; n == 0 {
			return append(append(out, digit), body...)
		}
		out = append(out, digit|128)
	}
}

func readPacket(r *bufio.Reader) (first byte, body []byte, err error) {
	if first, err = r.ReadByte(); err != nil {
		return 0, nil, err
	}
	length, err := binary.ReadUvarint(r) // the same coding, and its limit comes below
	if err != nil {
		return 0, nil, err
	}
	if length > maxPacket {
		return 0, nil, errMalformed
	}
	body = make([]byte, length)
	_, err = io.ReadFull(r, body)
	return first, body, err
}

// text cuts a length-prefixed string off.
func text(body []byte) (string, []byte, bool) {
	if len(body) < 2 {
		return "", nil, false
	}
	n := int(binary.BigEndian.Uint16(body))
	if len(body) < 2+n {
		return "", nil, false
	}
	return string(body[2 : 2+n]), body[2+n:], true
}
