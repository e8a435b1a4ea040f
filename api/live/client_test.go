package live

import (
	"bytes"
	"net"
	"os"
	"testing"
	"time"
)

// sluggish is a connection to somebody who takes so many bytes at each try,
// and none after so many in all.
type sluggish struct {
	net.Conn
	each, most int
	taken      bytes.Buffer
	deadline   time.Time
}

func (s *sluggish) SetWriteDeadline(t time.Time) error {
	s.deadline = t
	return nil
}

func (s *sluggish) Write(b []byte) (int, error) {
	n := min(len(b), s.each, s.most-s.taken.Len())
	s.taken.Write(b[:n])
	if n == len(b) {
		return n, nil
	}
	time.Sleep(time.Until(s.deadline))
	return n, os.ErrDeadlineExceeded
}

// A client that takes a little again and again gets everything, however long
// that takes; one that takes nothing more is cut off, with what was under way.
func TestWriteWaitsForWhoTakesAnything(t *testing.T) {
	const patience = 40 * time.Millisecond
	frame := bytes.Repeat([]byte("0123456789"), 100)
	for name, c := range map[string]struct {
		conn sluggish
		cut  bool
	}{
		"a little each time": {sluggish{each: 10, most: len(frame)}, false},
		"nothing":            {sluggish{each: 0, most: len(frame)}, true},
		"nothing any more":   {sluggish{each: 100, most: 350}, true},
	} {
		t.Run(name, func(t *testing.T) {
			client := &Client{patience: patience, roused: make(chan struct{}, 1), conn: &c.conn}
			began := time.Now()
			err := client.write(frame)
			if took := time.Since(began); took < patience {
				t.Errorf("took %s: nobody was waited for", took)
			}
			if c.cut != (err != nil) || c.cut != (client.reason() == endSlow) {
				t.Fatalf("%v, ended as %q", err, client.reason())
			}
			if all := append(c.conn.taken.Bytes(), client.rest...); !bytes.Equal(all, frame) {
				t.Errorf("%d bytes were taken, %d are left", c.conn.taken.Len(), len(client.rest))
			}
		})
	}
}

// A stream that ends for another reason waits for nobody.
func TestWriteEndsWithTheStream(t *testing.T) {
	conn := &sluggish{}
	client := &Client{patience: time.Hour, roused: make(chan struct{}, 1), conn: conn}
	client.end(endRevoked)
	if err := client.write([]byte("more")); err == nil || client.reason() != endRevoked || conn.taken.Len() > 0 {
		t.Errorf("%v, ended as %q, %d bytes were taken", err, client.reason(), conn.taken.Len())
	}
}
