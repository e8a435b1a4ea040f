package payload

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"cityhub/telemetry"
)

// decodeChirpStack reads the JSON events of ChirpStack 4. The topic's last
// part names the event; where there is none the members tell.
//
//   - up: ChirpStack's own decoded object if there is one, else the bytes for
//     the model's codec;
//   - status: the charge, as the channel battery;
//   - everything else carries no reading.
//
// The time is the network's: LoRaWAN frames carry none of the device.
func decodeChirpStack(in Input) (Decoded, error) {
	n, err := parseObject(in.Payload)
	if err != nil {
		return Decoded{}, err
	}
	if isChirpStack3(n) {
		return Decoded{}, undecodable("this is ChirpStack 3 (applicationID, devEUI in base64): " +
			"the hub reads ChirpStack 4, upgrade the network server")
	}
	event := chirpStackEvent(in.Topic, n)
	if event != "up" && event != "status" {
		return Decoded{Ignored: true}, nil
	}
	m := telemetry.Measurement{Seq: -1}
	if m.Device, err = devEUI(n.get("deviceInfo", "devEui"), "deviceInfo.devEui"); err != nil {
		return Decoded{}, err
	}
	if m.Time, err = optionalInstant(n.get("time"), "time"); err != nil {
		return Decoded{}, err
	}
	if event == "status" {
		return chirpStackStatus(n, m), nil
	}
	return chirpStackUp(n, m)
}

func isChirpStack3(n node) bool {
	return n.get("deviceInfo").kind == absent &&
		(n.get("applicationID").kind != absent || n.get("devEUI").kind != absent || n.get("objectJSON").kind != absent)
}

func chirpStackEvent(topic string, n node) string {
	if _, event, ok := strings.Cut(topic, "/event/"); ok {
		return event
	}
	for _, key := range [...]string{"data", "object", "fPort", "rxInfo"} {
		if n.get(key).kind != absent {
			return "up"
		}
	}
	if n.get("batteryLevel").kind != absent || n.get("margin").kind != absent {
		return "status"
	}
	return ""
}

func chirpStackUp(n node, m telemetry.Measurement) (Decoded, error) {
	m.Seq = n.get("fCnt").counter(0) // protobuf leaves zeros out
	m.Radio = bestGateway(n.get("rxInfo"))
	if decoded := n.get("object"); !decoded.empty() {
		decoded.flatten("", &m)
		noteBattery(&m)
		err := notePosition(&m)
		return one(m), err
	}
	return frame(m, n.get("data"), "data", int(n.get("fPort").counter(0)))
}

func chirpStackStatus(n node, m telemetry.Measurement) Decoded {
	external := n.get("externalPowerSource")
	if external.num != 0 {
		external.flatten("externalPowerSource", &m)
	} else if n.get("batteryLevelUnavailable").num == 0 {
		charge := n.get("batteryLevel").num // protobuf leaves zeros out
		m.Radio.Battery = &charge
	}
	if margin := n.get("margin"); margin.kind == number {
		margin.flatten("margin", &m)
	}
	noteBattery(&m)
	if len(m.Values) == 0 {
		return Decoded{Ignored: true}
	}
	return one(m)
}

// frame makes the uplink of a LoRaWAN frame; one without bytes, or on the
// network's own port 0, carries no reading.
func frame(m telemetry.Measurement, data node, name string, port int) (Decoded, error) {
	if data.empty() || data.kind == text && data.text == "" || port == 0 {
		return Decoded{Ignored: true}, nil
	}
	bytes, err := base64.StdEncoding.DecodeString(data.text)
	if err != nil || data.kind != text {
		return Decoded{}, undecodable("%s is not base64: %s", name, quote(data.text))
	}
	return Decoded{Uplinks: []Uplink{{
		Device: m.Device, Bytes: bytes, FPort: port, Time: m.Time, Seq: m.Seq, Radio: m.Radio, Position: m.Position,
	}}}, nil
}

// bestGateway gives the radio figures of the gateway that heard the device
// best, from a list of objects with rssi and snr.
func bestGateway(gateways node) telemetry.Radio {
	var best telemetry.Radio
	for _, g := range gateways.items {
		rssi := g.get("rssi").measured()
		if rssi == nil || best.RSSI != nil && *rssi <= *best.RSSI {
			continue
		}
		best.RSSI, best.SNR = rssi, g.get("snr").measured()
	}
	return best
}

// devEUI reads sixteen hexadecimal digits, and writes them as the registry does.
func devEUI(n node, name string) (string, error) {
	if n.kind == absent {
		return "", undecodable("%s is missing: it names the device", name)
	}
	if raw, err := hex.DecodeString(n.text); err != nil || len(raw) != 8 {
		return "", undecodable("%s is %s instead of 16 hexadecimal digits", name, quote(n.text))
	}
	return strings.ToUpper(n.text), nil
}

// optionalInstant reads a time that may be missing.
func optionalInstant(n node, name string) (time.Time, error) {
	if n.empty() {
		return time.Time{}, nil
	}
	t, err := instant(n.text)
	if err != nil {
		refusal := refusalOf(err)
		return t, refuse(refusal.Reason, "%s: %s", name, refusal.Detail)
	}
	return t, nil
}
