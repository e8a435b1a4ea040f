package api

import (
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// The shapes of the map's GeoJSON, for who reads the description: the answers
// are written by citymap, and a test holds them against these.

// Point is a GeoJSON Point.
type Point struct {
	Type        string   `json:"type" enum:"Point"`
	Coordinates Position `json:"coordinates"`
}

// MaybePoint is where a station stands; null where that is not known.
type MaybePoint struct{ *Point }

// Schema describes it.
func (MaybePoint) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{r.Schema(reflect.TypeFor[Point](), true, ""), {Type: "null"}}}
}

// ShownValue is a number, a truth value or a text, as the property's kind says.
type ShownValue struct{ any }

// Schema describes it.
func (ShownValue) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeNumber}, {Type: huma.TypeBoolean}, {Type: huma.TypeString}, {Type: "null"}}}
}

// StationFeature is a station's newest value of one property.
type StationFeature struct {
	Type       string            `json:"type" enum:"Feature"`
	ID         int64             `json:"id" doc:"The datastream's"`
	Geometry   MaybePoint        `json:"geometry"`
	Properties StationProperties `json:"properties"`
}

// StationProperties are those of a StationFeature.
type StationProperties struct {
	Thing      string     `json:"thing" doc:"Code"`
	Name       string     `json:"name"`
	Datastream int64      `json:"datastream"`
	Property   string     `json:"property" doc:"Code"`
	Value      ShownValue `json:"value"`
	Unit       string     `json:"unit"`
	Time       time.Time  `json:"time"`
	Received   *time.Time `json:"received,omitempty"`
	Quality    []string   `json:"quality" nullable:"false" doc:"Flags; empty when nothing is wrong"`
	State      string     `json:"state" enum:"ok,unknown,stale,info,warning,minor,major,critical"`
}

// ClusterFeature is several stations that stand close together.
type ClusterFeature struct {
	Type       string            `json:"type" enum:"Feature"`
	Geometry   Point             `json:"geometry"`
	Properties ClusterProperties `json:"properties"`
}

// ClusterProperties are those of a ClusterFeature.
type ClusterProperties struct {
	Cluster bool     `json:"cluster" enum:"true"`
	Count   int      `json:"count" doc:"Stations in it"`
	Min     *float64 `json:"min" nullable:"true" doc:"Of the values that are numbers; null when none is"`
	Mean    *float64 `json:"mean" nullable:"true"`
	Max     *float64 `json:"max" nullable:"true"`
	Unit    string   `json:"unit"`
	Worst   string   `json:"worst" enum:"ok,unknown,stale,info,warning,minor,major,critical" doc:"State of its stations"`
}

// MapFeature is a station that stands alone, or a cluster.
type MapFeature struct{}

// Schema describes it.
func (MapFeature) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{r.Schema(reflect.TypeFor[StationFeature](), true, ""), r.Schema(reflect.TypeFor[ClusterFeature](), true, "")}}
}

// StationCollection is the answer with stations.
type StationCollection struct {
	Type     string           `json:"type" enum:"FeatureCollection"`
	Features []StationFeature `json:"features" nullable:"false"`
	BBox     []float64        `json:"bbox,omitempty" nullable:"false" minItems:"4" maxItems:"6" doc:"Of what has a place; six numbers where there are altitudes"`
}

// MapCollection is the answer with stations and clusters.
type MapCollection struct {
	Type     string       `json:"type" enum:"FeatureCollection"`
	Features []MapFeature `json:"features" nullable:"false"`
	BBox     []float64    `json:"bbox,omitempty" nullable:"false" minItems:"4" maxItems:"6" doc:"Of what has a place; six numbers where there are altitudes"`
}

// geoResponses describes an answer in GeoJSON of a shape.
func (s *Server) geoResponses(shape any, about string) map[string]*huma.Response {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(shape), true, "")
	return map[string]*huma.Response{strconv.Itoa(http.StatusOK): {Description: about, Content: map[string]*huma.MediaType{geoJSON: {Schema: schema}}}}
}
