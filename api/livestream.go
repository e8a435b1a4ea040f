package api

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"cityhub/access"
	"cityhub/devices"
)

const (
	heartbeat  = 15 * time.Second
	recheck    = time.Second      // whether the client may still see this
	frameLimit = 10 * time.Second // a client that takes longer to read a frame is gone
)

type liveInput struct {
	Selection
	LastEventID string `header:"Last-Event-ID" doc:"Taken, and answered with a new snapshot"`
}

func (s *Server) liveStream() {
	register(s, huma.Operation{OperationID: "get-live", Method: http.MethodGet, Path: base + "/live",
		Summary: "The newest values of a property as they change", Tags: []string{"map"},
		Description: "Server-sent events. First snapshot, a GeoJSON FeatureCollection as of /latest; then change, a FeatureCollection of the stations that changed, at most twenty a second. A reader that is too slow is cut off; it comes back to a new snapshot.",
		Responses:   map[string]*huma.Response{"200": {Description: "The stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}},
		Errors:      []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access.ReadingRead, func(ctx context.Context, in *liveInput) (*huma.StreamResponse, error) {
		property, window, err := s.selected(ctx, in.Selection)
		if err != nil {
			return nil, err
		}
		c := s.live.join(access.ScopeOf(ctx), property.Code, window)
		if c == nil {
			p := problem(http.StatusServiceUnavailable, "no more live streams can be opened now; ask for /latest, or come back")
			p.after = 10 * time.Second
			return nil, p
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) { s.stream(ctx, c, property) }}, nil
	})
}

// stream answers with the events of a client. The writer runs after the
// handler is over, so it must not touch the request.
func (s *Server) stream(ctx huma.Context, c *client, property *devices.ObservedProperty) {
	fc := humafiber.Unwrap(ctx)
	fc.Set("Content-Type", "text/event-stream")
	fc.Set("Cache-Control", "no-store")
	fc.Set("X-Accel-Buffering", "no")
	if fc.Method() == http.MethodHead {
		s.live.leave(c)
		return
	}
	conn := fc.Context().Conn()
	fc.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer s.live.leave(c)
		e := events{w: w, conn: conn}
		if e.send("snapshot", s.appendLatest(nil, c.scope, property, c.window, 0)) == nil {
			e.follow(c)
		}
	})
}

// events writes server-sent events.
type events struct {
	w    *bufio.Writer
	conn net.Conn
	id   int
}

// follow sends frames until the client is gone, too slow or no longer let in,
// or the hub stops.
func (e *events) follow(c *client) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	look := time.NewTicker(recheck)
	defer look.Stop()
	for {
		if c.scope.Principal != nil && c.scope.Principal.Revoked() {
			return
		}
		select {
		case <-look.C:
		case text, open := <-c.frames:
			if !open || e.send("change", text) != nil {
				return
			}
		case <-beat.C:
			if e.flush(": \n\n") != nil {
				return
			}
		}
	}
}

func (e *events) send(event string, data []byte) error {
	e.id++
	if _, err := fmt.Fprintf(e.w, "event: %s\nid: %d\ndata: ", event, e.id); err != nil {
		return err
	}
	if _, err := e.w.Write(data); err != nil {
		return err
	}
	return e.flush("\n\n")
}

// flush ends an event. The deadline is the connection's, as the server writes
// to it behind this pipe.
func (e *events) flush(end string) error {
	if _, err := e.w.WriteString(end); err != nil {
		return err
	}
	if err := e.conn.SetWriteDeadline(time.Now().Add(frameLimit)); err != nil {
		return err
	}
	return e.w.Flush()
}
