package telemetry

// Severity is how bad the worst open alarm of a datastream is.
type Severity uint8

// The severities, ascending. Calm is none.
const (
	Calm Severity = iota
	Info
	Warning
	Minor
	Major
	Critical
)

var severities = [...]string{"", "info", "warning", "minor", "major", "critical"}

func (s Severity) String() string { return severities[min(s, Critical)] }

// Alarm notes the severity of a datastream, which stays until the next call,
// whatever values come; Calm ends it. A datastream without a value takes none:
// false.
func (l *Latest) Alarm(property string, group int64, severity Severity) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.columns[property]
	if c == nil {
		return false
	}
	at, known := c.place[group]
	if known {
		c.cells[at].Severity = severity
	}
	return known
}
