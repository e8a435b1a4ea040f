package telemetry

import (
	"slices"

	"cityhub/geo"
)

// Quality is a set of flags kept with a reading and usable as a filter.
type Quality uint16

// The flags. OutOfRange, Stuck and Corrected are flags of a single field, the
// others of the whole line; Late is a field's where the rest was in time.
const (
	OutOfRange     Quality = 1 << iota // outside the channel's valid range
	Stuck                              // unchanged for longer than the channel allows
	Late                               // reached the hub long after it was measured
	ClockCorrected                     // the time is the hub's, for the device told none
	Maintenance                        // measured while field work was open
	Uncalibrated                       // the device's calibration has lapsed
	Corrected                          // replaces another value of the same instant
	Misplaced                          // the position is not to be believed: it counts for no track, map or zone
)

// flags are the names of the bits, from the lowest.
var flags = [...]string{"out_of_range", "stuck", "late", "clock_corrected", "maintenance", "uncalibrated", "corrected", "misplaced"}

// QualityOf is the set of the flags that have these names.
func QualityOf(names ...string) (q Quality) {
	for bit, name := range flags {
		if slices.Contains(names, name) {
			q |= 1 << bit
		}
	}
	return q
}

// Names are the flags' names, as people and programs outside read them.
func (q Quality) Names() []string {
	names := []string{}
	for bit, name := range flags {
		if q&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Line is one instant of one group: what one message told, resolved. It is
// the unit that the spool keeps, the archive writes and the counters count.
type Line struct {
	Group    int64 // devices.Group.ID
	Time     int64 // phenomenonTime, nanoseconds since 1970 UTC
	Received int64 // the hub's clock, same unit; the archive keeps it only where Late is set
	ID       int64 // observation id of slot 0; 0 in roll-ups
	Quality  Quality
	Position *geo.Position // mobile things only
	Fields   []Field
}

// Place is where the line's thing was; false when the line does not tell, or
// not believably.
func (l *Line) Place() (geo.Position, bool) {
	if l.Position == nil || l.Quality&Misplaced != 0 {
		return geo.Position{}, false
	}
	return *l.Position, true
}

// Field is the result of one datastream within a line.
type Field struct {
	Property string // devices.ObservedProperty.Code; in roll-up buckets with a suffix
	Slot     int    // the datastream's observation id is Line.ID + Slot; not kept by the archive
	Value    Value
	Quality  Quality // field flags only
}
