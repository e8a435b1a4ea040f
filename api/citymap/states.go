package citymap

import (
	"time"

	"cityhub/telemetry"
)

// States are those of a value, from the best to the worst: those that its age tells,
// and, where an alarm is open, its severity.
var States = [...]string{"ok", "unknown", "stale",
	telemetry.Info.String(), telemetry.Warning.String(), telemetry.Minor.String(), telemetry.Major.String(), telemetry.Critical.String()}

// calmStates are those without an alarm.
const calmStates = 3

// MinStale is the youngest age at which a value may be called stale.
const MinStale = 5 * time.Minute

// freshFor is the age up to which a value of a model that reports so often is
// ok.
func freshFor(interval time.Duration) int64 { return int64(max(3*interval, MinStale)) }

// stateAt judges a value, by its place in States: by its alarm, else by its
// age. Unknown is an old value of a model whose report interval is not known.
func stateAt(severity telemetry.Severity, age, fresh int64, timed bool) uint8 {
	switch {
	case severity != telemetry.Calm:
		return calmStates - 1 + uint8(min(severity, telemetry.Critical))
	case age <= fresh:
		return 0
	case timed:
		return 2
	}
	return 1
}
