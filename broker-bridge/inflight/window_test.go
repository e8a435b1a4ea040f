package inflight

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

func wide() Limits { return Limits{Messages: 1 << 16, Bytes: 1 << 30} }

func TestAcknowledgesInOrderOfArrivalWhateverOrderIsSettledIn(t *testing.T) {
	var sent []byte
	w := New(wide(), func(p []byte) { sent = append(sent, p...) }, func(err error) { t.Error(err) })
	const n = 5000
	entries := make([]*Entry, n)
	for i := range entries {
		entries[i] = w.Add(uint16(i), Puback, 10, noon)
	}
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	var group sync.WaitGroup
	for part := range 4 {
		group.Go(func() {
			for _, i := range order[part*n/4 : (part+1)*n/4] {
				entries[i].Settle(nil)
				entries[i].Settle(nil) // twice is once
			}
		})
	}
	group.Wait()
	var want []byte
	for i := range n {
		want = binary.BigEndian.AppendUint16(append(want, Puback, 2), uint16(i))
	}
	if !bytes.Equal(sent, want) {
		t.Fatalf("%d bytes sent, not the %d acknowledgements in order", len(sent), n)
	}
	if open, oldest, settled := w.State(); open != 0 || !oldest.IsZero() || settled != n {
		t.Errorf("afterwards: %d open, oldest %v, %d settled", open, oldest, settled)
	}
}

func TestTheAnswerFollowsTheQualityOfService(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer byte
		want   []byte
	}{
		{"QoS 0", None, nil},
		{"QoS 1", Puback, []byte{0x40, 2, 0x12, 0x34}},
		{"QoS 2", Pubrec, []byte{0x50, 2, 0x12, 0x34}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sent []byte
			w := New(wide(), func(p []byte) { sent = append(sent, p...) }, nil)
			w.Add(0x1234, c.answer, 1, noon).Settle(nil)
			if !bytes.Equal(sent, c.want) {
				t.Fatalf("sent % x, want % x", sent, c.want)
			}
		})
	}
}

func TestNothingIsAcknowledgedAfterOneCouldNotBeKept(t *testing.T) {
	var failures []error
	w := New(wide(), func([]byte) { t.Error("acknowledged") }, func(err error) { failures = append(failures, err) })
	first, second, third := w.Add(1, Puback, 1, noon), w.Add(2, Puback, 1, noon), w.Add(3, Puback, 1, noon)
	full := errors.New("disk full")
	second.Settle(full)
	first.Settle(nil)
	third.Settle(full)
	if len(failures) != 1 || !errors.Is(failures[0], full) {
		t.Fatalf("failures %v, want the first alone", failures)
	}
	if !first.Over() || w.Add(4, Puback, 1, noon) != nil {
		t.Error("the window goes on after its end")
	}
}

func TestAnUnkeptMessageWithoutAnAnswerEndsNothing(t *testing.T) {
	sent := 0
	w := New(wide(), func(p []byte) { sent += len(p) / 4 }, func(err error) { t.Error(err) })
	w.Add(0, None, 1, noon).Settle(errors.New("disk full"))
	w.Add(1, Puback, 1, noon).Settle(nil)
	if sent != 1 {
		t.Fatalf("%d acknowledgements, want 1", sent)
	}
}

func TestAddWaitsAtTheLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
	}{
		{"messages", Limits{Messages: 2, Bytes: 1000}},
		{"bytes", Limits{Messages: 100, Bytes: 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := New(c.limits, func([]byte) {}, nil)
			first := w.Add(1, Puback, 10, noon)
			w.Add(2, Puback, 10, noon.Add(time.Second))
			added := make(chan *Entry)
			go func() { added <- w.Add(3, Puback, 10, noon) }()
			if open, oldest, _ := w.State(); open != 2 || !oldest.Equal(noon) {
				t.Fatalf("%d open, oldest %v", open, oldest)
			}
			select {
			case <-added:
				t.Fatal("went over the limit")
			default:
			}
			first.Settle(nil)
			if <-added == nil {
				t.Fatal("refused although there was room")
			}
			go func() { added <- w.Add(4, Puback, 10, noon) }()
			w.End()
			if <-added != nil {
				t.Fatal("taken up after the end")
			}
		})
	}
}

func TestDrainWaitsForTheLastOne(t *testing.T) {
	w := New(wide(), func([]byte) {}, nil)
	e := w.Add(1, Puback, 1, noon)
	w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("drained %v with one open", err)
	}
	drained := make(chan error)
	go func() { drained <- w.Drain(t.Context()) }()
	e.Settle(nil)
	if err := <-drained; err != nil {
		t.Fatal(err)
	}
}
