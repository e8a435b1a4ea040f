package api_test

import (
	"sync/atomic"

	"cityhub/api"
	"cityhub/telemetry"
	"cityhub/telemetry/geofence"
)

// later lets the pipeline, which is made first, tell the server.
type later struct{ to atomic.Pointer[api.Server] }

func (l *later) Tell(lines []telemetry.Line) {
	if s := l.to.Load(); s != nil {
		s.Tell(lines)
	}
}

// crossings lets the geofences, which are made first, tell the server.
type crossings struct{ to atomic.Pointer[api.Server] }

func (c *crossings) Crossed(events []*geofence.Event) {
	if s := c.to.Load(); s != nil {
		s.Crossed(events)
	}
}
