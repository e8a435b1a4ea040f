package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"cityhub/telemetry"
)

// eventsKept is how many events those who lag, or come back, can still get.
const eventsKept = 1_024

var eventKind = regexp.MustCompile(`^[a-z][a-z-]{0,31}$`)

// Kind says whether a kind of events can be told: small letters and -, at most
// 32, beginning with a letter, and no name that the stream has itself.
func Kind(kind string) bool { return eventKind.MatchString(kind) && !slices.Contains(ownEvents, kind) }

// ownEvents are names on the stream that no kind may have.
var ownEvents = []string{"snapshot", "delta", "time", "missed", "cut-off", "end", "message", "open", "error"}

// eventLog keeps the newest events by number.
type eventLog struct {
	mu    sync.Mutex
	kept  []toldEvent
	last  uint64
	taken uint64 // up to which frames have told
}

// toldEvent is an event with its data as it is written.
type toldEvent struct {
	telemetry.Event
	number uint64
	data   []byte
}

// add numbers events and keeps them; what has no JSON form is left out.
func (l *eventLog) add(events []telemetry.Event) error {
	var failed []error
	for _, e := range events {
		data, err := json.Marshal(e.Data)
		if err != nil {
			failed = append(failed, fmt.Errorf("event %q at thing %d: %w", e.Kind, e.Thing, err))
			continue
		}
		l.mu.Lock()
		if len(l.kept) >= 2*eventsKept {
			l.kept = append(l.kept[:0:0], l.kept[len(l.kept)-eventsKept:]...)
		}
		l.last++
		l.kept = append(l.kept, toldEvent{e, l.last, data})
		l.mu.Unlock()
	}
	return errors.Join(failed...)
}

// take gives the events that no frame has told yet.
func (l *eventLog) take() []toldEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := l.taken
	l.taken = l.last
	events, _ := l.between(from, l.last)
	return events
}

// since gives the events after from up to to, and whether some of them are
// lost.
func (l *eventLog) since(from, to uint64) (events []toldEvent, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.between(from, to)
}

// between never changes what it has given.
func (l *eventLog) between(from, to uint64) (events []toldEvent, lost bool) {
	if to <= from {
		return nil, false
	}
	first := l.last + 1 - uint64(len(l.kept)) // number of the oldest
	lost = from+1 < first
	begin, end := max(from+1, first), max(to+1, first)
	return slices.Clone(l.kept[begin-first : end-first]), lost
}

// appendEvent writes an event.
func appendEvent(b []byte, e *toldEvent, id []byte) []byte {
	b = append(append(b, "event: "...), e.Kind...)
	b = append(append(b, "\ndata: "...), e.data...)
	b = append(append(b, "\nid: "...), id...)
	return append(b, "\n\n"...)
}

// appendInstant writes the hub's clock as a member of an object.
func appendInstant(b []byte, now time.Time) []byte {
	b = append(b, `"time":"`...)
	b = now.UTC().Truncate(time.Millisecond).AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}
