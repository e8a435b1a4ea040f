package citymap

import (
	"strconv"
	"time"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// Feature is one station's newest value of one property, ready to be shown.
type Feature struct {
	Station   *devices.Station // where it is now
	Stream    int64            // id of the datastream
	Property  string           // code
	Unit      string
	State     string // one of States
	Fresh     int64  // the age, in nanoseconds, up to which it is ok
	Published access.Publication
	Value     telemetry.LatestValue
}

// Feature finds what a newest value is of; false when nothing may be shown,
// for its datastream is retired, its thing is gone, or it is out of scope. now
// is in nanoseconds since 1970.
func (m *Map) Feature(scope *access.Scope, property *devices.ObservedProperty, v telemetry.LatestValue, now int64) (Feature, bool) {
	target, err := m.o.Registry.Series(v.Group)
	if err != nil || target.Station == nil || v.Slot >= len(target.Series.Datastreams) || target.Series.Datastreams[v.Slot] == 0 {
		return Feature{}, false
	}
	published := target.Publication(v.Slot)
	if !scope.Reads(target.Station.OrganisationID, target.Station.ID, property.Code, published) {
		return Feature{}, false
	}
	f := Feature{Published: published, Station: m.present(target.Station), Stream: target.Series.Datastreams[v.Slot], Property: property.Code, Unit: property.Unit, Value: v}
	interval := time.Duration(0)
	if target.Model != nil {
		interval = target.Model.Sensor.ReportInterval
	}
	if unit := target.Series.Unit(v.Slot); unit != "" {
		f.Unit = unit
	}
	f.Fresh = freshFor(interval)
	f.State = States[stateAt(v.Severity, now-v.Time, f.Fresh, interval != 0)]
	return f, true
}

// present is a station where it is now.
func (m *Map) present(station *devices.Station) *devices.Station {
	if !station.Mobile {
		return station
	}
	place, known := m.o.Latest.Place(station.ID)
	if !known {
		return station
	}
	moved := *station
	moved.Position = &place.Position
	return &moved
}

// Append writes the feature as GeoJSON.
func (f *Feature) Append(b []byte) []byte {
	b = append(b, `{"type":"Feature","id":`...)
	b = strconv.AppendInt(b, f.Stream, 10)
	b = append(b, `,"geometry":`...)
	b = geo.AppendPoint(b, f.Station.Position)
	b = append(b, `,"properties":{"thing":`...)
	b = AppendText(b, f.Station.Code)
	b = append(b, `,"name":`...)
	b = AppendText(b, f.Station.Name)
	b = append(b, `,"datastream":`...)
	b = strconv.AppendInt(b, f.Stream, 10)
	b = append(b, `,"property":`...)
	b = AppendText(b, f.Property)
	b = append(b, `,"value":`...)
	b = AppendValue(b, f.Value.Value)
	b = append(b, `,"unit":`...)
	b = AppendText(b, f.Unit)
	b = append(b, `,"time":"`...)
	b = time.Unix(0, f.Value.Time).UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	if f.Value.Received != 0 {
		b = append(b, `,"received":"`...)
		b = time.Unix(0, f.Value.Received).UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
	}
	b = append(b, `,"quality":[`...)
	if f.Value.Quality != 0 {
		for i, name := range f.Value.Quality.Names() {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendText(b, name)
		}
	}
	b = append(b, `],"state":"`...)
	b = append(b, f.State...)
	return append(b, `"}}`...)
}
