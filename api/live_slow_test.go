package api_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cityhub/api"
	"cityhub/telemetry"
)

// dial opens a live stream by hand, with a small window, and leaves it unread.
func (h *hub) dial(query string) net.Conn {
	h.t.Helper()
	conn := must(net.Dial("tcp", strings.TrimPrefix(h.url, "http://")))(h.t)
	h.t.Cleanup(func() { conn.Close() })
	check(h.t, conn.(*net.TCPConn).SetReadBuffer(4<<10))
	must(fmt.Fprintf(conn, "GET /api/v1/live?%s HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer %s\r\n\r\n", query, h.key))(h.t)
	return conn
}

// measure gives stations of a crowd a value, as the pipeline does.
func (h *hub) measure(value float64, stations ...int) {
	h.t.Helper()
	now := h.now()
	lines := make([]telemetry.Line, len(stations))
	for i, n := range stations {
		target := must(h.registry.Resolve(fmt.Sprintf("c%d", n), now.Add(time.Hour)))(h.t)
		lines[i] = telemetry.Line{Group: target.Series.ID, Time: now.UnixNano(), Received: now.UnixNano(),
			Fields: []telemetry.Field{{Property: "pm25", Value: telemetry.NumberOf(value)}}}
	}
	h.latest.Tell(lines)
	h.server.Tell(lines)
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// TestLiveSlowDelaysNobody holds that a client that reads one byte a second
// costs another none of its time: the other gets every value in about the time
// that it took while it was alone, which is far below what a write to the slow
// one may last.
func TestLiveSlowDelaysNobody(t *testing.T) {
	h := newHub(t)
	h.crowd(1_000)
	quick := h.follow("property=pm25", "")
	quick.take()
	value := 1000.0
	delays := func() (all []time.Duration) {
		for range 40 {
			value++
			began := time.Now()
			h.measure(value, 7)
			quick.until("the value came", func() bool { return quick.value("c7") == value })
			all = append(all, time.Since(began))
		}
		slices.Sort(all)
		return all
	}
	alone := delays()
	slow := h.dial("property=pm25") // the same room: its snapshot is larger than its window
	go func() {
		for one := make([]byte, 1); ; time.Sleep(time.Second) {
			if _, err := slow.Read(one); err != nil {
				return
			}
		}
	}()
	eventually(t, "the slow one is there", func() bool { return h.server.LiveClients() == 2 })
	h.measure(5, numbers(1_000)...) // and it has much to catch up with
	beside := delays()
	if n := h.server.LiveClients(); n != 2 {
		t.Fatalf("%d clients: the slow one is not there any more, so nothing is shown", n)
	}
	t.Logf("alone: median %s, most %s; beside a slow one: median %s, most %s", alone[20], alone[39], beside[20], beside[39])
	if beside[20] > 4*alone[20] || beside[39] > 5*time.Second {
		t.Error("a slow client delays another")
	}
}

// TestLiveMemory holds that a thousand clients that read nothing, each of
// another window, cost a bounded memory however much they miss.
func TestLiveMemory(t *testing.T) {
	const clients, each = 1_000, 96 << 10
	h := newHub(t, func(o *api.Options) {
		o.Live = api.LiveLimits{Each: 2 * clients, Patience: 10 * time.Minute}
		o.Rates = api.Rates{}
	})
	h.crowd(1_000)
	before := used()
	for i := range clients {
		h.dial(fmt.Sprintf("property=pm25&bbox=104,20,106,%.3f", 22+float64(i)/1_000))
	}
	eventually(t, "all are there", func() bool { return h.server.LiveClients() == clients })
	// Three times as much as they were sent at first.
	quick := h.follow("property=pm25&thing=c7", "")
	for value := 1.0; value <= 20; value++ {
		h.measure(1000+value, numbers(1_000)...)
		quick.until("the value came", func() bool { return quick.value("c7") == 1000+value })
	}
	if n := h.server.LiveClients(); n != clients+1 {
		t.Fatalf("%d clients", n)
	}
	one := int64(used()-before) / clients
	t.Logf("%d KiB a client", one>>10)
	if one > each {
		t.Errorf("%d bytes a client, want at most %d", one, each)
	}
}

// used is the memory in use, heap and stacks.
func used() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// TestLiveCutsOff holds that who takes nothing is cut off, and finds the reason
// at the end of what it gets.
func TestLiveCutsOff(t *testing.T) {
	for name, wide := range map[string]int{"in a snapshot": 2_000, "in a delta": 300} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, func(o *api.Options) { o.Live.Patience = 300 * time.Millisecond })
			h.crowd(wide)
			conn := h.dial("property=pm25")
			eventually(t, "the client is there", func() bool { return h.server.LiveClients() == 1 || h.server.LiveCutOff() == 1 })
			for value := 1.0; h.server.LiveCutOff() == 0; value++ {
				began := time.Now()
				h.measure(value, numbers(wide)...)
				if took := time.Since(began); took > 5*time.Second {
					t.Fatalf("Tell took %s", took)
				}
				time.Sleep(5 * time.Millisecond)
			}
			eventually(t, "nobody is left", func() bool { return h.server.LiveClients() == 0 })
			check(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
			all := string(must(io.ReadAll(conn))(t))
			tail := all[max(0, len(all)-300):]
			if !strings.Contains(tail, "\nevent: cut-off\ndata: {\"reason\":\"too-slow\"") || !strings.HasSuffix(tail, "}\n\n") {
				t.Errorf("the end is %q", tail)
			}
		})
	}
}
