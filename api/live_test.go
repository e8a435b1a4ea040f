package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// stream is an open live stream.
type stream struct {
	t      testing.TB
	lines  *bufio.Scanner
	status int
	close  func()
}

func (h *hub) live(query string) *stream {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	r := must(http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/api/v1/live?"+query, nil))(h.t)
	r.Header.Set("Authorization", "Bearer "+h.key)
	resp := must(h.client.Do(r))(h.t)
	s := &stream{h.t, bufio.NewScanner(resp.Body), resp.StatusCode, func() { cancel(); resp.Body.Close() }}
	s.lines.Buffer(nil, 16<<20)
	h.t.Cleanup(s.close)
	return s
}

// next waits for an event and gives the values by station.
func (s *stream) next() (event string, values map[string]any) {
	s.t.Helper()
	for s.lines.Scan() {
		line := s.lines.Text()
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = name
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			return event, valuesOf(s.t, data)
		}
	}
	return "end", nil
}

func valuesOf(t testing.TB, text string) map[string]any {
	t.Helper()
	var collection struct {
		Features []struct {
			Properties struct {
				Thing string
				Value any
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &collection); err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	for _, f := range collection.Features {
		values[f.Properties.Thing] = f.Properties.Value
	}
	return values
}

func TestLive(t *testing.T) {
	h := newHub(t)
	h.city()
	h.send(`{"device":"dev-1","values":{"pm25":1}}`)
	near, far := h.live("property=pm25"), h.live("property=pm25&bbox=0,0,1,1")
	if event, values := near.next(); event != "snapshot" || values["st-1"] != 1.0 {
		t.Fatalf("%s %v", event, values)
	}
	if event, values := far.next(); event != "snapshot" || len(values) != 0 {
		t.Fatalf("%s %v", event, values)
	}
	h.send(`{"device":"dev-1","values":{"temp":30}}`) // another property: nothing to tell
	h.send(`{"device":"dev-1","values":{"pm25":2}}`)
	if event, values := near.next(); event != "delta" || values["st-1"] != 2.0 {
		t.Errorf("%s %v", event, values)
	}
	if n := h.server.LiveClients(); n != 2 {
		t.Errorf("%d live clients, want 2", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check(t, h.server.Shutdown(ctx))
	if event, values := far.next(); event != "end" {
		t.Errorf("after the end, and outside the window: %s %v", event, values)
	}
	if event, _ := near.next(); event != "end" {
		t.Errorf("the stream goes on after the end: %s", event)
	}
}

func TestLiveRefusals(t *testing.T) {
	h := newHub(t)
	h.get("live?property=gold").want(404)
	h.get("live").want(400)
	h.get("live?property=gold&zoom=1").want(400)
}
