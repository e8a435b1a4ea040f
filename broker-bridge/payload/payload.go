// Package payload turns the bytes of a message into measurements, one pure
// function per format. It owns the formats' grammars and their limits; it
// refuses to know brokers, the registry, the clock and where readings go.
package payload

import (
	"time"

	"cityhub/geo"
	"cityhub/telemetry"
)

// Limits that hold for every format.
const (
	MaxBytes = 256 << 10 // a longer payload is refused as TooLarge
	MaxDepth = 16        // objects and arrays nested deeper are refused as TooDeep
)

// Format is one grammar of payloads. Decode never panics, does not change or
// keep Input.Payload except in Uplink.Bytes, and is safe for concurrent use.
// Its errors are always *telemetry.Refusal.
type Format struct {
	Name   string
	Decode func(Input) (Decoded, error)
}

// Input is one message as it arrived.
type Input struct {
	Topic    string
	Payload  []byte
	Device   string    // the device that the topic names, "" when it names none
	FPort    int       // LoRaWAN port that the topic names, 0 when it names none
	Received time.Time // the hub's clock; relative times count from here
}

// Decoded is what a message says. At least one of its three members is set.
type Decoded struct {
	Measurements []telemetry.Measurement
	Uplinks      []Uplink // bytes that only the device model's codec can read
	Ignored      bool     // understood, and it carries no reading: a join, say
}

// Uplink is a device's own bytes with what the network told around them.
type Uplink struct {
	Device   string    // as Measurement.Device
	Bytes    []byte    // may share memory with Input.Payload
	FPort    int       // LoRaWAN port, 0 when unknown
	Time     time.Time // as Measurement.Time
	Seq      int64     // as Measurement.Seq
	Radio    telemetry.Radio
	Position *geo.Position
}

// table lists the formats; a new one is a file of its own and a line here.
var table = [...]Format{
	{"native", decodeNative},
	{"senml", decodeSenML},
	{"senml-cbor", decodeSenMLCBOR},
	{"chirpstack", decodeChirpStack},
	{"ttn", decodeTTN},
	{"ultralight", decodeUltraLight},
	{"ngsi", decodeNGSI},
	{"zigbee2mqtt", decodeZigbee},
	{"raw", decodeRaw},
}

// ByName finds the format of a name as configuration writes it.
func ByName(name string) (Format, bool) {
	for _, f := range table {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// Names lists the formats' names in the order of the documentation.
func Names() []string {
	names := make([]string, len(table))
	for i, f := range table {
		names[i] = f.Name
	}
	return names
}

// one wraps a single measurement.
func one(m telemetry.Measurement) Decoded {
	return Decoded{Measurements: []telemetry.Measurement{m}}
}
