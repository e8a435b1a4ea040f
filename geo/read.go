package geo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paulmach/orb"
)

// ErrGeoJSON is the kind of every refusal of a GeoJSON text.
var ErrGeoJSON = errors.New("not the GeoJSON that is read here")

// Feature is one feature of a file that was read.
type Feature struct {
	Properties map[string]any
	Area       Area
	Err        error // why the feature has no area; nil when it has
}

// Text gives a property as text: numbers as they were written.
func (f *Feature) Text(property string) string {
	switch v := f.Properties[property].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// ReadFeatures reads a FeatureCollection of areas whose coordinates are of a
// reference system; that of an old file's crs member counts when none is
// named. A feature that cannot be read has its own error.
func ReadFeatures(text []byte, crs CRS) ([]Feature, error) {
	var file struct {
		Type string
		CRS  *struct {
			Properties struct{ Name string }
		}
		Features []struct {
			Properties map[string]any
			Geometry   json.RawMessage
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	decoder.UseNumber()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGeoJSON, err)
	}
	if file.Type != "FeatureCollection" {
		return nil, fmt.Errorf("%w: type is %q, want FeatureCollection", ErrGeoJSON, file.Type)
	}
	if file.CRS != nil && !crs.named() {
		var err error
		if crs, err = ParseCRS(file.CRS.Properties.Name); err != nil {
			return nil, err
		}
	}
	features := make([]Feature, len(file.Features))
	for i, f := range file.Features {
		features[i].Properties = f.Properties
		features[i].Area, features[i].Err = ReadArea(f.Geometry, crs)
	}
	return features, nil
}

// ReadArea reads a GeoJSON geometry of type Polygon or MultiPolygon, and cuts
// what crosses the antimeridian there. It takes unsound ones too: see Check.
func ReadArea(text []byte, crs CRS) (Area, error) {
	var geometry struct {
		Type        string
		Coordinates json.RawMessage
	}
	if err := json.Unmarshal(text, &geometry); err != nil {
		return nil, fmt.Errorf("%w: geometry: %w", ErrGeoJSON, err)
	}
	var polygons [][][]lonLat
	var err error
	switch geometry.Type {
	case "Polygon":
		polygons = make([][][]lonLat, 1)
		err = json.Unmarshal(geometry.Coordinates, &polygons[0])
	case "MultiPolygon":
		err = json.Unmarshal(geometry.Coordinates, &polygons)
	default:
		return nil, fmt.Errorf("%w: geometry is a %q, want Polygon or MultiPolygon", ErrGeoJSON, geometry.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: coordinates: %w", ErrGeoJSON, err)
	}
	area := make(Area, len(polygons))
	for p, rings := range polygons {
		area[p] = make(orb.Polygon, len(rings))
		for r, points := range rings {
			area[p][r] = make(orb.Ring, len(points))
			for i, at := range points {
				area[p][r][i] = crs.toWGS84(orb.Point(at))
			}
		}
	}
	return area.Uncrossed(), nil
}

// lonLat is a position of a file; what follows the first two numbers, as an
// altitude, is left.
type lonLat orb.Point

// UnmarshalJSON reads an array of at least two numbers.
func (p *lonLat) UnmarshalJSON(text []byte) error {
	var numbers []float64
	if err := json.Unmarshal(text, &numbers); err != nil {
		return err
	}
	if len(numbers) < 2 {
		return fmt.Errorf("a position has %d numbers, want two", len(numbers))
	}
	*p = lonLat{numbers[0], numbers[1]}
	return nil
}
