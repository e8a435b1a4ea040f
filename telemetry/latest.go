package telemetry

import (
	"sync"
	"time"
)

// Latest holds the newest value of every datastream in memory, by property,
// so that the map never asks the archive. Late readings change it only where
// they are newer than what is there.
type Latest struct {
	mu      sync.RWMutex
	columns map[string]*column
	recent  []*column // by the place of a field in its line
	places  places
}

// LatestValue is the newest reading of one datastream.
type LatestValue struct {
	Group     int64
	Slot      int
	Time      int64 // phenomenonTime, nanoseconds since 1970
	Received  int64
	Value     Value
	Quality   Quality // of the line and the field
	Severity  Severity
	unchanged int64 // since when the value has been the same
	id        int64 // the line's: of one instant's lines the later has the higher
}

type column struct {
	property string
	place    map[int64]int32 // group → row
	cells    []LatestValue
}

// NewLatest holds nothing yet.
func NewLatest() *Latest {
	return &Latest{columns: map[string]*column{}, places: places{of: map[int64]Place{}}}
}

// Tell takes lines in. It never waits for anybody but a reader's copy.
func (l *Latest) Tell(lines []Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range lines {
		line, row := &lines[i], int32(0)
		for j := range line.Fields {
			row = l.set(line, j, row)
		}
	}
}

// set takes a field in, and answers its row: lines of one model have the same
// properties in the same order, and their groups mostly the same row in each.
func (l *Latest) set(line *Line, field int, row int32) int32 {
	f := &line.Fields[field]
	c := l.column(field, f.Property)
	v := LatestValue{Group: line.Group, Slot: f.Slot, Time: line.Time, Received: line.Received,
		Value: f.Value, Quality: line.Quality | f.Quality, unchanged: line.Time, id: line.ID}
	if int(row) >= len(c.cells) || c.cells[row].Group != line.Group {
		known := false
		if row, known = c.place[line.Group]; !known {
			row = int32(len(c.cells))
			c.place[line.Group] = row
			c.cells = append(c.cells, v)
			return row
		}
	}
	old := &c.cells[row]
	if v.Time < old.Time || v.Time == old.Time && v.id < old.id {
		return row
	}
	if v.Value == old.Value {
		v.unchanged = old.unchanged
	}
	v.Severity = old.Severity
	*old = v
	return row
}

// column finds or makes a property's; the one that the same field of a line had
// before is looked at first.
func (l *Latest) column(field int, property string) *column {
	if field < len(l.recent) && l.recent[field].property == property {
		return l.recent[field]
	}
	c := l.columns[property]
	if c == nil {
		c = &column{property: property, place: map[int64]int32{}}
		l.columns[property] = c
	}
	for len(l.recent) <= field {
		l.recent = append(l.recent, c)
	}
	l.recent[field] = c
	return c
}

// unchanged says for how long a datastream will have had this value at an
// instant; 0 when it has another.
func (l *Latest) unchanged(property string, group int64, value Value, at int64) time.Duration {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.columns[property]
	if c == nil {
		return 0
	}
	i, ok := c.place[group]
	if !ok || c.cells[i].Value != value {
		return 0
	}
	return time.Duration(at - c.cells[i].unchanged)
}

// Of copies the newest values of one property, in no order.
func (l *Latest) Of(property string) []LatestValue {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.columns[property]
	if c == nil {
		return nil
	}
	return append([]LatestValue(nil), c.cells...)
}

// After copies newest values of a property into some, from one of their places
// on, and says how many; 0 at the end. A datastream keeps its place, and new
// ones come after the others.
func (l *Latest) After(property string, place int, some []LatestValue) int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.columns[property]
	if c == nil || place >= len(c.cells) {
		return 0
	}
	return copy(some, c.cells[place:])
}

// At gives the newest value of one datastream.
func (l *Latest) At(property string, group int64) (LatestValue, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.columns[property]
	if c == nil {
		return LatestValue{}, false
	}
	i, ok := c.place[group]
	if !ok {
		return LatestValue{}, false
	}
	return c.cells[i], true
}

// Properties counts the datastreams with a value, by property.
func (l *Latest) Properties() map[string]int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	counts := make(map[string]int, len(l.columns))
	for property, c := range l.columns {
		counts[property] = len(c.cells)
	}
	return counts
}
