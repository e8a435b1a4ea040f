package wards

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Area is one ward.
type Area struct {
	Code   string
	Name   string // Vietnamese, with what it is: Phường Ba Đình
	NameEn string
	Kind   string // ward or commune, "" when the source does not say
	Ring   Ring
}

type collection struct {
	Features []feature `json:"features"`
}

type feature struct {
	Properties struct {
		Code       string `json:"code"`
		Name       string `json:"name"`
		NameEn     string `json:"name_en"`
		Kind       string `json:"kind"`
		FullName   string `json:"fullName"`
		FullNameEn string `json:"fullNameEn"`
	} `json:"properties"`
	Geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

// Read reads areas from GeoJSON, in the source's naming of properties or ours.
// Every area is one ring; a multipolygon of one part will do.
func Read(r io.Reader) ([]Area, error) {
	var c collection
	if err := json.NewDecoder(r).Decode(&c); err != nil {
		return nil, fmt.Errorf("wards: %w", err)
	}
	areas := make([]Area, len(c.Features))
	for i, f := range c.Features {
		p := f.Properties
		areas[i] = Area{Code: p.Code, Name: p.Name, NameEn: p.NameEn, Kind: p.Kind}
		if p.FullName != "" {
			areas[i].Name, areas[i].NameEn = p.FullName, p.FullNameEn
		}
		var err error
		if areas[i].Ring, err = f.ring(); err != nil {
			return nil, fmt.Errorf("wards: %s: %w", p.Code, err)
		}
	}
	return areas, nil
}

var errParts = errors.New("geometry has several parts or holes, which is not supported")

func (f feature) ring() (Ring, error) {
	polygon := [][]Point{}
	if f.Geometry.Type == "MultiPolygon" {
		var parts [][][]Point
		if err := json.Unmarshal(f.Geometry.Coordinates, &parts); err != nil {
			return nil, err
		}
		if len(parts) != 1 {
			return nil, errParts
		}
		polygon = parts[0]
	} else if err := json.Unmarshal(f.Geometry.Coordinates, &polygon); err != nil {
		return nil, err
	}
	if len(polygon) != 1 {
		return nil, errParts
	}
	return withoutRepeats(polygon[0]), nil
}

// Write writes areas as GeoJSON, a feature a line.
func Write(w io.Writer, areas []Area) error {
	text := []byte(`{"type":"FeatureCollection","features":[` + "\n")
	for i, a := range areas {
		properties, err := json.Marshal(map[string]string{"code": a.Code, "name": a.Name, "name_en": a.NameEn, "kind": a.Kind})
		if err != nil {
			return err
		}
		text = append(text, `{"type":"Feature","properties":`...)
		text = append(text, properties...)
		text = append(text, `,"geometry":{"type":"Polygon","coordinates":[[`...)
		for _, p := range a.Ring {
			text = append(appendPoint(text, p), ',')
		}
		text = append(appendPoint(text, a.Ring[0]), `]]}}`...)
		if i+1 < len(areas) {
			text = append(text, ',')
		}
		text = append(text, '\n')
	}
	_, err := w.Write(append(text, "]}\n"...))
	return err
}

func appendPoint(b []byte, p Point) []byte {
	b = append(b, '[')
	b = strconv.AppendFloat(b, p[0], 'f', -1, 64)
	b = append(b, ',')
	b = strconv.AppendFloat(b, p[1], 'f', -1, 64)
	return append(b, ']')
}
