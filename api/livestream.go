package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"cityhub/access"
	"cityhub/api/citymap"
)

type liveInput struct {
	Property     []string `query:"property" maxItems:"16" doc:"Codes of observed properties, with commas"`
	BBox         string   `query:"bbox" doc:"minLon,minLat,maxLon,maxLat; minLon may exceed maxLon across the antimeridian; stations without a position are left out"`
	Zone         string   `query:"zone" doc:"Code of a zone, by its boundary of today"`
	Organisation string   `query:"organisation" doc:"Code or id of the stations' owner"`
	Thing        string   `query:"thing" doc:"Code or id of one station"`
	Events       []string `query:"events" maxItems:"16" doc:"Kinds of events to be told of, with commas"`
	LastEventID  string   `header:"Last-Event-ID" maxLength:"200" doc:"The id of the last event that came: what has changed since is told, where that is known; otherwise the stream begins with a snapshot"`
}

const liveAbout = "Server-sent events, each with one line of JSON. " +
	"`snapshot`, first: a GeoJSON FeatureCollection of all that the filter shows, each feature as of /latest, with `time`, the hub's clock. " +
	"`delta`, at most twenty a second: what has changed, in the same form; `features` are to be added or replaced by their id, `gone` are ids to be taken away first. " +
	"`time`: nothing else came for 15 s. The kinds asked for with `events`: what happened. `missed`: some of these could not be told. " +
	"`cut-off`: the client did not take what was sent; `end`: the hub ends the stream; both have `reason` and `detail`. " +
	"`property` or `events` is required."

func (s *Server) liveStream() {
	register(s, huma.Operation{OperationID: "get-live", Method: http.MethodGet, Path: base + "/live",
		Summary: "The newest values as they change", Tags: []string{"map"}, Description: liveAbout,
		Responses: map[string]*huma.Response{"200": {Description: "The stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}},
		Errors:    []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access.ReadingRead, func(ctx context.Context, in *liveInput) (*huma.StreamResponse, error) {
		w, keep, err := s.wish(ctx, in)
		if err != nil {
			return nil, err
		}
		c, p := s.live.join(w, keep, whoAsks(ctx), in.LastEventID)
		if p != nil {
			return nil, p
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) { s.stream(humafiber.Unwrap(ctx), c) }}, nil
	})
}

// wish reads what a stream is asked for.
func (s *Server) wish(ctx context.Context, in *liveInput) (w wish, keep *citymap.Keeper, err error) {
	if len(in.Property)+len(in.Events) == 0 {
		return w, nil, badParameter("property", "is required, unless events are asked for")
	}
	w = wish{scope: access.ScopeOf(ctx), filter: Filter{Zone: in.Zone, Organisation: in.Organisation}}
	if w.properties, err = s.propertiesOf(ctx, in.Property); err != nil {
		return w, nil, err
	}
	w.kinds = slices.Compact(slices.Sorted(slices.Values(in.Events)))
	for _, kind := range w.kinds {
		if !eventKind.MatchString(kind) {
			return w, nil, badParameter("events", fmt.Sprintf("%q is no kind of events: small letters and -, at most 32", kind))
		}
	}
	if w.window, err = parseBBox(in.BBox); err != nil {
		return w, nil, err
	}
	if in.Thing != "" {
		if w.thing, err = filterID(ctx, s.o.Registry.Things, "thing", in.Thing, thingID); err != nil {
			return w, nil, err
		}
	}
	keep, err = s.keeper(ctx, w.filter)
	return w, keep, err
}

// whoAsks is whose streams are counted together.
func whoAsks(ctx context.Context) who {
	p := access.PrincipalOf(ctx)
	w := who{kind: p.Kind, id: p.ID}
	if p.Kind == access.Nobody {
		w.address = network(callerOf(ctx).address)
	}
	return w
}

// stream takes the connection over: what is the same for many is then written
// to each of them without a copy. The writer runs after the handler is over, so
// it must not touch the request.
func (s *Server) stream(fc *fiber.Ctx, c *client) {
	fc.Set(fiber.HeaderContentType, "text/event-stream")
	fc.Set(fiber.HeaderCacheControl, "no-store")
	fc.Set("X-Accel-Buffering", "no")
	if fc.Method() == http.MethodHead {
		s.live.leave(c)
		return
	}
	head := headOf(fc)
	fc.Context().HijackSetNoResponse(true)
	fc.Context().Hijack(func(conn net.Conn) { s.live.serve(c, conn, head) })
}

// headOf writes the header of an answer that ends with its connection.
func headOf(fc *fiber.Ctx) []byte {
	head := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nDate: %s\r\nConnection: close\r\n", time.Now().UTC().Format(http.TimeFormat))
	for name, value := range fc.Response().Header.All() {
		switch string(name) {
		case fiber.HeaderContentLength, fiber.HeaderConnection, fiber.HeaderDate, fiber.HeaderTransferEncoding:
		default:
			head = fmt.Appendf(head, "%s: %s\r\n", name, value)
		}
	}
	return append(head, "\r\n"...)
}
