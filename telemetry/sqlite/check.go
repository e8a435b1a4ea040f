package sqlite

import (
	"fmt"
	"math"
	"strings"

	"cityhub/telemetry"
)

// check says why a line can never be kept, or nil. The rules are those of
// every archive, so that a hub can move from one to another.
func check(l *telemetry.Line) error {
	if len(l.Fields) == 0 && l.Position == nil {
		return fmt.Errorf("line of group %d at %d has neither fields nor a position", l.Group, l.Time)
	}
	if p := l.Position; p != nil && !(finite(p.Lon) && finite(p.Lat) && finite(p.Alt)) {
		return fmt.Errorf("position of group %d at %d: %v is not a place; send numbers", l.Group, l.Time, *p)
	}
	for i := range l.Fields {
		f := &l.Fields[i]
		if f.Property == "" || strings.HasPrefix(f.Property, "hub_") {
			return fmt.Errorf("field %q of group %d: property codes are not empty and do not begin with hub_", f.Property, l.Group)
		}
		switch f.Value.Kind {
		case telemetry.Number:
			if !finite(f.Value.Num) {
				return fmt.Errorf("field %s of group %d at %d: %v is not a number", f.Property, l.Group, l.Time, f.Value.Num)
			}
		case telemetry.Boolean, telemetry.Text:
		default:
			return fmt.Errorf("field %s of group %d: unknown kind %q of value", f.Property, l.Group, f.Value.Kind)
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
