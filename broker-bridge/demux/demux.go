// Package demux takes the PUBLISH packets out of what an MQTT broker sends and
// leaves every other packet to the client library. The library hands each
// message through three goroutines and as many channels, which costs more than
// all that the hub does with it afterwards; see docs/adr. It knows MQTT 3.1.1's
// framing, and neither sockets nor acknowledgements.
package demux

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Publish is one message as the broker sent it. Payload is the receiver's own.
type Publish struct {
	Topic   string
	Payload []byte
	ID      uint16 // 0 for QoS 0
	QoS     byte   // 0, 1 or 2
}

// ErrMalformed is what a stream ends with that is no MQTT; its text says where.
var ErrMalformed = errors.New("the broker sends no valid MQTT")

const (
	publish   = 3     // the packet's type
	maxHeader = 5     // bytes of type and length
	chunk     = 32768 // bytes of room that small payloads share
	large     = 1 << 20
)

// Reader reads a connection. It is for one goroutine.
type Reader struct {
	in   *bufio.Reader
	take func(Publish)
	left int    // bytes of the packet that is being passed on
	room []byte // for payloads to come: one allocation for many
}

// New reads from in with a buffer of so many bytes. take gets each message in
// order, during Read; as long as it waits, nothing is read.
func New(in io.Reader, buffer int, take func(Publish)) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, max(buffer, 16)), take: take}
}

// Read gives the bytes of all other packets. Its errors are the connection's,
// or ErrMalformed.
func (r *Reader) Read(p []byte) (int, error) {
	for r.left == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n, err := r.in.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// next looks at the packet that begins here and takes it when it is a PUBLISH.
func (r *Reader) next() error {
	head, size, err := r.header()
	if err != nil {
		return err
	}
	if head[0]>>4 != publish {
		r.left = len(head) + size
		return nil
	}
	qos := head[0] >> 1 & 3
	if qos == 3 {
		return fmt.Errorf("%w: a PUBLISH of QoS 3", ErrMalformed)
	}
	if _, err := r.in.Discard(len(head)); err != nil {
		return err
	}
	return r.publish(size, qos)
}

// header peeks at the type and the length of what follows. The slice is valid
// until the next read.
func (r *Reader) header() (head []byte, size int, err error) {
	for n := 2; n <= maxHeader; n++ {
		if head, err = r.in.Peek(n); err != nil {
			if len(head) > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, 0, err
		}
		last := head[n-1]
		size |= int(last&0x7f) << (7 * (n - 2))
		if last < 0x80 {
			return head, size, nil
		}
	}
	return nil, 0, fmt.Errorf("%w: a length of more than four bytes", ErrMalformed)
}

// publish reads what follows the header of a PUBLISH and hands it over.
func (r *Reader) publish(size int, qos byte) error {
	body, err := r.body(size)
	if err != nil {
		return err
	}
	var p Publish
	rest, ok := cut(body, &p.Topic)
	if ok && qos > 0 {
		if ok = len(rest) >= 2; ok {
			p.ID, rest = binary.BigEndian.Uint16(rest), rest[2:]
		}
	}
	if !ok {
		return fmt.Errorf("%w: a PUBLISH of %d bytes is shorter than its topic", ErrMalformed, size)
	}
	p.QoS, p.Payload = qos, rest
	r.take(p)
	return nil
}

// cut takes a text off the front of data.
func cut(data []byte, text *string) (rest []byte, ok bool) {
	if len(data) < 2 {
		return nil, false
	}
	end := 2 + int(binary.BigEndian.Uint16(data))
	if end > len(data) {
		return nil, false
	}
	*text = string(data[2:end])
	return data[end:len(data):len(data)], true
}

// body reads so many bytes.
func (r *Reader) body(size int) (body []byte, err error) {
	if size <= large {
		body = r.bytes(size)
		_, err = io.ReadFull(r.in, body)
	} else { // its memory comes as its bytes do: a length alone is no reason to give it
		body, err = io.ReadAll(io.LimitReader(r.in, int64(size)))
	}
	if errors.Is(err, io.EOF) || err == nil && len(body) < size {
		return nil, io.ErrUnexpectedEOF
	}
	return body, err
}

// bytes gives room for one packet.
func (r *Reader) bytes(size int) []byte {
	if size > chunk/8 {
		return make([]byte, size)
	}
	if size > len(r.room) {
		r.room = make([]byte, chunk)
	}
	given := r.room[:size:size]
	r.room = r.room[size:]
	return given
}
