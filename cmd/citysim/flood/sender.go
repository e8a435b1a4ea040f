package flood

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"cityhub/cmd/citysim/ledger"
)

// sender is one connection with the devices that speak over it.
type sender struct {
	o       Options
	address string
	client  string
	book    *ledger.Writer
	totals  *Totals
	encoder encoder
	left    int     // messages still to send; negative: no end
	rate    float64 // messages a second; 0: no limit
	devices []source
	turn    int

	free   chan uint16 // packet ids that wait for no acknowledgement
	mu     sync.Mutex
	flight []ledger.Record // by packet id - 1; Device 0: none
	packet []byte
}

// source is one device of the load.
type source struct {
	number uint32
	seq    uint32
	last   int64 // time of its last reading
	topic  string
}

func newSender(o Options, i, of int, before ledger.Contents, book *ledger.Writer, totals *Totals) *sender {
	s := &sender{o: o, book: book, totals: totals, encoder: encoder{fields: o.Fields}, left: -1}
	s.client = fmt.Sprintf("%s-%d", o.ClientID, i+1)
	s.rate = o.Rate / float64(of)
	if o.Count > 0 {
		s.left = o.Count / of
		if i < o.Count%of {
			s.left++
		}
	}
	at := map[uint32]int{}
	for n := i + 1; n <= o.Devices; n += of {
		at[uint32(n)] = len(s.devices)
		s.devices = append(s.devices, source{number: uint32(n), topic: "cityhub/v1/" + ledger.DeviceCode(uint32(n)) + "/telemetry"})
	}
	for _, r := range before.Records { // go on where an earlier run ended
		if j, ours := at[r.Device]; ours {
			s.devices[j].seq = max(s.devices[j].seq, r.Seq)
			s.devices[j].last = max(s.devices[j].last, r.Time)
		}
	}
	s.flight = make([]ledger.Record, o.Inflight)
	s.free = make(chan uint16, o.Inflight)
	for id := range o.Inflight {
		s.free <- uint16(id + 1)
	}
	return s
}

// run sends until ctx ends or nothing is left, and then waits for the rest of
// the acknowledgements for at most the time of Drain.
func (s *sender) run(ctx context.Context) error {
	giveUp, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopTimer := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(s.o.Drain)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-giveUp.Done():
		}
	})
	defer stopTimer()
	wait := 50 * time.Millisecond
	for first := true; giveUp.Err() == nil; first = false {
		if !first {
			s.totals.Reconnects.Add(1)
			sleep(giveUp, wait)
			wait = min(2*wait, time.Second)
		}
		welcome, err := s.session(ctx, giveUp)
		if err == nil {
			return nil
		}
		if errors.Is(err, ErrRefused) || errors.Is(err, errLedger) {
			return errors.Join(err, s.writeUnacked())
		}
		s.totals.Trouble.Store(err.Error())
		if welcome {
			wait = 50 * time.Millisecond
		}
	}
	return s.writeUnacked()
}

var errLedger = errors.New("cannot go on without the ledger")

// writeUnacked ends the ledger with what was sent and never acknowledged.
func (s *sender) writeUnacked() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.flight {
		if r.Device == 0 {
			continue
		}
		r.State = ledger.Unacked
		if err := s.book.Append(r); err != nil {
			return err
		}
		s.flight[i] = ledger.Record{}
		s.totals.Unacked.Add(1)
	}
	return nil
}

// session is one connection's life. It answers nil when all is sent and
// acknowledged; welcome says whether the broker let us in.
func (s *sender) session(ctx, giveUp context.Context) (welcome bool, err error) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	raw, err := dialer.DialContext(giveUp, "tcp", s.address)
	if err != nil {
		return false, err
	}
	defer raw.Close()
	// Nothing may wait on the connection beyond the end of all patience.
	defer context.AfterFunc(giveUp, func() { raw.Close() })()
	conn := &link{Conn: raw, patience: s.o.Stalled}
	reader := bufio.NewReaderSize(conn, 1<<14)
	if err := s.greet(conn, reader); err != nil {
		return false, err
	}
	ended := make(chan struct{})
	var ackErr error
	go func() {
		defer close(ended)
		ackErr = s.takeAcks(reader)
		raw.Close() // so that a write that waits ends too
	}()
	out := bufio.NewWriterSize(conn, 1<<16)
	err = s.publish(ctx, out, ended)
	if err == nil {
		_, _ = raw.Write([]byte(disconnect)) // a courtesy: all is acknowledged
	}
	raw.Close()
	<-ended
	if err != nil && errors.Is(ackErr, errLedger) {
		err = ackErr
	}
	return true, err
}

func (s *sender) greet(conn net.Conn, reader *bufio.Reader) error {
	if _, err := conn.Write(appendConnect(nil, s.client, s.o.Username, s.o.Password)); err != nil {
		return err
	}
	var space [8]byte
	kind, body, err := readPacket(reader, space[:])
	if err != nil {
		return err
	}
	return accepted(kind, body)
}

// link ends a read or a write that takes too long.
type link struct {
	net.Conn
	patience time.Duration
}

func (l *link) Read(b []byte) (int, error) {
	if err := l.SetReadDeadline(time.Now().Add(l.patience)); err != nil {
		return 0, err
	}
	return l.Conn.Read(b)
}

func (l *link) Write(b []byte) (int, error) {
	if err := l.SetWriteDeadline(time.Now().Add(l.patience)); err != nil {
		return 0, err
	}
	return l.Conn.Write(b)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
