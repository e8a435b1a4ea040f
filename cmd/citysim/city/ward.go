package city

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"
)

//go:embed ward-centres.csv
var wardCentres string

// Ward is one of the city's communes since July 2025.
type Ward struct {
	Code, Name, NameEn, Kind string
	Lon, Lat                 float64 // a point within it, near its middle
	Area                     float64 // km²
	Reach                    float64 // km from that point to the nearest border
}

// Wards gives the wards in the order of their codes.
func Wards() ([]Ward, error) {
	rows, err := csv.NewReader(strings.NewReader(wardCentres)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("ward centres: %w", err)
	}
	var wards []Ward
	for i, row := range rows[1:] {
		w := Ward{Code: row[0], Name: row[1], NameEn: row[2], Kind: row[3]}
		for j, into := range []*float64{&w.Lon, &w.Lat, &w.Area, &w.Reach} {
			if *into, err = strconv.ParseFloat(row[4+j], 64); err != nil {
				return nil, fmt.Errorf("ward centres, row %d: %w", i+2, err)
			}
		}
		wards = append(wards, w)
	}
	return wards, nil
}

// near gives a place within the ward, at most share of the way from its middle
// to the border away.
func (w Ward) near(share float64, seed uint64, parts ...int64) (lon, lat float64) {
	angle := 2 * math.Pi * unit(seed, append(parts, 1)...)
	// The root spreads places evenly over the disc.
	km := share * w.Reach * math.Sqrt(unit(seed, append(parts, 2)...))
	return w.Lon + km*math.Cos(angle)/kmPerLon, w.Lat + km*math.Sin(angle)/kmPerLat
}

// urban is 1 in the old town and fades with the distance to it.
func (p Place) urban() float64 {
	return math.Exp(-(p.X*p.X + p.Y*p.Y) / (14 * 14))
}

// Place is a point of the city in km east and north of Hoàn Kiếm lake.
type Place struct{ X, Y float64 }

const (
	kmPerLon = 103.9 // at the latitude of the city
	kmPerLat = 110.8
)

func placeAt(lon, lat float64) Place {
	return Place{X: (lon - 105.8524) * kmPerLon, Y: (lat - 21.0287) * kmPerLat}
}
