package flood

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"cityhub/cmd/citysim/ledger"
)

var errEnded = errors.New("connection ended")

// publish sends what an earlier connection left unacknowledged, then new
// messages, and answers nil once there is nothing left to wait for.
func (s *sender) publish(ctx context.Context, out *bufio.Writer, ended <-chan struct{}) error {
	if err := s.resend(out); err != nil {
		return err
	}
	start, sent := time.Now(), 0
	for s.left != 0 && ctx.Err() == nil {
		id, ok, err := s.slot(ctx, out, ended)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		// A message is in the window before it is on its way, for its
		// acknowledgement may overtake us.
		record, topic := s.next()
		s.hold(id, record)
		if err := s.write(out, topic, id, record); err != nil {
			return err
		}
		s.totals.Sent.Add(1)
		sent++
		if err := s.pace(ctx, out, start, sent); err != nil {
			return err
		}
	}
	return s.settle(out, ended)
}

// slot gives a packet id, waiting for one if the window is full; false means
// that the time to send has ended.
func (s *sender) slot(ctx context.Context, out *bufio.Writer, ended <-chan struct{}) (uint16, bool, error) {
	select {
	case id := <-s.free:
		return id, true, nil
	default:
	}
	if err := out.Flush(); err != nil {
		return 0, false, err
	}
	select {
	case id := <-s.free:
		s.gather()
		return id, true, nil
	case <-ended:
		return 0, false, errEnded
	case <-ctx.Done():
		return 0, false, nil
	}
}

// gather waits a moment for more of the window to become free. Otherwise every
// acknowledgement would cause one message and one write to the socket.
func (s *sender) gather() {
	const breath, patience = 200 * time.Microsecond, 10
	for range patience {
		if len(s.free) >= cap(s.free)/4 {
			return
		}
		time.Sleep(breath)
	}
}

// next makes the next reading, of the device whose turn it is.
func (s *sender) next() (ledger.Record, string) {
	d := &s.devices[s.turn]
	s.turn = (s.turn + 1) % len(s.devices)
	d.seq++
	d.last = max(d.last+1000, time.Now().UnixMicro()*1000)
	s.left--
	return ledger.Record{Device: d.number, Seq: d.seq, Time: d.last, State: ledger.Acked}, d.topic
}

func (s *sender) hold(id uint16, r ledger.Record) {
	s.mu.Lock()
	s.flight[id-1] = r
	s.mu.Unlock()
}

func (s *sender) write(out *bufio.Writer, topic string, id uint16, r ledger.Record) error {
	payload := s.encoder.append(s.packet[:0], r)
	whole := appendPublish(payload, topic, id, payload)
	s.packet = whole[:0]
	_, err := out.Write(whole[len(payload):])
	return err
}

// pace waits until it is time for the next message.
func (s *sender) pace(ctx context.Context, out *bufio.Writer, start time.Time, sent int) error {
	if s.rate <= 0 {
		return nil
	}
	ahead := time.Duration(float64(sent)/s.rate*float64(time.Second)) - time.Since(start)
	if ahead < time.Millisecond {
		return nil
	}
	if err := out.Flush(); err != nil {
		return err
	}
	sleep(ctx, ahead)
	return nil
}

func (s *sender) resend(out *bufio.Writer) error {
	s.mu.Lock()
	flight := make(map[uint16]ledger.Record)
	for i, r := range s.flight {
		if r.Device != 0 {
			flight[uint16(i+1)] = r
		}
	}
	s.mu.Unlock()
	for id, r := range flight {
		topic := "cityhub/v1/" + ledger.DeviceCode(r.Device) + "/telemetry"
		if err := s.write(out, topic, id, r); err != nil {
			return err
		}
		s.totals.Resent.Add(1)
	}
	return out.Flush()
}

// settle waits until every message is acknowledged: then all ids are free.
func (s *sender) settle(out *bufio.Writer, ended <-chan struct{}) error {
	if err := out.Flush(); err != nil {
		return err
	}
	ids := make([]uint16, 0, cap(s.free))
	defer func() {
		for _, id := range ids {
			s.free <- id
		}
	}()
	for len(ids) < cap(s.free) {
		select {
		case id := <-s.free:
			ids = append(ids, id)
		case <-ended:
			return errEnded
		}
	}
	return nil
}

// takeAcks writes acknowledged messages to the ledger until the connection
// ends. While nothing is under way a quiet line is no fault.
func (s *sender) takeAcks(reader *bufio.Reader) error {
	var space [8]byte
	for {
		kind, body, err := readPacket(reader, space[:])
		var late net.Error
		if err != nil && !errors.Is(err, errBroken) && errors.As(err, &late) && late.Timeout() && s.idle() {
			continue
		}
		if err != nil {
			return err
		}
		if kind != typePuback || len(body) != 2 {
			return fmt.Errorf("broker sent a packet of type %#x where PUBACK was expected", kind)
		}
		if err := s.acked(binary.BigEndian.Uint16(body)); err != nil {
			return fmt.Errorf("%w: %w", errLedger, err)
		}
	}
}

func (s *sender) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.flight {
		if r.Device != 0 {
			return false
		}
	}
	return true
}

func (s *sender) acked(id uint16) error {
	if id == 0 || int(id) > len(s.flight) {
		return nil // none of ours
	}
	s.mu.Lock()
	record := s.flight[id-1]
	s.flight[id-1] = ledger.Record{}
	s.mu.Unlock()
	if record.Device == 0 {
		return nil // a second acknowledgement of the same message
	}
	if err := s.book.Append(record); err != nil {
		return err
	}
	s.totals.Acked.Add(1)
	s.free <- id
	return nil
}
