package flood

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The little of MQTT 3.1.1 that a publisher at QoS 1 needs.

const (
	typeConnack = 0x20
	typePublish = 0x32 // QoS 1, neither DUP nor retained
	typePuback  = 0x40
	disconnect  = "\xe0\x00"
	unavailable = 3 // the CONNACK code that may pass
)

// appendConnect appends a CONNECT with a clean session and no keep-alive.
func appendConnect(b []byte, client, username, password string) []byte {
	flags := byte(2)
	size := 10 + 2 + len(client)
	if username != "" {
		flags |= 0xc0
		size += 4 + len(username) + len(password)
	}
	b = append(b, 0x10)
	b = appendLength(b, size)
	b = append(b, 0, 4, 'M', 'Q', 'T', 'T', 4, flags, 0, 0)
	b = appendString(b, client)
	if username != "" {
		b = appendString(appendString(b, username), password)
	}
	return b
}

func appendPublish(b []byte, topic string, id uint16, payload []byte) []byte {
	b = append(b, typePublish)
	b = appendLength(b, 2+len(topic)+2+len(payload))
	b = appendString(b, topic)
	b = binary.BigEndian.AppendUint16(b, id)
	return append(b, payload...)
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendLength(b []byte, n int) []byte {
	for n > 127 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// readPacket reads one small packet: its type and body. The body is valid
// until the next call with the same space.
func readPacket(r *bufio.Reader, space []byte) (byte, []byte, error) {
	kind, err := r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	n, err := r.ReadByte()
	if err != nil {
		return 0, nil, broken(err)
	}
	if int(n) > len(space) {
		return 0, nil, fmt.Errorf("packet of type %#x with %d bytes or more, only acknowledgements were expected", kind, n)
	}
	if _, err := io.ReadFull(r, space[:n]); err != nil {
		return 0, nil, broken(err)
	}
	return kind, space[:n], nil
}

var errBroken = errors.New("connection ended within a packet")

// broken hides a time-out within a packet, after which one cannot go on.
func broken(err error) error { return fmt.Errorf("%w: %v", errBroken, err) }

// accepted says whether a CONNACK lets us in.
func accepted(kind byte, body []byte) error {
	if kind != typeConnack || len(body) != 2 {
		return fmt.Errorf("broker answers CONNECT with a packet of type %#x", kind)
	}
	switch body[1] {
	case 0:
		return nil
	case unavailable:
		return errors.New("broker is not available yet")
	}
	return fmt.Errorf("%w, code %d", ErrRefused, body[1])
}

// ErrRefused means that the broker does not want us; trying again is useless
// unless its configuration changes.
var ErrRefused = errors.New("broker refuses the connection: check user name and password")
