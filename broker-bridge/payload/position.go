package payload

import (
	"strconv"

	"cityhub/geo"
	"cityhub/telemetry"
)

// The names by which formats without a place of their own for it tell a
// position, as readings.
var (
	lonNames = [...]string{"longitude", "lon", "lng", "gps.longitude", "gps.lon", "location.longitude", "location.lon"}
	latNames = [...]string{"latitude", "lat", "gps.latitude", "gps.lat", "location.latitude", "location.lat"}
	altNames = [...]string{"altitude", "alt", "gps.altitude", "gps.alt", "location.altitude", "location.alt"}
)

// notePosition reads a measurement's position off its values, which stay: a
// model may have channels of these names. Where only one of longitude and
// latitude is told, or neither is a number, there is none.
func notePosition(m *telemetry.Measurement) error {
	if m.Position != nil {
		return nil
	}
	lon, told := numberNamed(m.Values, lonNames[:])
	lat, both := numberNamed(m.Values, latNames[:])
	if !told || !both {
		return nil
	}
	alt, _ := numberNamed(m.Values, altNames[:])
	var err error
	m.Position, err = checked(geo.Position{Lon: lon, Lat: lat, Alt: alt}, "longitude and latitude")
	return err
}

// numberNamed finds the first value of the names that is a number, or a text
// that reads as one.
func numberNamed(values []telemetry.KeyedValue, names []string) (float64, bool) {
	for _, name := range names {
		for i := range values {
			if values[i].Key != name {
				continue
			}
			switch v := values[i].Value; v.Kind {
			case telemetry.Number:
				return v.Num, true
			case telemetry.Text:
				if n, err := strconv.ParseFloat(v.Text, 64); err == nil {
					return n, true
				}
			}
		}
	}
	return 0, false
}
