// Package geo owns places on the Earth: positions, windows on the map and the
// GeoJSON that shows them. It is the only room that knows the orb library; it
// knows nothing of readings, of the network or of the clock.
package geo

import (
	"errors"
	"fmt"
	"math"

	"github.com/paulmach/orb"
)

// ErrPosition is the kind of every refusal of a coordinate.
var ErrPosition = errors.New("not a position on the Earth")

// Position is a WGS 84 place: degrees east, degrees north and, where it is
// known, metres above the ellipsoid (zero otherwise).
type Position struct {
	Lon, Lat, Alt float64
}

// Validate refuses coordinates outside [-180, 180] × [-90, 90] and non-numbers.
func (p Position) Validate() error {
	switch {
	case math.IsNaN(p.Lon) || p.Lon < -180 || p.Lon > 180:
		return fmt.Errorf("%w: lon %v is outside -180…180 (order is lon, lat)", ErrPosition, p.Lon)
	case math.IsNaN(p.Lat) || p.Lat < -90 || p.Lat > 90:
		return fmt.Errorf("%w: lat %v is outside -90…90 (order is lon, lat)", ErrPosition, p.Lat)
	case math.IsNaN(p.Alt) || math.IsInf(p.Alt, 0):
		return fmt.Errorf("%w: alt %v is not a number of metres", ErrPosition, p.Alt)
	}
	return nil
}

// Point is the position as orb knows it, without altitude.
func (p Position) Point() orb.Point { return orb.Point{p.Lon, p.Lat} }

// Window is a rectangle on the map in degrees; it may cross the antimeridian,
// in which case MinLon is greater than MaxLon.
type Window struct {
	MinLon, MinLat, MaxLon, MaxLat float64
}

// Contains says whether p lies in the window, edges included.
func (w Window) Contains(p Position) bool {
	if p.Lat < w.MinLat || p.Lat > w.MaxLat {
		return false
	}
	if w.MinLon <= w.MaxLon {
		return p.Lon >= w.MinLon && p.Lon <= w.MaxLon
	}
	return p.Lon >= w.MinLon || p.Lon <= w.MaxLon
}
