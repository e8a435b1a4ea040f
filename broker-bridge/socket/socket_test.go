package socket

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair gives a wrapped client and the plain other end of a loopback connection.
func pair(t *testing.T) (*Conn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialled, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn := New(dialled, 1<<16)
	t.Cleanup(func() { conn.Close(); other.Close() })
	return conn, other
}

func TestEverythingWrittenArrivesWholeAndBeforeTheEnd(t *testing.T) {
	conn, other := pair(t)
	const writers, each = 4, 5000
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				packet := []byte{byte(w), byte(i >> 8), byte(i), 0xFF}
				if i%2 == 0 {
					conn.Post(packet)
				} else if _, err := conn.Write(packet); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { group.Wait(); conn.Close() }()
	got, err := io.ReadAll(other)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != writers*each*4 {
		t.Fatalf("%d bytes arrived, want %d", len(got), writers*each*4)
	}
	next := [writers]int{}
	for packet := range slices.Chunk(got, 4) {
		w, i := packet[0], int(packet[1])<<8|int(packet[2])
		if i != next[w] {
			t.Fatalf("writer %d: packet %d came where %d was due", w, i, next[w])
		}
		next[w]++
	}
}

func TestAnAbortReachesTheReaderAsItsCause(t *testing.T) {
	conn, _ := pair(t)
	cause := errors.New("the watchdog's word")
	read := make(chan error)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		read <- err
	}()
	conn.Abort(cause)
	if err := <-read; !errors.Is(err, cause) {
		t.Fatalf("read answered %v, want the cause of the abort", err)
	}
	if conn.Post([]byte("x")) {
		t.Error("a post after the end was taken")
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, cause) {
		t.Errorf("a write after the end answered %v", err)
	}
}

func TestCloseDoesNotWaitLongForAPeerThatTakesNothing(t *testing.T) {
	conn, _ := pair(t)
	for range 64 {
		if !conn.Post(make([]byte, 1<<18)) { // more than the kernel will hold
			t.Fatal("the connection ended by itself")
		}
	}
	start := time.Now()
	conn.Close()
	if took := time.Since(start); took > 3*closeLimit {
		t.Fatalf("close took %v", took)
	}
}

func TestAFullBacklogHoldsTheWriterUntilThereIsRoom(t *testing.T) {
	conn, other := pair(t)
	const chunks, size = 100, 1 << 18
	done := make(chan error, 1)
	go func() {
		for range chunks {
			if _, err := conn.Write(make([]byte, size)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	n, err := io.CopyN(io.Discard, other, chunks*size)
	if err != nil {
		t.Fatalf("after %d bytes: %v", n, err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
