package influx

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"cityhub/geo"
	"cityhub/telemetry"
)

// series is one field of one group, ascending by time, in columns.
type series struct {
	field string
	kind  string // InfluxDB's: double, long, boolean, string
	times []int64
	words []uint64 // the values' bits; of strings the index in texts
	texts []string
	at    int // the next one to hand out
}

func (s *series) reset(field, kind string) {
	s.field, s.kind, s.at = field, kind, 0
	s.times, s.words, s.texts = s.times[:0], s.words[:0], s.texts[:0]
}

func (s *series) add(c *cell) error {
	var word uint64
	switch s.kind {
	case "double":
		v, err := strconv.ParseFloat(string(c.value), 64)
		if err != nil {
			return fmt.Errorf("%w: field %s: %w", errAnswer, s.field, err)
		}
		word = math.Float64bits(v)
	case "long":
		v, err := strconv.ParseInt(string(c.value), 10, 64)
		if err != nil {
			return fmt.Errorf("%w: field %s: %w", errAnswer, s.field, err)
		}
		word = uint64(v)
	case "boolean":
		if string(c.value) == "true" {
			word = 1
		}
	case "string":
		word = uint64(len(s.texts))
		s.texts = append(s.texts, textOf(string(c.value)))
	default:
		return fmt.Errorf("%w: field %s is of type %q", errAnswer, s.field, s.kind)
	}
	s.times, s.words = append(s.times, c.time), append(s.words, word)
	return nil
}

// value gives the value at the series' place. Whole numbers that others wrote
// are numbers.
func (s *series) value() telemetry.Value {
	word := s.words[s.at]
	switch s.kind {
	case "boolean":
		return telemetry.BooleanOf(word == 1)
	case "string":
		return telemetry.TextOf(s.texts[word])
	case "long":
		return telemetry.NumberOf(float64(int64(word)))
	}
	return telemetry.NumberOf(math.Float64frombits(word))
}

func (s *series) whole() int64 { return int64(s.words[s.at]) }

func (s *series) float() float64 { return math.Float64frombits(s.words[s.at]) }

// group gathers the series of one group and joins them into lines. Its memory
// is used again by the next group.
type group struct {
	name  string
	id    int64
	held  []*series // in use: the first count
	count int
	cells int
	line  telemetry.Line
	place geo.Position
}

// begin starts the next group, whose name must come after the one before:
// otherwise parts of a group would be taken for all of it.
func (g *group) begin(name string) error {
	if name <= g.name {
		return fmt.Errorf("%w: group %s comes after %s", errAnswer, name, g.name)
	}
	g.name, g.count, g.cells = name, 0, 0
	var err error
	if g.id, err = strconv.ParseInt(name, 10, 64); err != nil {
		return fmt.Errorf("%w: tag g is %q, not a group's number: let no other program write the measurement observation", errAnswer, name)
	}
	return nil
}

func (g *group) add(c *cell) error {
	if g.count == 0 || g.held[g.count-1].field != string(c.field) || g.held[g.count-1].kind != string(c.kind) {
		if g.count == len(g.held) {
			g.held = append(g.held, &series{})
		}
		s := g.held[g.count]
		field := s.field
		if field != string(c.field) {
			field = string(c.field)
		}
		s.reset(field, string(c.kind))
		g.count++
	}
	g.cells++
	return g.held[g.count-1].add(c)
}

func (g *group) all() []*series { return g.held[:g.count] }

// earliest gives the next time among the series; ok is false at their end.
func (g *group) earliest() (at int64, ok bool) {
	for _, s := range g.all() {
		if s.at < len(s.times) && (!ok || s.times[s.at] < at) {
			at, ok = s.times[s.at], true
		}
	}
	return at, ok
}

// content says which instants of a group are lines.
type content int

const (
	withFields content = iota // those that have a field
	orPlace                   // or a position
	placed                    // those that have a position
	anything                  // or only fields of the hub's own
)

// lines calls each with the lines of the group, ascending. It stops after
// limit lines (0: none) and says how many there were.
func (g *group) lines(limit int, want content, each func(*telemetry.Line) error) (given int, err error) {
	for limit == 0 || given < limit {
		at, ok := g.earliest()
		if !ok {
			break
		}
		g.join(at)
		if !g.has(want) {
			continue
		}
		given++
		if err := each(&g.line); err != nil {
			return given, err
		}
	}
	return given, nil
}

func (g *group) has(want content) bool {
	if want == placed {
		return g.line.Position != nil
	}
	return want == anything || len(g.line.Fields) > 0 || want == orPlace && g.line.Position != nil
}

// join makes the line of an instant and moves the series beyond it.
func (g *group) join(at int64) {
	g.line = telemetry.Line{Group: g.id, Time: at, Fields: g.line.Fields[:0]}
	flagged := false
	for _, s := range g.all() {
		if s.at == len(s.times) || s.times[s.at] != at {
			continue
		}
		if strings.HasPrefix(s.field, ownPrefix) && s.field != fieldTime {
			flagged = flagged || strings.HasPrefix(s.field, qualityOf)
			g.own(s)
		} else {
			g.line.Fields = append(g.line.Fields, telemetry.Field{Property: propertyOf(s.field), Value: s.value()})
		}
		s.at++
	}
	if flagged {
		g.flag(at)
	}
	if g.line.Quality&telemetry.Late == 0 {
		g.line.Received = 0
	}
}

func (g *group) own(s *series) {
	switch s.field {
	case fieldID:
		g.line.ID = s.whole()
	case fieldQuality:
		g.line.Quality = telemetry.Quality(s.whole())
	case fieldReceived:
		g.line.Received = s.whole()
	case fieldLon:
		g.position().Lon = s.float()
	case fieldLat:
		g.position().Lat = s.float()
	case fieldAlt:
		g.position().Alt = s.float()
	}
}

func (g *group) position() *geo.Position {
	if g.line.Position == nil {
		g.place = geo.Position{}
		g.line.Position = &g.place
	}
	return g.line.Position
}

// flag puts the qualities of an instant, which join has passed, to the fields.
func (g *group) flag(at int64) {
	for _, s := range g.all() {
		property, ok := strings.CutPrefix(s.field, qualityOf)
		if !ok || s.at == 0 || s.times[s.at-1] != at {
			continue
		}
		for i := range g.line.Fields {
			if fieldOf(g.line.Fields[i].Property) == property {
				g.line.Fields[i].Quality = telemetry.Quality(s.words[s.at-1])
			}
		}
	}
}
