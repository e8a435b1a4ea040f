package sqlite

import "cityhub/telemetry"

// merge lays a line over the one kept at the same instant: what it names wins,
// what it does not name stays. An id or quality of zero names nothing.
func merge(kept, l *telemetry.Line) {
	if l.ID != 0 {
		kept.ID = l.ID
	}
	if l.Quality != 0 {
		kept.Quality = l.Quality
	}
	if l.Received != 0 && l.Quality&telemetry.Late != 0 {
		kept.Received = l.Received
	}
	if l.Position != nil {
		kept.Position = l.Position
	}
	for i := range l.Fields {
		setField(kept, &l.Fields[i])
	}
}

func setField(kept *telemetry.Line, f *telemetry.Field) {
	i := indexOf(kept.Fields, f.Property)
	if i < 0 {
		kept.Fields = append(kept.Fields, *f)
		return
	}
	quality := kept.Fields[i].Quality
	kept.Fields[i] = *f
	if f.Quality == 0 {
		kept.Fields[i].Quality = quality
	}
}

func indexOf(fields []telemetry.Field, property string) int {
	for i := range fields {
		if fields[i].Property == property {
			return i
		}
	}
	return -1
}
