package city

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// application names the city's application at the network server.
const application = "5b7d2c1e-3f64-4a0b-9d35-8c1a6e2f4b90"

// topicAndPayload says the readings in the device's own format.
func (d *device) topicAndPayload(at time.Time, readings []Reading) (string, []byte) {
	switch d.Format {
	case SenML:
		return "cityhub/v1/" + d.Device + "/senml", must(d.senml(at, readings))
	case ChirpStackObject, ChirpStackBytes:
		topic := "application/" + application + "/device/" + strings.ToLower(d.DevEUI) + "/event/up"
		return topic, must(d.chirpStack(at, readings))
	}
	return "cityhub/v1/" + d.Device + "/telemetry", must(d.native(at, readings))
}

// must encodes what is made of finite numbers, texts and maps only, which
// cannot fail.
func must(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// native is the hub's own JSON. Some devices tell epoch milliseconds.
func (d *device) native(at time.Time, readings []Reading) any {
	var when any = at.UTC().Format("2006-01-02T15:04:05.000Z")
	if hash(d.seed, 20)%4 == 0 {
		when = at.UnixMilli()
	}
	return map[string]any{"time": when, "seq": d.seq, "values": valuesOf(readings), "rssi": -60 - int(hash(d.seed, 21)%45)}
}

func valuesOf(readings []Reading) map[string]any {
	values := make(map[string]any, len(readings))
	for _, r := range readings {
		values[r.Key] = r.Value
	}
	return values
}

func (d *device) senml(at time.Time, readings []Reading) any {
	pack := make([]map[string]any, len(readings))
	for i, r := range readings {
		record := map[string]any{"n": r.Key}
		switch v := r.Value.(type) {
		case bool:
			record["vb"] = v
		case string:
			record["vs"] = v
		default:
			record["v"] = v
		}
		pack[i] = record
	}
	pack[0]["bt"] = json.Number(fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000))
	return pack
}

func (d *device) chirpStack(at time.Time, readings []Reading) any {
	rssi := -70 - int(hash(d.seed, 21)%45)
	event := map[string]any{
		"deduplicationId": d.deduplicationID(),
		"time":            at.UTC().Format("2006-01-02T15:04:05.000000+00:00"),
		"deviceInfo": map[string]any{
			"tenantId": "7f0f5d4e-1c2b-4a39-8e57-6d90b3a1c2f4", "tenantName": "Hà Nội",
			"applicationId": application, "applicationName": "city",
			"deviceProfileId": "0c6a9b3e-52d1-4f78-a6b4-1e8d7c5f9a20", "deviceProfileName": d.Kind.Model(),
			"deviceName": d.Device, "devEui": strings.ToLower(d.DevEUI), "tags": map[string]string{},
		},
		"devAddr": fmt.Sprintf("%08x", uint32(hash(d.seed, 22))),
		"adr":     true, "dr": 5, "fCnt": d.seq, "fPort": 2,
		"rxInfo": []any{map[string]any{
			"gatewayId": fmt.Sprintf("a84041ffff%06x", hash(d.seed, 23)%40), "uplinkId": uint32(hash(d.seed, 24, d.seq)),
			"rssi": rssi, "snr": 9.5 + float64(rssi+70)/4, "crcStatus": "CRC_OK",
		}},
		"txInfo": map[string]any{"frequency": 923200000 + 200000*int(hash(d.seed, 25, d.seq)%8),
			"modulation": map[string]any{"lora": map[string]any{"bandwidth": 125000, "spreadingFactor": 7, "codeRate": "CR_4_5"}}},
	}
	if d.Format == ChirpStackObject {
		event["object"] = valuesOf(readings)
		return event
	}
	event["data"] = base64.StdEncoding.EncodeToString(waterFrame(readings))
	return event
}

func (d *device) deduplicationID() string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], hash(d.seed, 26, d.seq))
	binary.BigEndian.PutUint64(raw[8:], hash(d.seed, 27, d.seq))
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	h := hex.EncodeToString(raw[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// waterFrame is the six bytes that examples/models/lora-water-level.js reads.
func waterFrame(readings []Reading) []byte {
	values := valuesOf(readings)
	whole := func(key string, scale float64) int64 {
		v, _ := values[key].(float64)
		return int64(math.Round(v * scale))
	}
	frame := make([]byte, 6)
	binary.BigEndian.PutUint16(frame, uint16(clampInt(whole("level", 1000), math.MinInt16, math.MaxInt16)))
	binary.BigEndian.PutUint16(frame[2:], uint16(clampInt(whole("temperature", 100), math.MinInt16, math.MaxInt16)))
	frame[4] = byte(clampInt(whole("battery", 2), 0, 255))
	return frame
}

func clampInt(v, lo, hi int64) int64 { return max(lo, min(hi, v)) }
