package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// viewer is what a client of a live stream knows, after the rules of
// docs/live.md.
type viewer struct {
	t        testing.TB
	lines    *bufio.Reader
	leave    func()
	status   int
	header   http.Header
	features map[int64]any
	id       string // of the last event
	heard    []string
}

// message is one event as it came.
type message struct{ event, data, id string }

// follow opens a live stream, going on after an id where there is one.
func (h *hub) follow(query, after string) *viewer {
	h.t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	r := must(http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/api/v1/live?"+query, nil))(h.t)
	r.Header.Set("Authorization", "Bearer "+h.key)
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	// A client of its own: streams may be open for longer than its timeout.
	resp := must((&http.Transport{}).RoundTrip(r))(h.t)
	p := &viewer{t: h.t, lines: bufio.NewReaderSize(resp.Body, 1<<20), status: resp.StatusCode, header: resp.Header, features: map[int64]any{}}
	p.leave = func() { leave(); resp.Body.Close() }
	h.t.Cleanup(p.leave)
	return p
}

// next waits for a message; event is "" at the end of the stream.
func (p *viewer) next() (m message) {
	for {
		line, err := p.lines.ReadString('\n')
		if err != nil {
			return message{}
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "event":
			m.event = value
		case "data":
			m.data = value // the last line counts
		case "id":
			m.id = value
		case "":
			if m.event != "" {
				return m
			}
		}
	}
}

// take waits for a message and takes it into the picture.
func (p *viewer) take() message {
	p.t.Helper()
	m := p.next()
	if m.id != "" {
		p.id = m.id
	}
	if m.event != "snapshot" && m.event != "delta" {
		if m.event != "" && m.event != "time" {
			p.heard = append(p.heard, m.event+" "+m.data)
		}
		return m
	}
	var told struct {
		Features []map[string]any
		Gone     []int64
	}
	if err := json.Unmarshal([]byte(m.data), &told); err != nil {
		p.t.Fatalf("%v in %.300s", err, m.data)
	}
	if m.event == "snapshot" {
		clear(p.features)
	}
	for _, id := range told.Gone {
		delete(p.features, id)
	}
	for _, f := range told.Features {
		p.features[int64(f["id"].(float64))] = f
	}
	return m
}

// value is a station's, nil when it is not in the picture.
func (p *viewer) value(thing string) any {
	for _, f := range p.features {
		if of := f.(map[string]any)["properties"].(map[string]any); of["thing"] == thing {
			return of["value"]
		}
	}
	return nil
}

// until takes messages until a condition holds.
func (p *viewer) until(what string, condition func() bool) {
	p.t.Helper()
	stop := time.AfterFunc(time.Minute, p.leave)
	defer stop.Stop()
	for !condition() {
		if m := p.take(); m.event == "" {
			p.t.Fatalf("the stream ended before %s", what)
		}
	}
}

// latestOf asks /latest for the same picture.
func (h *hub) latestOf(query string, properties ...string) map[int64]any {
	h.t.Helper()
	features := map[int64]any{}
	for _, property := range properties {
		for _, f := range h.get("latest?property=" + property + query).want(200).json()["features"].([]any) {
			features[int64(f.(map[string]any)["id"].(float64))] = f
		}
	}
	return features
}

func (p *viewer) same(features map[int64]any) bool { return reflect.DeepEqual(p.features, features) }
