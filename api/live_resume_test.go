package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/api"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// A client that comes back is told what has changed meanwhile, and nothing
// else.
func TestLiveResumes(t *testing.T) {
	h := newHub(t)
	h.crowd(20)
	first := h.follow("property=pm25", "")
	if m := first.take(); m.event != "snapshot" || len(first.features) != 20 {
		t.Fatalf("%s of %d stations", m.event, len(first.features))
	}
	h.measure(100, 3)
	first.until("a delta came", func() bool { return first.value("c3") == 100.0 })
	first.leave()
	eventually(t, "it has gone", func() bool { return h.server.LiveClients() == 0 })

	h.measure(200, 4)
	h.call("DELETE", fmt.Sprintf("datastreams/%d", h.stream("c5", "pm25")), "").want(204)
	h.measure(300, 4)
	witness := h.follow("property=pm25", "")
	witness.until("the registry was looked at", func() bool { return witness.value("c5") == nil && witness.value("c4") == 300.0 })

	second := h.follow("property=pm25", first.id)
	second.features = first.features
	m := second.take()
	if m.event != "delta" || strings.Count(m.data, `"type":"Feature",`) != 1 {
		t.Errorf("it is told %s %s", m.event, m.data)
	}
	if !second.same(h.latestOf("", "pm25")) {
		t.Errorf("its picture is not what /latest shows, after %s", m.data)
	}
	if third := h.follow("property=pm25", second.id); !strings.Contains(third.take().data, `"features":[],"gone":[]`) {
		t.Error("who has missed nothing is not told so at once")
	}
}

// An id of another filter, of other rights or of an earlier run of the hub, or
// what is no id, brings a fresh snapshot.
func TestLiveFreshSnapshot(t *testing.T) {
	dir, old := t.TempDir(), ""
	t.Run("the hub that stops", func(t *testing.T) {
		h := newHubAt(t, dir)
		h.crowd(3)
		s := h.follow("property=pm25", "")
		s.take()
		old = s.id
		for name, query := range map[string]string{"filter": "property=pm25&bbox=105,20,106,21", "properties": "property=pm25,temperature"} {
			if m := h.follow(query, old).take(); m.event != "snapshot" {
				t.Errorf("another %s: %s", name, m.event)
			}
		}
		for _, id := range []string{"x", old + "9999999999", strings.Repeat("9", 200), strings.Replace(old, ".", "", 1)} {
			if m := h.follow("property=pm25", id).take(); m.event != "snapshot" {
				t.Errorf("id %q: %s", id, m.event)
			}
		}
		organisation := must(h.registry.Organisations.List(t.Context(), devices.Page{Limit: 1}))(t)[0].ID
		h.key = h.newKey(access.Viewer, organisation)
		if m := h.follow("property=pm25", old).take(); m.event != "snapshot" {
			t.Errorf("other rights: %s", m.event)
		}
	})
	t.Run("the hub that starts", func(t *testing.T) {
		h := newHubAt(t, dir)
		if m := h.follow("property=pm25", old).take(); m.event != "snapshot" {
			t.Errorf("an id of the run before: %s", m.event)
		}
	})
}

// However often a client breaks off, it gets every event once, in order.
func TestLiveEventsOnce(t *testing.T) {
	h := newHub(t)
	h.crowd(2)
	const all = 300
	s := h.follow("property=pm25&events=fence", "")
	s.take()
	go func() {
		for i := range all {
			h.server.Announce(telemetry.Event{Kind: "fence", Time: h.now(), Data: map[string]int{"n": i}})
			if i%3 == 0 {
				h.measure(float64(i), 1)
				time.Sleep(3 * time.Millisecond) // spread over many frames
			}
		}
	}()
	for broken := 0; len(s.heard) < all; {
		m := s.take()
		switch {
		case m.event == "":
			t.Fatalf("the stream ended after %d", len(s.heard))
		case m.event == "snapshot":
			t.Fatal("a snapshot, though the hub still knows")
		case len(s.heard) > 30*(broken+1):
			broken++
			s.leave()
			next := h.follow("property=pm25&events=fence", s.id)
			next.id, next.features, next.heard = s.id, s.features, s.heard
			s = next
		}
	}
	for i, e := range s.heard {
		if e != fmt.Sprintf(`fence {"n":%d}`, i) {
			t.Fatalf("event %d is %s", i, e)
		}
	}
}

// Events are told to those who asked for their kind and may see where they
// happened.
func TestLiveEventsInScope(t *testing.T) {
	h := newHub(t)
	h.city()
	other := h.post("organisations", `{"code":"OTHER"}`).want(201).id()
	admin := h.key
	inside := h.follow("events=fence,alarm&bbox=105,20,106,22", "")
	h.key = h.newKey(access.Viewer, other)
	theirs := h.follow("events=fence", "")
	h.key = admin
	inside.take()
	theirs.take()
	here, there := &geo.Position{Lon: 105.5, Lat: 21}, &geo.Position{Lon: 10, Lat: 50}
	for _, e := range []telemetry.Event{
		{Kind: "fence", Position: there, Data: "outside the window"},
		{Kind: "fence", Data: "nowhere"},
		{Kind: "flood", Position: here, Data: "of another kind"},
		{Kind: "snapshot", Position: here, Data: "a name of the stream's own"},
		{Kind: "fence", Position: here, Data: make(chan int)},
		{Kind: "fence", Position: here, Organisation: other, Data: "yes"},
		{Kind: "alarm", Position: here, Data: "and yes"},
	} {
		h.server.Announce(e)
	}
	inside.until("both came", func() bool { return len(inside.heard) == 2 })
	if got := strings.Join(inside.heard, "; "); got != `fence "yes"; alarm "and yes"` {
		t.Errorf("inside: %s", got)
	}
	theirs.until("theirs came", func() bool { return len(theirs.heard) == 1 })
	if theirs.heard[0] != `fence "yes"` {
		t.Errorf("another organisation's viewer: %s", theirs.heard[0])
	}
	if !strings.Contains(h.logs.String(), "an event cannot be told") {
		t.Error("an event without a JSON form is passed over in silence")
	}
}

// Who lags behind more events than are kept is told that some are missing.
func TestLiveMissedEvents(t *testing.T) {
	h := newHub(t)
	h.city()
	s := h.follow("events=fence", "")
	s.take()
	s.leave()
	for i := range 3_000 {
		h.server.Announce(telemetry.Event{Kind: "fence", Data: i})
	}
	witness := h.follow("events=fence", s.id)
	witness.until("the newest came", func() bool { return len(witness.heard) > 1 && witness.heard[len(witness.heard)-1] == "fence 2999" })
	if n := len(witness.heard) - 1; !strings.HasPrefix(witness.heard[0], "missed ") || n < 1_024 || n > 2_048 {
		t.Errorf("%d events, at first %s", n, witness.heard[0])
	}
}

// Shutdown tells everybody and waits for nobody for long.
func TestLiveShutdown(t *testing.T) {
	h := newHub(t)
	h.crowd(2_000)
	s := h.follow("property=pm25", "")
	s.take()
	h.dial("property=pm25") // reads nothing
	eventually(t, "both are there", func() bool { return h.server.LiveClients() == 2 })
	began := time.Now()
	check(t, h.server.Shutdown(t.Context()))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if m := s.take(); m.event != "end" || !strings.Contains(m.data, `"shutdown"`) {
		t.Errorf("the last message is %s %s", m.event, m.data)
	}
	if m := s.take(); m.event != "" {
		t.Errorf("after the end: %s", m.event)
	}
	if n := h.server.LiveClients(); n != 0 {
		t.Errorf("%d clients", n)
	}
}

// Streams are limited, in all and for each; who leaves makes room.
func TestLiveLimits(t *testing.T) {
	h := newHub(t, func(o *api.Options) { o.Live = api.LiveLimits{Clients: 3, Each: 2} })
	h.crowd(1)
	first, second := h.follow("property=pm25", ""), h.follow("property=pm25", "")
	first.take()
	second.take()
	third := h.follow("property=pm25", "")
	if third.status != 429 || third.header.Get("Retry-After") == "" {
		t.Errorf("the third of one key: %d, Retry-After %q", third.status, third.header.Get("Retry-After"))
	}
	admin := h.key
	h.key = h.newKey(access.CityAdmin, 0)
	h.follow("property=pm25", "").take()
	if full := h.follow("property=pm25", ""); full.status != 503 || full.header.Get("Retry-After") == "" {
		t.Errorf("the fourth of all: %d, Retry-After %q", full.status, full.header.Get("Retry-After"))
	}
	h.key = admin
	first.leave()
	eventually(t, "there is room again", func() bool { return h.follow("property=pm25", "").status == 200 })
}

func TestLiveHeader(t *testing.T) {
	h := newHub(t)
	h.crowd(1)
	s := h.follow("property=pm25", "")
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "",
		"X-Content-Type-Options": "nosniff"} {
		if got := s.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	head := h.call("HEAD", "live?property=pm25", "").want(200)
	if head.header.Get("Content-Type") != "text/event-stream" || h.server.LiveClients() != 1 {
		t.Errorf("HEAD: %v, %d clients", head.header, h.server.LiveClients())
	}
}
