package geo

import "math"

// meanRadius is the Earth's, in metres.
const meanRadius = 6_371_008.8

// Metres is the distance of two positions on a sphere; that on the ellipsoid
// differs by at most half a percent.
func (p Position) Metres(q Position) float64 {
	const rad = math.Pi / 180
	sinLat, sinLon := math.Sin((q.Lat-p.Lat)*rad/2), math.Sin((q.Lon-p.Lon)*rad/2)
	h := sinLat*sinLat + math.Cos(p.Lat*rad)*math.Cos(q.Lat*rad)*sinLon*sinLon
	return 2 * meanRadius * math.Asin(math.Sqrt(min(h, 1)))
}
