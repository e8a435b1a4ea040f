package api

import (
	"cityhub/geo"
	"cityhub/telemetry"
)

// Move tells where a mobile thing was at an instant, in nanoseconds since
// 1970. The newest place is where the thing stands in /latest, in clusters,
// tiles and the live stream, instead of its registered one. It is cheap enough
// for every GPS fix. For lines with a position the intake does it.
func (s *Server) Move(thing int64, to geo.Position, at int64) {
	if s.o.Latest.Move(thing, to, at) {
		s.live.Move(thing)
		s.city.Move(thing)
	}
}

// moveBy marks the things of lines with a position, which the intake has
// noted: not every one is to be believed.
func (s *Server) moveBy(lines []telemetry.Line) {
	for i := range lines {
		if lines[i].Position == nil {
			continue
		}
		if target, err := s.o.Registry.Series(lines[i].Group); err == nil && target.Station != nil && target.Station.Mobile {
			s.live.Move(target.Station.ID)
			s.city.Move(target.Station.ID)
		}
	}
}

// Alarm tells the severity of the worst open alarm of a datastream; Calm when
// the last is cleared. It is the datastream's state in /latest, clusters, tiles
// and the live stream until then. The keeper of alarms calls it for each change,
// and for all open ones after a start.
func (s *Server) Alarm(property string, group int64, severity telemetry.Severity) {
	if s.o.Latest.Alarm(property, group, severity) {
		changed := []telemetry.Line{{Group: group, Fields: []telemetry.Field{{Property: property}}}}
		s.live.Tell(changed)
		s.city.Tell(changed)
	}
}
