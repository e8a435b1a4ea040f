package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/telemetry"
)

const (
	proofPause   = 250 * time.Millisecond // between two proofs of a stream
	proofAnyway  = 5 * time.Second        // after which one is made whatever came
	proofStreams = 200
)

// groupWatch wakes streams when a reading of their group comes.
type groupWatch struct {
	open  atomic.Int64 // streams; lines are looked at only while there are any
	mu    sync.Mutex
	waits map[int64]map[chan struct{}]struct{}
}

func (g *groupWatch) tell(lines []telemetry.Line) {
	if g.open.Load() == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range lines {
		for wake := range g.waits[lines[i].Group] {
			select {
			case wake <- struct{}{}:
			default:
			}
		}
	}
}

// join waits for a group; 0 for none.
func (g *groupWatch) join(group int64, wake chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waits == nil {
		g.waits = map[int64]map[chan struct{}]struct{}{}
	}
	if g.waits[group] == nil {
		g.waits[group] = map[chan struct{}]struct{}{}
	}
	g.waits[group][wake] = struct{}{}
}

func (g *groupWatch) leave(group int64, wake chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if delete(g.waits[group], wake); len(g.waits[group]) == 0 {
		delete(g.waits, group)
	}
}

func (s *Server) proofStream() {
	register(s, huma.Operation{OperationID: "get-device-proof-live", Method: http.MethodGet, Path: base + "/devices/{id}/proof/live",
		Summary: "A device's proof of life as it changes", Tags: []string{"devices"},
		Description: "Server-sent events named proof, each as the answer of …/proof: one at once, then one whenever it changes.",
		Responses:   map[string]*huma.Response{"200": {Description: "The stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}},
		Errors:      []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access.QuarantineView, func(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
		device, err := s.ownDevice(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if s.proofs.open.Load() >= proofStreams {
			p := problem(http.StatusServiceUnavailable, "no more streams can be opened now; ask for …/proof, or come back")
			p.after = 10 * time.Second
			return nil, p
		}
		scope := access.ScopeOf(ctx)
		return &huma.StreamResponse{Body: func(ctx huma.Context) { s.streamProof(ctx, scope, device) }}, nil
	})
}

// streamProof answers with proofs. The writer runs after the handler is over,
// so it must not touch the request.
func (s *Server) streamProof(ctx huma.Context, scope *access.Scope, device devices.Device) {
	fc := humafiber.Unwrap(ctx)
	fc.Set("Content-Type", "text/event-stream")
	fc.Set("Cache-Control", "no-store")
	fc.Set("X-Accel-Buffering", "no")
	if fc.Method() == http.MethodHead {
		return
	}
	conn := fc.Context().Conn()
	s.proofs.open.Add(1)
	fc.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer s.proofs.open.Add(-1)
		e := events{w: w, conn: conn}
		s.followProof(access.WithScope(s.ctx, scope), &e, device)
	})
}

// followProof sends a proof whenever it has changed, until the client is gone
// or has lost the right to it, the device is no longer its own, or the hub
// stops. A device that sends often must not keep it from asking for the right.
func (s *Server) followProof(ctx context.Context, e *events, device devices.Device) {
	signs, stop := s.o.Signs.Watch(telemetry.Names(&device)...)
	defer stop()
	lines := make(chan struct{}, 1)
	var group int64
	defer func() { s.proofs.leave(group, lines) }()
	beat := time.NewTicker(proofAnyway)
	defer beat.Stop()
	var last []byte
	for !revoked(ctx) {
		if deployed, _, err := s.o.Registry.Standing(ctx, device.ID); err == nil && deployed.GroupID != group {
			s.proofs.leave(group, lines)
			group = deployed.GroupID
			s.proofs.join(group, lines)
		}
		text, err := s.proofText(ctx, device.ID)
		switch {
		case err != nil:
			return
		case !bytes.Equal(text, last):
			err = e.send("proof", text)
		default:
			err = e.flush(": \n\n")
		}
		if last = text; err != nil {
			return
		}
		if !s.pauseProof() {
			return
		}
		if !s.awaitNews(ctx, signs, lines, beat.C) {
			return
		}
	}
}

// awaitNews waits for a reason to look again; false when the stream is over.
func (s *Server) awaitNews(ctx context.Context, signs, lines <-chan struct{}, beat <-chan time.Time) bool {
	look := time.NewTicker(recheck)
	defer look.Stop()
	for {
		select {
		case <-s.live.Closing():
			return false
		case <-signs:
			return true
		case <-lines:
			return true
		case <-beat:
			return true
		case <-look.C:
			if revoked(ctx) {
				return false
			}
		}
	}
}

// revoked says whether who opened a stream may no longer see what they could.
func revoked(ctx context.Context) bool {
	who := access.ScopeOf(ctx).Principal
	return who != nil && who.Revoked()
}

func (s *Server) pauseProof() (goOn bool) {
	select {
	case <-s.live.Closing():
		return false
	case <-time.After(proofPause):
		return true
	}
}

func (s *Server) proofText(ctx context.Context, id int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	device, err := s.ownDevice(ctx, id)
	if err != nil {
		return nil, err
	}
	proof, err := s.prove(ctx, &device)
	if err != nil {
		return nil, err
	}
	return json.Marshal(proof)
}
