package demux_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/google/go-cmp/cmp"

	"cityhub/broker-bridge/demux"
)

// stream is a conversation: all its bytes, those of the packets that are no
// PUBLISH, and the messages.
type stream struct {
	all, others []byte
	messages    []demux.Publish
}

func (s *stream) publish(t testing.TB, topic, payload string, qos byte, id uint16) {
	t.Helper()
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Payload, p.Qos, p.MessageID = topic, []byte(payload), qos, id
	p.Dup, p.Retain = id%2 == 0, id%3 == 0
	s.all = append(s.all, encoded(t, p)...)
	s.messages = append(s.messages, demux.Publish{Topic: topic, Payload: []byte(payload), ID: id, QoS: qos})
}

func (s *stream) other(t testing.TB, kind byte) {
	t.Helper()
	p := packets.NewControlPacket(kind)
	if ack, ok := p.(*packets.SubackPacket); ok {
		ack.ReturnCodes = bytes.Repeat([]byte{1}, 300) // a length of two bytes
	}
	b := encoded(t, p)
	s.all, s.others = append(s.all, b...), append(s.others, b...)
}

func encoded(t testing.TB, p packets.ControlPacket) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// conversation mixes everything that a broker sends.
func conversation(t testing.TB) *stream {
	s := &stream{}
	s.other(t, packets.Connack)
	s.other(t, packets.Suback)
	for i := range 300 {
		switch i % 4 {
		case 0:
			s.publish(t, "city/v1/a/telemetry", strings.Repeat("x", i*i), 1, uint16(i+1))
		case 1:
			s.publish(t, "", "", 0, 0)
		case 2:
			s.publish(t, strings.Repeat("t", 200), "y", 2, uint16(65535-i))
		case 3:
			s.other(t, []byte{packets.Pingresp, packets.Pubrel, packets.Suback}[i%3])
		}
	}
	s.other(t, packets.Pingresp)
	return s
}

func TestMessagesAndOtherPacketsGoTheirOwnWays(t *testing.T) {
	s := conversation(t)
	random := rand.New(rand.NewPCG(1, 2))
	for name, in := range map[string]io.Reader{
		"at once":      bytes.NewReader(s.all),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(s.all)),
		"halves":       iotest.HalfReader(bytes.NewReader(s.all)),
	} {
		for _, buffer := range []int{16, 100, 1 << 16} {
			if name != "at once" && buffer != 16 {
				continue
			}
			t.Run(name, func(t *testing.T) {
				var got []demux.Publish
				r := demux.New(in, buffer, func(p demux.Publish) { got = append(got, p) })
				var others []byte
				part := make([]byte, 1+random.IntN(64))
				for {
					n, err := r.Read(part)
					others = append(others, part[:n]...)
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(others, s.others) {
					t.Errorf("%d bytes of other packets, want %d", len(others), len(s.others))
				}
				if diff := cmp.Diff(s.messages, got, cmp.Comparer(bytes.Equal)); diff != "" {
					t.Error(diff)
				}
			})
			in = bytes.NewReader(s.all)
		}
	}
}

func TestAPayloadIsItsReceiversOwn(t *testing.T) {
	s := &stream{}
	s.publish(t, "a", "first", 1, 1)
	s.publish(t, "b", "second", 1, 2)
	var got [][]byte
	r := demux.New(bytes.NewReader(s.all), 64, func(p demux.Publish) {
		got = append(got, append(p.Payload, " and more"...))
	})
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	if string(got[0]) != "first and more" || string(got[1]) != "second and more" {
		t.Errorf("payloads %q", got)
	}
}

func TestWhatIsNoMQTTEndsTheStream(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string
		want  error
	}{
		"QoS 3":                    {"\x36\x05\x00\x01a\x00\x01", demux.ErrMalformed},
		"a length of five bytes":   {"\x30\xff\xff\xff\xff\x01", demux.ErrMalformed},
		"no topic":                 {"\x30\x01\x00", demux.ErrMalformed},
		"topic beyond the packet":  {"\x30\x03\x00\x09a", demux.ErrMalformed},
		"no packet id":             {"\x32\x04\x00\x01ab", demux.ErrMalformed},
		"cut off in the header":    {"\x30", io.ErrUnexpectedEOF},
		"cut off in the length":    {"\x30\x80", io.ErrUnexpectedEOF},
		"cut off in the message":   {"\x30\x09\x00\x01a", io.ErrUnexpectedEOF},
		"cut off before a message": {"\x30\x09", io.ErrUnexpectedEOF},
		"an end between packets":   {"\x30\x03\x00\x01a", io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			r := demux.New(strings.NewReader(c.bytes), 16, func(demux.Publish) {})
			if _, err := r.Read(make([]byte, 8)); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

// FuzzReader holds the reader against the client library's own: what both
// accept they read alike, and nothing is lost on the way.
func FuzzReader(f *testing.F) {
	f.Add(conversation(f).all[:4096])
	f.Add([]byte("\xd0\x00\x32\x07\x00\x01a\x00\x05xy\x40\x02\x00\x05"))
	f.Add([]byte("\x36\x05\x00\x01a\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), 1<<16)]
		var ours []demux.Publish
		r := demux.New(&limited{data: data}, 16, func(p demux.Publish) { ours = append(ours, p) })
		others, _ := io.ReadAll(r)
		var want []demux.Publish
		var rest []byte
		in := bytes.NewReader(data)
		for {
			from := len(data) - in.Len()
			packet, err := library(in)
			if err != nil {
				break
			}
			if p, ok := packet.(*packets.PublishPacket); ok {
				if p.Qos == 3 { // the library does not mind
					return
				}
				want = append(want, demux.Publish{Topic: p.TopicName, Payload: p.Payload, ID: p.MessageID, QoS: p.Qos})
				continue
			}
			rest = append(rest, data[from:len(data)-in.Len()]...)
		}
		if len(ours) < len(want) || len(want) > 0 && !cmp.Equal(want, ours[:len(want)], cmp.Comparer(bytes.Equal)) {
			t.Errorf("messages %+v, want at least %+v", ours, want)
		}
		if !bytes.HasPrefix(others, rest) {
			t.Errorf("other packets %x do not begin with %x", others, rest)
		}
	})
}

// limited gives some bytes at a time.
type limited struct{ data []byte }

func (l *limited) Read(p []byte) (int, error) {
	if len(l.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.data[:min(len(l.data), 7)])
	l.data = l.data[n:]
	return n, nil
}

// library reads with the client library, which trusts lengths that do not fit.
func library(in *bytes.Reader) (packet packets.ControlPacket, err error) {
	if rest := in.Len(); declared(in) > rest { // it would take memory for a packet that cannot come
		return nil, io.ErrUnexpectedEOF
	}
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the library gave up")
		}
	}()
	return packets.ReadPacket(in)
}

// declared is how many bytes the packet that begins here says it has.
func declared(in *bytes.Reader) int {
	peek := *in
	_, _ = peek.ReadByte()
	size := 0
	for shift := 0; shift < 28; shift += 7 {
		b, err := peek.ReadByte()
		if err != nil {
			return 0
		}
		size |= int(b&0x7f) << shift
		if b < 0x80 {
			return size
		}
	}
	return 1 << 30
}
