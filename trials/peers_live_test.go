//go:build peers

package trials

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cityhub/testbed"
	"cityhub/testbed/race"
)

const (
	fans      = 1_000 // clients
	fanRate   = 100   // events a second
	fanTime   = 8 * time.Second
	fanRounds = 3
)

// TestPeersLive is F alone: `go test -tags peers -run '^TestPeersLive$' -v ./trials`.
func TestPeersLive(t *testing.T) {
	r := &race.Report{}
	runFans(t, r)
	r.End(t, "F")
}

// runFans is F: what a thousand clients of the live stream cost the hub, its
// whole intake included, beside a server that writes every event to every
// client when it comes, and has no intake at all.
func runFans(t *testing.T, r *race.Report) {
	var hubs, peers []fanned
	ok := t.Run("1000 live clients", func(t *testing.T) {
		h := startHub(t, t.TempDir(), nil, "--live-clients-each", strconv.Itoa(fans))
		h.registerFlood(fanRate)
		wait := flood(t, "tcp://"+h.mqt, filepath.Join(t.TempDir(), "ledger"), "--devices", strconv.Itoa(fanRate), "--rate", strconv.Itoa(fanRate),
			"--duration", (2 * fanRounds * (fanTime + 5*time.Second)).String())
		plain, pid := startPlain(t)
		request := "GET /api/v1/live?property=pm25 HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer " + h.key + "\r\n\r\n"
		for range fanRounds {
			hubs = append(hubs, fan(t, h.http, request, h.process.Process.Pid))
			peers = append(peers, fan(t, plain, "GET / HTTP/1.1\r\nHost: plain\r\n\r\n", pid))
		}
		wait()
	})
	if !ok {
		t.FailNow()
	}
	cost := func(f fanned) float64 { return f.cost }
	hub, peer := median(hubs, cost), median(peers, cost)
	r.Note("F: values that reached a client a second: hub %.0f, flush per event %.0f", median(hubs, func(f fanned) float64 { return f.rate }), median(peers, func(f fanned) float64 { return f.rate }))
	others := median(append(hubs, peers...), func(f fanned) float64 { return f.others })
	r.Add(race.Row{What: "F 1,000 clients × 100 events/s, CPU µs/event and client; beside flush per event", Hub: hub, Peer: peer, Ratio: hub / peer, Goal: "≤ 0.2", Met: hub/peer <= 0.2, Others: others})
}

// fanned is one round.
type fanned struct {
	cost   float64 // µs of the server's CPU for an event that reached a client
	rate   float64 // events a second and client
	others float64
}

// fan opens the clients and measures the server while they read.
func fan(t *testing.T, address, request string, pid int) fanned {
	var values atomic.Int64
	var reading sync.WaitGroup
	conns := make([]net.Conn, fans)
	for i := range conns {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		conns[i] = conn
		reading.Go(func() { count(conn, &values) })
	}
	time.Sleep(2 * time.Second) // what they are sent at first is over
	w, cpu, seen, began := newWatch(t), cpuOf(t, pid), values.Load(), time.Now()
	time.Sleep(fanTime)
	took := time.Since(began)
	cpu, seen = cpuOf(t, pid)-cpu, values.Load()-seen
	others := w.others()
	for _, conn := range conns {
		conn.Close()
	}
	reading.Wait()
	if want := took.Seconds() * fans * fanRate / 2; float64(seen) < want {
		t.Errorf("%d events reached clients, not half of those sent", seen)
	}
	f := fanned{float64(cpu.Microseconds()) / float64(seen), float64(seen) / fans / took.Seconds(), others}
	t.Logf("%s: %.3f µs an event and client, %.0f events/s a client, others' CPU %.0f %%", address, f.cost, f.rate, 100*others)
	return f
}

// count counts features until the connection ends.
func count(conn net.Conn, values *atomic.Int64) {
	mark := []byte(`"type":"Feature",`)
	buffer, kept := make([]byte, 16<<10), 0
	for {
		n, err := conn.Read(buffer[kept:])
		all := buffer[:kept+n]
		values.Add(int64(bytes.Count(all, mark)))
		if err != nil {
			return
		}
		kept = copy(buffer, all[max(0, len(all)-len(mark)+1):]) // a mark may be cut in two
	}
}

// startPlain runs this program once more, as TestPlain.
func startPlain(t *testing.T) (address string, pid int) {
	t.Helper()
	address = "127.0.0.1:" + strconv.Itoa(testbed.FreePort(t))
	c := exec.Command(os.Args[0], "-test.run", "^TestPlain$")
	c.Env = append(os.Environ(), "CITYHUB_PLAIN="+address)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
	})
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return address, c.Process.Pid
		}
		if time.Now().After(deadline) {
			t.Fatal("the plain server does not start: ", err)
		}
	}
}

// TestPlain is the server to compare with: every event is written, and sent, to
// every client by itself. It encodes an event once for all of them, too, so
// that the difference is that of frames alone.
func TestPlain(t *testing.T) {
	address := os.Getenv("CITYHUB_PLAIN")
	if address == "" {
		t.Log("CITYHUB_PLAIN names no address: nothing is served")
		return
	}
	p := &plain{clients: map[chan []byte]struct{}{}}
	go p.tell()
	t.Fatal(http.ListenAndServe(address, p))
}

type plain struct {
	mu      sync.Mutex
	clients map[chan []byte]struct{}
}

func (p *plain) tell() {
	n := 0
	for range time.Tick(time.Second / fanRate) {
		n++
		now := time.Now().UTC().Format(time.RFC3339Nano)
		text := fmt.Appendf(nil, `event: delta
data: {"type":"FeatureCollection","time":"%s","features":[{"type":"Feature","id":%d,"geometry":{"type":"Point","coordinates":[105.8524,21.0285]},"properties":{"thing":"flood-%06d","name":"flood-%06d","datastream":%d,"property":"pm25","value":%d.5,"unit":"µg/m³","time":"%s","received":"%s","quality":[],"state":"ok"}}],"gone":[]}
id: %d

`, now, n%fanRate, n%fanRate, n%fanRate, n%fanRate, n%50, now, now, n)
		p.mu.Lock()
		for c := range p.clients {
			select {
			case c <- text:
			default: // too slow
			}
		}
		p.mu.Unlock()
	}
}

func (p *plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	texts := make(chan []byte, 256)
	p.mu.Lock()
	p.clients[texts] = struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.clients, texts)
		p.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	for {
		select {
		case <-r.Context().Done():
			return
		case text := <-texts:
			if _, err := w.Write(text); err != nil {
				return
			}
			if err := flush.Flush(); err != nil {
				return
			}
		}
	}
}
