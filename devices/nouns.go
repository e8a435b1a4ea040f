// Package devices is the registry: what the city has put on its streets, who
// owns it, what it measures and since when. It turns (device, channel, time)
// into the datastream that a reading belongs to. It knows nothing of readings,
// of transport or of SQL.
package devices

import (
	"time"

	"cityhub/access"
	"cityhub/geo"
)

// Organisation is a department, ward, utility or company that owns things and
// devices.
type Organisation struct {
	ID   int64
	Code string // unique, [A-Za-z0-9_-]
	Name string
}

// Thing is a station: a place or vehicle at which something is measured. It
// outlives the devices that stand there.
type Thing struct {
	ID             int64
	Code           string // unique, [A-Za-z0-9_-]
	Name           string
	Description    string
	OrganisationID int64  // 0: none
	LocationID     int64  // where it is now; 0: unknown
	Mobile         bool   // its position comes with its readings
	ClientID       string // ULID that a client made while it was offline; "" for none; unique and fixed
}

// Location is a place at which things are or were.
type Location struct {
	ID       int64
	Name     string
	Position geo.Position
}

// HistoricalLocation says that a thing was at a location from Time on, until
// its next one.
type HistoricalLocation struct {
	ID         int64
	ThingID    int64
	LocationID int64
	Time       time.Time
}

// Kind is the type of a property's values. It is fixed at the property's
// creation, so that the archive's field types never conflict.
type Kind string

// The kinds of value.
const (
	Number  Kind = "number"
	Boolean Kind = "boolean"
	Text    Kind = "text"
)

// ObservedProperty is what is measured: pm25, noise level, water level…
type ObservedProperty struct {
	ID         int64
	Code       string // unique, [a-z][a-z0-9_]*, at most 48 letters, not beginning with hub_
	Name       string
	Definition string // URI
	Unit       string // default unit, UCUM-like symbol as people write it: µg/m³
	Kind       Kind
}

// Sensor is a device model: its channels, and how its bytes are decoded.
type Sensor struct {
	ID             int64
	Code           string // unique, [A-Za-z0-9_-]
	Name           string
	Manufacturer   string
	Description    string
	ReportInterval time.Duration // 0: unknown
	Codec          string        // JavaScript source, "" when payloads need none
	Channels       []Channel     // by Slot, ascending
}

// Channel maps one key of a model's payloads to an observed property.
type Channel struct {
	Key        string // as the payload names it
	Property   string // ObservedProperty.Code
	Unit       string
	Kind       Kind          // the property's; "" when the model leaves it open
	Lo, Hi     float64       // valid range, both inclusive; ±Inf where open
	Slot       int           // 0…63; fixed for the model's life
	StuckAfter time.Duration // an unchanged value is suspect after this; 0: never
}

// Datastream is what readings belong to: thing × sensor place × property, in
// one unit. (Group, Property) finds its readings in the archive.
type Datastream struct {
	ID       int64
	Name     string
	ThingID  int64
	SensorID int64
	Property string // ObservedProperty.Code
	Unit     string
	Group    int64 // Group.ID; the archive's tag g
	Slot     int   // the datastream's place within its group's messages
	Retired  bool  // its readings are unreachable and leave with retention

	Publication access.Publication // who may see its readings beside its organisation; "" counts as private
	Ended       time.Time          // from when on the place's device does not measure it; zero: it does
}

// Group is one place for a sensor at a thing. All datastreams of the place
// share it, and it is stable over the replacement of the device.
type Group struct {
	ID       int64
	ThingID  int64
	SensorID int64
	Place    int // 0 for the first device of this model at the thing, then 1…
}

// Device is a physical unit.
type Device struct {
	ID             int64
	Code           string // unique, [A-Za-z0-9_-]; its MQTT identity
	Serial         string
	DevEUI         string // 16 upper-case hex digits or ""
	SensorID       int64
	OrganisationID int64 // 0: none
	State          State
	SecretHash     string `json:"-"` // see access; "" when it has none
	ClientID       string // as a Thing's
}

// Deployment says that a device stood at a thing, in a group's place, over
// [From, To).
type Deployment struct {
	ID       int64
	DeviceID int64
	ThingID  int64
	GroupID  int64
	From     time.Time
	To       time.Time // zero: still there
	Position *geo.Position
	ClientID string // as a Thing's
}
