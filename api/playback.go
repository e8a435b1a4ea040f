package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
	"cityhub/telemetry/statistics"
)

// The bounds of one answer.
const (
	maxFrames = 2_000
	maxValues = 1_000_000 // frames × stations
)

type playbackInput struct {
	Selection
	Datetime     string `query:"datetime" doc:"A/B, RFC 3339; every frame that [A, B) touches is told whole; the last 24 hours when absent" example:"2026-02-01T00:00:00+07:00/2026-02-02T00:00:00+07:00"`
	Step         string `query:"step" default:"PT1H" doc:"The length of a frame, an ISO 8601 duration: one that divides an hour, or whole hours that divide a day; cut in the city's time zone" example:"PT10M"`
	Fn           string `query:"fn" enum:"mean,min,max,last" default:"mean" doc:"What is made of the readings in a frame"`
	Zone         string `query:"zone" doc:"Code of a zone, by its boundary of today"`
	Organisation string `query:"organisation" doc:"Code or id of the stations' owner"`
	Known        string `header:"If-None-Match"`
}

func (s *Server) playback() {
	register(s, huma.Operation{OperationID: "get-playback", Method: http.MethodGet, Path: base + "/playback",
		Summary: "A property's readings over a span, frame by frame", Tags: []string{"map"},
		Description: "Frames of whole hours come from roll-ups, shorter ones from raw readings; readings out of their channel's range do not count. A value is that of its own frame alone: null where nothing was read in it. Means have 7 digits. At most 2,000 frames, and 1,000,000 frames × stations. Shown is only what the caller may read. A span that is over has an ETag; late readings change it.",
		Responses:   s.derivedResponses(Playback{}, playbackExample),
		Errors:      []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access.ReadingRead, s.getPlayback)
}

func (s *Server) getPlayback(ctx context.Context, in *playbackInput) (*derivedOutput, error) {
	q, err := s.frameQuery(in)
	if err != nil {
		return nil, err
	}
	property, err := s.numeric(ctx, in.Property)
	if err != nil {
		return nil, err
	}
	q.Property = property.Code
	if err := s.castPlayers(ctx, in, q); err != nil {
		return nil, err
	}
	players, frames, err := statistics.Frames(ctx, s.o.History, q)
	if errors.Is(err, statistics.ErrTooMuch) {
		return nil, tooMuch("ask for a shorter time, a smaller bbox, or a step of PT1H or more, which is read from roll-ups")
	}
	if err != nil {
		return nil, err
	}
	p := &playback{in: in, query: q, unit: property.Unit, players: players, frames: frames}
	out := &derivedOutput{ContentType: "application/json", Body: p.json()}
	out.seal(in.Known, q.To <= s.o.Now().UnixNano())
	return out, nil
}

// frameQuery reads the time and the step.
func (s *Server) frameQuery(in *playbackInput) (*statistics.FrameQuery, error) {
	asked, err := s.pastSpan(in.Datetime)
	if err != nil {
		return nil, err
	}
	step, coarsest, err := parseStep(in.Step)
	if err != nil {
		return nil, err
	}
	if frames := asked.to.Sub(asked.from) / step; frames >= maxFrames {
		return nil, badParameter("step", fmt.Sprintf("the time has more than %d frames of %s; ask for a longer step or a shorter time", maxFrames, in.Step))
	}
	q := &statistics.FrameQuery{Coarsest: coarsest, Function: statistics.Function(in.Fn)}
	q.Starts, q.To = statistics.Starts(s.o.History, int64(step), asked.from.UnixNano(), asked.to.UnixNano())
	q.From = q.Starts[0]
	return q, nil
}

// parseStep reads the length of a frame and tells the coarsest roll-up that it
// can be made of.
func parseStep(text string) (time.Duration, telemetry.Bucket, error) {
	const day = 24 * time.Hour
	step, err := parseDuration("step", text)
	var field *devices.FieldError
	switch {
	case errors.As(err, &field):
		return 0, 0, badParameter("step", field.Detail)
	case err != nil:
		return 0, 0, err
	case step >= time.Second && step < time.Hour && time.Hour%step == 0:
		return step, telemetry.Raw, nil
	case step == day:
		return step, telemetry.Daily, nil
	case step >= time.Hour && step%time.Hour == 0 && day%step == 0:
		return step, telemetry.Hourly, nil
	}
	return 0, 0, badParameter("step", fmt.Sprintf("%q neither divides an hour, as PT10M does, nor is it whole hours that divide a day, as PT6H and P1D", text))
}

// castPlayers finds the datastreams that are to be played.
func (s *Server) castPlayers(ctx context.Context, in *playbackInput, q *statistics.FrameQuery) error {
	window, err := parseBBox(in.BBox)
	if err != nil {
		return err
	}
	keep, err := s.keeper(ctx, Filter{Zone: in.Zone, Organisation: in.Organisation})
	if err != nil {
		return err
	}
	window = keep.Narrow(window)
	q.Keeps = func(at *geo.Position) bool { return within(window, at) && keep.Holds(at) }
	stations := map[int64]bool{}
	q.Sources = s.sources(ctx, q.Property, func(m *devices.Measured) bool {
		chosen := keep.Owns(m.Station.OrganisationID)
		at, moves := q.Stood(m)
		chosen = chosen && (moves || q.Keeps(at))
		if chosen {
			stations[m.Station.ID] = true
		}
		return chosen
	})
	if values := len(stations) * len(q.Starts); values > maxValues {
		return badParameter("bbox", fmt.Sprintf("%d stations and %d frames make %d values, more than %d; ask for a smaller bbox, a longer step or a shorter time",
			len(stations), len(q.Starts), values, maxValues))
	}
	return nil
}
