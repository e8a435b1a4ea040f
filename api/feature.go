package api

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// feature is one station's newest value of one property, ready to be shown.
type feature struct {
	station *devices.Station
	stream  int64
	of      string // code of the property
	unit    string
	state   string // one of states
	fresh   int64  // the age, in nanoseconds, up to which it is ok

	published access.Publication
	value     telemetry.LatestValue
}

// feature finds what a newest value is of; false when nothing may be shown,
// for its datastream is retired, its thing is gone, or it is out of scope.
func (s *Server) feature(scope *access.Scope, property *devices.ObservedProperty, v telemetry.LatestValue, now int64) (feature, bool) {
	target, err := s.o.Registry.Series(v.Group)
	if err != nil || target.Station == nil || v.Slot >= len(target.Series.Datastreams) || target.Series.Datastreams[v.Slot] == 0 {
		return feature{}, false
	}
	published := target.Publication(v.Slot)
	if !scope.Reads(target.Station.OrganisationID, target.Station.ID, property.Code, published) {
		return feature{}, false
	}
	f := feature{published: published, station: s.present(target.Station), stream: target.Series.Datastreams[v.Slot], of: property.Code, unit: property.Unit, value: v}
	interval := time.Duration(0)
	if target.Model != nil {
		interval = target.Model.Sensor.ReportInterval
	}
	if unit := target.Series.Unit(v.Slot); unit != "" {
		f.unit = unit
	}
	f.fresh = freshFor(interval)
	f.state = states[stateAt(v.Severity, now-v.Time, f.fresh, interval != 0)]
	return f, true
}

// append writes the feature as GeoJSON.
func (f *feature) append(b []byte) []byte {
	b = append(b, `{"type":"Feature","id":`...)
	b = strconv.AppendInt(b, f.stream, 10)
	b = append(b, `,"geometry":`...)
	b = geo.AppendPoint(b, f.station.Position)
	b = append(b, `,"properties":{"thing":`...)
	b = appendText(b, f.station.Code)
	b = append(b, `,"name":`...)
	b = appendText(b, f.station.Name)
	b = append(b, `,"datastream":`...)
	b = strconv.AppendInt(b, f.stream, 10)
	b = append(b, `,"property":`...)
	b = appendText(b, f.of)
	b = append(b, `,"value":`...)
	b = appendValue(b, f.value.Value)
	b = append(b, `,"unit":`...)
	b = appendText(b, f.unit)
	b = append(b, `,"time":"`...)
	b = time.Unix(0, f.value.Time).UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	if f.value.Received != 0 {
		b = append(b, `,"received":"`...)
		b = time.Unix(0, f.value.Received).UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
	}
	b = append(b, `,"quality":[`...)
	if f.value.Quality != 0 {
		for i, name := range qualityNames(f.value.Quality) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, name)
		}
	}
	b = append(b, `],"state":"`...)
	b = append(b, f.state...)
	return append(b, `"}}`...)
}

func appendValue(b []byte, v telemetry.Value) []byte {
	switch {
	case v.Kind == devices.Text:
		return appendText(b, v.Text)
	case v.Kind == devices.Boolean:
		return strconv.AppendBool(b, v.Num != 0)
	case math.IsNaN(v.Num) || math.IsInf(v.Num, 0):
		return append(b, "null"...) // JSON has no word for it
	}
	form := byte('f')
	if abs := math.Abs(v.Num); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(b, v.Num, form, -1, 64)
}

// appendText writes a JSON string; text that needs no escape, which is nearly
// all, is copied as it is.
func appendText(b []byte, text string) []byte {
	plain := true
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return appendEscaped(b, text)
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	if !plain && !utf8.ValidString(text) {
		return appendEscaped(b, text)
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func appendEscaped(b []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil { // a string always has a JSON form
		return append(b, `""`...)
	}
	return append(b, quoted...)
}
