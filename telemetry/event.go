package telemetry

import (
	"time"

	"cityhub/access"
	"cityhub/geo"
)

// Event is something that happened at a thing, for those who follow the city
// live. Unlike a value it is told once, not replaced by a newer one.
type Event struct {
	Kind         string // its name on the stream, such as "fence": small letters and -
	Time         time.Time
	Organisation int64              // whose it is: tells, with the next three, who may see it
	Thing        int64              // at which it happened
	Property     string             // that it is about; "": none, which only grants of all properties reach
	Published    access.Publication // "" is Private: its organisation and those it granted
	Position     *geo.Position      // nil: shown only to those who asked for no window and no zone
	Data         any                // becomes the JSON object that is told; not changed afterwards
}
