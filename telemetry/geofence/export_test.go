package geofence

import "cityhub/telemetry"

// See looks at lines at once, and gives how many events they made.
func (f *Fences) See(lines []telemetry.Line) int {
	f.Tell(lines)
	f.watch.see(f.take())
	events := len(f.watch.changed.Events)
	f.watch.changed = Kept{Sightings: map[int64]int64{}}
	return events
}
