package api

import (
	"context"
	"fmt"
	"math"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/devices"
)

// Sensor is a device model.
type Sensor struct {
	ID int64 `json:"id"`
	SensorBody
}

// SensorBody is what can be written of a sensor.
type SensorBody struct {
	Code           string    `json:"code" doc:"Unique; A-Z, a-z, 0-9, _ and -"`
	Name           string    `json:"name" required:"false" doc:"The code when absent"`
	Manufacturer   string    `json:"manufacturer" required:"false"`
	Description    string    `json:"description" required:"false"`
	ReportInterval string    `json:"reportInterval,omitempty" doc:"How often it reports, ISO 8601; absent when unknown" example:"PT10M"`
	Codec          string    `json:"codec,omitempty" doc:"JavaScript that decodes its bytes, as decodeUplink of TS013"`
	Channels       []Channel `json:"channels" nullable:"false"`
}

// Channel maps one key of a model's payloads to an observed property.
type Channel struct {
	Key        string `json:"key" doc:"As the payload names it"`
	Property   string `json:"property" doc:"Code of an observed property; made when it is new"`
	Unit       string `json:"unit,omitempty" doc:"The property's when absent"`
	Kind       string `json:"kind,omitempty" enum:"number,boolean,text" doc:"The property's when absent"`
	Range      *Range `json:"range,omitempty"`
	StuckAfter string `json:"stuckAfter,omitempty" doc:"An unchanged value is suspect after this, ISO 8601" example:"PT6H"`
}

// Range is [lowest, highest] valid value, both inclusive; null leaves a side
// open.
type Range [2]*float64

// Schema describes it.
func (Range) Schema(huma.Registry) *huma.Schema {
	two := 2
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeNumber, Nullable: true}, MinItems: &two, MaxItems: &two,
		Description: "[lowest, highest] valid value, both inclusive; null leaves a side open"}
}

type sensorList struct {
	Paging
	Code string `query:"code"`
}

func (q *sensorList) selection(context.Context, *devices.Registry) (selection[devices.Sensor], error) {
	return all[devices.Sensor](byCode(q.Code)), nil
}

func sensorID(s *devices.Sensor) int64 { return s.ID }

func (s *Server) sensors() {
	n := noun[devices.Sensor, Sensor, SensorBody]{path: "/sensors", one: "sensor", access: catalogue, nouns: s.o.Registry.Sensors, id: sensorID,
		show: func(_ context.Context, _ *view, m *devices.Sensor, _ bool) (Sensor, error) {
			return Sensor{m.ID, sensorBody(m)}, nil
		},
		body:  func(_ context.Context, _ *view, m *devices.Sensor) (SensorBody, error) { return sensorBody(m), nil },
		apply: applySensor,
	}
	list[sensorList](s, n)
	n.read(s)
	n.create(s)
	n.edit(s)
	n.delete(s)
}

func sensorBody(m *devices.Sensor) SensorBody {
	b := SensorBody{Code: m.Code, Name: m.Name, Manufacturer: m.Manufacturer, Description: m.Description,
		ReportInterval: formatDuration(m.ReportInterval), Codec: m.Codec, Channels: make([]Channel, len(m.Channels))}
	for i, c := range m.Channels {
		b.Channels[i] = Channel{Key: c.Key, Property: c.Property, Unit: c.Unit, Kind: string(c.Kind),
			Range: rangeOf(c.Lo, c.Hi), StuckAfter: formatDuration(c.StuckAfter)}
	}
	return b
}

func rangeOf(lo, hi float64) *Range {
	var r Range
	if !math.IsInf(lo, -1) {
		r[0] = &lo
	}
	if !math.IsInf(hi, 1) {
		r[1] = &hi
	}
	if r == (Range{}) {
		return nil
	}
	return &r
}

func applySensor(_ context.Context, b *SensorBody, m *devices.Sensor) (err error) {
	m.Code, m.Name, m.Manufacturer, m.Description, m.Codec = b.Code, b.Name, b.Manufacturer, b.Description, b.Codec
	if m.ReportInterval, err = parseDuration("reportInterval", b.ReportInterval); err != nil {
		return err
	}
	m.Channels = make([]devices.Channel, len(b.Channels))
	for i, c := range b.Channels {
		stuck, err := parseDuration(fmt.Sprintf("channels[%d].stuckAfter", i), c.StuckAfter)
		if err != nil {
			return err
		}
		channel := devices.Channel{Key: c.Key, Property: c.Property, Unit: c.Unit, Kind: devices.Kind(c.Kind),
			Lo: math.Inf(-1), Hi: math.Inf(1), StuckAfter: stuck}
		if c.Range != nil && c.Range[0] != nil {
			channel.Lo = *c.Range[0]
		}
		if c.Range != nil && c.Range[1] != nil {
			channel.Hi = *c.Range[1]
		}
		m.Channels[i] = channel
	}
	return nil
}
