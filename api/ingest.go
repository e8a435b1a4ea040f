package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/telemetry"
)

// quotaPause is what a device above its quota is asked to wait.
const quotaPause = 5 * time.Second

// IngestRoute is the route of what arrives by HTTP.
const IngestRoute = "http"

// maxIngesting bounds the arrivals that wait for the spool.
const maxIngesting = 256

// Refused is one measurement that was not accepted.
type Refused struct {
	Index  int    `json:"index" doc:"Its place in the payload; -1 when the payload was refused whole"`
	Device string `json:"device,omitempty"`
	Reason string `json:"reason" doc:"From a closed set"`
	Detail string `json:"detail"`
}

// Accepted is the answer once the accepted measurements are durable.
type Accepted struct {
	Accepted int       `json:"accepted"`
	Refused  []Refused `json:"refused" nullable:"false"`
}

type ingestInput struct {
	RawBody     []byte `contentType:"application/json"`
	ContentType string `header:"Content-Type"`
}

func (s *Server) ingesting() {
	register(s, huma.Operation{OperationID: "ingest", Method: http.MethodPost, Path: base + "/ingest", DefaultStatus: http.StatusAccepted,
		Summary: "Send readings", Tags: []string{"observations"}, MaxBodyBytes: maxBody, SkipValidateBody: true,
		Description: "Native JSON (one object or an array, each with device) or SenML (application/senml+json). 202 once the accepted readings are durable; 422 when none was accepted. Sending again is harmless. The caller is a device, with its code and secret, or a key with the role gateway.",
		Errors: []int{http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
			http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, access.ReadingWrite, s.ingestOne)
}

func (s *Server) ingestOne(ctx context.Context, in *ingestInput) (*shown[Accepted], error) {
	format, err := formatOf(in.ContentType)
	if err != nil {
		return nil, err
	}
	body := bytes.Clone(in.RawBody) // huma's buffer serves other requests afterwards
	who := s.senderOf(ctx)
	a := telemetry.Arrival{Route: IngestRoute, Sender: who.name, Payload: body, Received: s.o.Now(), Answerable: true}
	all, err := s.o.Decode(ctx, format, who.device, body, a.Received)
	if err != nil && !errors.As(err, &a.Refusal) {
		return nil, err
	}
	var places []int
	var refused []Refused
	a.Measurements, places, refused = who.sift(all)
	var receipt telemetry.Receipt
	if a.Refusal != nil || len(a.Measurements) > 0 {
		if receipt, err = s.submit(ctx, a); err != nil {
			return nil, err
		}
	}
	return answer(&a, receipt, places, refused)
}

// formatOf gives the payload's format by its media type.
func formatOf(contentType string) (string, error) {
	media, _, err := mime.ParseMediaType(contentType)
	if err == nil {
		switch media {
		case "application/json":
			return "native", nil
		case "application/senml+json":
			return "senml", nil
		}
	}
	return "", problem(http.StatusUnsupportedMediaType,
		fmt.Sprintf("Content-Type: %q is none of application/json and application/senml+json", contentType))
}

// submit waits until the arrival is durable, or for as long as an answer may
// take. An arrival that is given up may still become durable; sending it again
// is then a duplicate.
func (s *Server) submit(ctx context.Context, a telemetry.Arrival) (telemetry.Receipt, error) {
	select {
	case s.ingest <- struct{}{}:
	default:
		return telemetry.Receipt{}, unkept("too many readings wait for the hub's disk already; send again later", nil)
	}
	receipts := make(chan telemetry.Receipt, 1)
	s.work.Go(func() { // Submit itself waits while too much is pending
		s.o.Intake.Submit(a, func(r telemetry.Receipt) {
			<-s.ingest
			receipts <- r
		})
	})
	ctx, cancel := context.WithTimeout(ctx, s.o.IngestWait)
	defer cancel()
	select {
	case r := <-receipts:
		if r.Err != nil {
			return r, unkept("the readings could not be kept; send them again", r.Err)
		}
		return r, nil
	case <-ctx.Done():
		return telemetry.Receipt{}, unkept("the readings are not durable yet; send them again", nil)
	}
}

func unkept(detail string, cause error) *Problem {
	p := problem(http.StatusServiceUnavailable, detail)
	p.after, p.cause = 5*time.Second, cause
	return p
}

// answer tells the sender what became of each measurement. places says at which
// index of the payload a measurement stood; refused were none of its own.
func answer(a *telemetry.Arrival, r telemetry.Receipt, places []int, refused []Refused) (*shown[Accepted], error) {
	out := Accepted{Accepted: len(a.Measurements), Refused: append([]Refused{}, refused...)}
	for i, refusal := range r.Refusals {
		if refusal == nil {
			continue
		}
		one := Refused{Index: -1, Reason: string(refusal.Reason), Detail: refusal.Detail}
		if a.Refusal == nil {
			one.Index, one.Device = places[i], a.Measurements[i].Device
			out.Accepted--
		}
		out.Refused = append(out.Refused, one)
	}
	slices.SortStableFunc(out.Refused, func(a, b Refused) int { return a.Index - b.Index })
	if out.Accepted > 0 || len(out.Refused) == 0 {
		return &shown[Accepted]{out}, nil
	}
	status := http.StatusUnprocessableEntity
	if a.Refusal != nil && a.Refusal.Reason == telemetry.TooLarge {
		status = http.StatusRequestEntityTooLarge
	}
	if len(a.Measurements) == 0 && a.Refusal == nil && a.Sender != "" && out.Refused[0].Reason == string(telemetry.WrongSender) {
		status = http.StatusForbidden
	}
	beyond := func(r Refused) bool { return r.Reason == string(telemetry.OverQuota) }
	if slices.ContainsFunc(out.Refused, beyond) { // the same again, later, may be taken
		status = http.StatusTooManyRequests
	}
	p := problem(status, out.Refused[0].Detail)
	p.Refused = out.Refused
	if status == http.StatusTooManyRequests {
		p.after = quotaPause
	}
	return nil, p
}
