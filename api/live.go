package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"cityhub/access"
	"cityhub/api/live"
	"cityhub/devices"
	"cityhub/telemetry"
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
		w, err := s.wish(ctx, in)
		if err != nil {
			return nil, err
		}
		c, err := s.live.Join(w, whoAsks(ctx), in.LastEventID)
		if err != nil {
			return nil, refusedStream(err)
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) { s.stream(humafiber.Unwrap(ctx), c) }}, nil
	})
}

// LiveLimits bounds the live streams; a zero member takes its default.
type LiveLimits = live.Limits

// refusedStream is the answer to who gets no stream.
func refusedStream(err error) error {
	var refusal *live.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	p := problem(http.StatusServiceUnavailable, refusal.Detail)
	if refusal.Theirs {
		p = problem(http.StatusTooManyRequests, refusal.Detail)
	}
	p.after = refusal.After
	return p
}

// wish reads what a stream is asked for.
func (s *Server) wish(ctx context.Context, in *liveInput) (w live.Wish, err error) {
	if len(in.Property)+len(in.Events) == 0 {
		return w, badParameter("property", "is required, unless events are asked for")
	}
	w.Scope = access.ScopeOf(ctx)
	if w.Properties, err = s.propertiesOf(ctx, in.Property); err != nil {
		return w, err
	}
	w.Kinds = slices.Compact(slices.Sorted(slices.Values(in.Events)))
	for _, kind := range w.Kinds {
		if !live.Kind(kind) {
			return w, badParameter("events", fmt.Sprintf("%q is no kind of events: small letters and -, at most 32", kind))
		}
	}
	if w.Window, err = parseBBox(in.BBox); err != nil {
		return w, err
	}
	if in.Thing != "" {
		if w.Thing, err = filterID(ctx, s.o.Registry.Things, "thing", in.Thing, thingID); err != nil {
			return w, err
		}
	}
	w.Keep, err = s.keeper(ctx, Filter{Zone: in.Zone, Organisation: in.Organisation})
	return w, err
}

// propertiesOf reads a list of properties' codes.
func (s *Server) propertiesOf(ctx context.Context, codes []string) ([]string, error) {
	codes = slices.Compact(slices.Sorted(slices.Values(codes)))
	for _, code := range codes {
		if _, err := s.knownProperty(ctx, code); err != nil {
			return nil, err
		}
	}
	return codes, nil
}

// knownProperty finds a property, or says which there are.
func (s *Server) knownProperty(ctx context.Context, code string) (*devices.ObservedProperty, error) {
	property, _, err := s.selected(ctx, Selection{Property: code})
	return property, err
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
func (s *Server) stream(fc *fiber.Ctx, c *live.Client) {
	fc.Set(fiber.HeaderContentType, "text/event-stream")
	fc.Set(fiber.HeaderCacheControl, "no-store")
	fc.Set("X-Accel-Buffering", "no")
	if fc.Method() == http.MethodHead {
		s.live.Leave(c)
		return
	}
	head := headOf(fc)
	fc.Context().HijackSetNoResponse(true)
	fc.Context().Hijack(func(conn net.Conn) { s.live.Serve(c, conn, head) })
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

// Announce tells what has happened to those streams that asked for events of
// its kind and may see it. It waits for nobody. Of more than 1,024 events that
// a stream has not got yet it gets the newest, and is told that some are
// missing.
func (s *Server) Announce(events ...telemetry.Event) {
	if err := s.live.Announce(events...); err != nil {
		s.o.Log.Error("an event cannot be told", "error", err)
	}
}
