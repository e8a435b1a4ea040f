package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/telemetry"
)

// maxTried bounds the bytes of a message that is tried.
const maxTried = 4 << 10

// TryCodec runs a codec's JavaScript on a message, within the limits that hold
// for readings. What is the codec's fault is a *telemetry.Refusal.
type TryCodec func(ctx context.Context, source string, port int, frame []byte) (m telemetry.Measurement, warnings []string, err error)

// TriedMessage is a message to decode; exactly one of hex, base64 and payload.
type TriedMessage struct {
	FPort   int             `json:"fPort,omitempty" minimum:"0" maximum:"255" doc:"LoRaWAN port"`
	Hex     string          `json:"hex,omitempty" doc:"The bytes in hexadecimal; spaces, colons and 0x are passed over" example:"00 eb 64"`
	Base64  string          `json:"base64,omitempty" doc:"The bytes in base64"`
	Payload json.RawMessage `json:"payload,omitempty" doc:"A message in the native JSON format, of models without a codec" example:"{\"values\":{\"pm25\":12.5}}"`
}

// TriedCodec is a codec with a message.
type TriedCodec struct {
	TriedMessage
	Codec    string    `json:"codec,omitempty" doc:"JavaScript; the model's when absent"`
	Model    Ref       `json:"model,omitempty" doc:"Code or id of a sensor, for its channels"`
	Channels []Channel `json:"channels,omitempty" doc:"In place of a model's"`
}

// Tried is what was made of a message. Nothing of it is kept.
type Tried struct {
	Values       []TriedValue   `json:"values" nullable:"false" doc:"As the codec gives them"`
	Readings     []TriedReading `json:"readings" nullable:"false" doc:"As the hub would keep them"`
	Ignored      []string       `json:"ignored" nullable:"false" doc:"Keys that are no channel of the model"`
	Warnings     []string       `json:"warnings" nullable:"false" doc:"The codec's, and values out of range"`
	Errors       []string       `json:"errors" nullable:"false" doc:"Why such a message would go to quarantine"`
	Time         *time.Time     `json:"time,omitempty" doc:"That the message itself tells"`
	Milliseconds float64        `json:"milliseconds" doc:"How long it took, waiting included"`
}

// TriedValue is a value under its key.
type TriedValue struct {
	Key   string `json:"key"`
	Value any    `json:"value" doc:"A number, a truth value or a text"`
}

// TriedReading is a value as it would be kept.
type TriedReading struct {
	Property string `json:"property" doc:"Code"`
	Key      string `json:"key"`
	Value    any    `json:"value"`
	Unit     string `json:"unit"`
	InRange  bool   `json:"inRange"`
}

func (s *Server) codecs() {
	tags := []string{"sensors"}
	register(s, huma.Operation{OperationID: "try-codec", Method: http.MethodPost, Path: base + "/codecs/try", Tags: tags,
		Summary:     "Try a codec on a message",
		Description: "Runs JavaScript that is not kept yet, within the limits of time and memory that hold for readings, and shows what the hub would make of it. Changes nothing.",
		Errors:      []int{http.StatusUnsupportedMediaType, http.StatusServiceUnavailable},
	}, access.CatalogueWrite, func(ctx context.Context, in *struct{ Body TriedCodec }) (*shown[Tried], error) {
		sensor, err := s.triedSensor(ctx, &in.Body)
		if err != nil {
			return nil, err
		}
		return s.try(ctx, sensor, &in.Body.TriedMessage)
	})
	register(s, huma.Operation{OperationID: "try-sensor", Method: http.MethodPost, Path: base + "/sensors/{id}/decode", Tags: tags,
		Summary:     "Try a model on a message",
		Description: "Decodes a message as one of a device of this model and shows what the hub would make of it. Changes nothing.",
		Errors:      []int{http.StatusNotFound, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable},
	}, access.ThingWrite, func(ctx context.Context, in *struct {
		ByID
		Body TriedMessage
	}) (*shown[Tried], error) {
		sensor, err := s.o.Registry.Sensors.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return s.try(ctx, &sensor, &in.Body)
	})
	register(s, huma.Operation{OperationID: "get-model-schema", Method: http.MethodGet, Path: base + "/schemas/model", Tags: tags,
		Summary: "The JSON Schema of a model's YAML file", Middlewares: huma.Middlewares{tag},
	}, access.Public, func(context.Context, *struct{}) (*schemaOutput, error) {
		return &schemaOutput{"application/schema+json", devices.ModelSchema}, nil
	})
}

type schemaOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// triedSensor is the model that a codec is tried in.
func (s *Server) triedSensor(ctx context.Context, b *TriedCodec) (*devices.Sensor, error) {
	sensor := devices.Sensor{Code: "tried"}
	var err error
	if b.Model != "" {
		if sensor, err = find(ctx, s.o.Registry.Sensors, "model", b.Model); err != nil {
			return nil, err
		}
	}
	if b.Channels != nil {
		given := devices.Sensor{}
		if err := applySensor(ctx, &SensorBody{Channels: b.Channels}, &given); err != nil {
			return nil, err
		}
		sensor.Channels = given.Channels
	}
	if b.Codec != "" {
		sensor.Codec = b.Codec
	}
	return &sensor, nil
}

// try decodes a message as one of a model.
func (s *Server) try(ctx context.Context, sensor *devices.Sensor, b *TriedMessage) (*shown[Tried], error) {
	began := time.Now()
	m, warnings, err := s.measured(ctx, sensor, b)
	out := Tried{Values: []TriedValue{}, Readings: []TriedReading{}, Ignored: []string{}, Warnings: append([]string{}, warnings...), Errors: []string{}}
	var refusal *telemetry.Refusal
	switch {
	case errors.As(err, &refusal):
		out.Errors = append(out.Errors, refusal.Detail)
	case err != nil:
		return nil, err
	default:
		out.preview(s.o.Registry, sensor, &m)
	}
	out.Milliseconds = math.Round(float64(time.Since(began).Microseconds())) / 1000
	return &shown[Tried]{out}, nil
}

// measured reads the message: bytes by the codec, JSON in the native format.
func (s *Server) measured(ctx context.Context, sensor *devices.Sensor, b *TriedMessage) (m telemetry.Measurement, warnings []string, err error) {
	if len(b.Payload) > 0 && b.Hex == "" && b.Base64 == "" {
		all, err := s.o.Decode(ctx, "native", "tried", b.Payload, s.o.Now())
		if err != nil {
			return m, nil, err
		}
		if len(all) != 1 {
			return m, nil, &devices.FieldError{Field: "payload", Kind: devices.ErrInvalid, Detail: fmt.Sprintf("holds %d measurements; send one", len(all))}
		}
		return all[0], nil, nil
	}
	frame, err := b.bytes()
	if err != nil {
		return m, nil, err
	}
	if sensor.Codec == "" {
		return m, nil, &devices.FieldError{Field: "codec", Kind: devices.ErrInvalid, Detail: "the model has none, so it reads no bytes; give it one, or send payload"}
	}
	return s.o.TryCodec(ctx, sensor.Codec, b.FPort, frame)
}

func (b *TriedMessage) bytes() (frame []byte, err error) {
	field, text := "hex", strings.NewReplacer(" ", "", ":", "", "\n", "").Replace(strings.TrimPrefix(strings.TrimSpace(b.Hex), "0x"))
	switch {
	case (b.Hex == "") == (b.Base64 == "") || len(b.Payload) > 0:
		return nil, &devices.FieldError{Field: "hex", Kind: devices.ErrInvalid, Detail: "give exactly one of hex, base64 and payload"}
	case b.Hex != "":
		frame, err = hex.DecodeString(text)
	default:
		field = "base64"
		frame, err = base64.StdEncoding.DecodeString(strings.TrimSpace(b.Base64))
	}
	switch {
	case err != nil:
		return nil, &devices.FieldError{Field: field, Kind: devices.ErrInvalid, Detail: "cannot be read: " + err.Error()}
	case len(frame) > maxTried:
		return nil, &devices.FieldError{Field: field, Kind: devices.ErrInvalid, Detail: fmt.Sprintf("is %d bytes; at most %d are tried", len(frame), maxTried)}
	}
	return frame, nil
}

// preview shows what the pipeline would make of the values.
func (t *Tried) preview(registry *devices.Registry, sensor *devices.Sensor, m *telemetry.Measurement) {
	if !m.Time.IsZero() {
		t.Time = &m.Time
	}
	for _, p := range telemetry.Preview(modelOf(registry, sensor), m) {
		t.Values = append(t.Values, TriedValue{p.Key, plain(p.Value)})
		switch {
		case p.Channel == nil:
			t.Ignored = append(t.Ignored, p.Key)
			continue
		case p.Refusal != nil:
			t.Errors = append(t.Errors, p.Refusal.Detail)
			continue
		}
		r := TriedReading{Property: p.Field.Property, Key: p.Key, Value: plain(p.Field.Value), Unit: p.Channel.Unit,
			InRange: p.Field.Quality&telemetry.OutOfRange == 0}
		if known, ok := registry.Property(r.Property); ok && r.Unit == "" {
			r.Unit = known.Unit
		}
		if !r.InRange {
			t.Warnings = append(t.Warnings, fmt.Sprintf("%s: %v is outside [%v, %v]; it would be kept and marked", r.Property, r.Value, p.Channel.Lo, p.Channel.Hi))
		}
		t.Readings = append(t.Readings, r)
	}
	if len(t.Readings) == 0 && len(t.Errors) == 0 {
		t.Errors = append(t.Errors, fmt.Sprintf("none of the %d keys is a channel of the model; compare its channels with the keys under values", len(t.Values)))
	}
}

// modelOf gives channels their kinds: their own, their property's, or numbers.
func modelOf(registry *devices.Registry, sensor *devices.Sensor) *devices.Model {
	model := &devices.Model{Sensor: *sensor, Kinds: make([]devices.Kind, len(sensor.Channels))}
	for i, c := range sensor.Channels {
		model.Kinds[i] = devices.Number
		if p, ok := registry.Property(c.Property); ok {
			model.Kinds[i] = p.Kind
		} else if c.Kind != "" {
			model.Kinds[i] = c.Kind
		}
	}
	return model
}
