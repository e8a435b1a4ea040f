package payload

import (
	"time"

	"cityhub/geo"
	"cityhub/telemetry"
)

// decodeTTN reads the uplinks of The Things Stack 3: its decoded payload if
// there is one, else the normalized one, else the bytes for the model's codec.
// Joins, downlink events and simulated uplinks carry no reading. The time is
// the network's, except where a normalized measurement tells its own.
func decodeTTN(in Input) (Decoded, error) {
	n, err := parseObject(in.Payload)
	if err != nil {
		return Decoded{}, err
	}
	ids := n.get("end_device_ids")
	if ids.kind != object {
		return Decoded{}, undecodable("end_device_ids is missing: this is no message of The Things Stack 3")
	}
	up := n.get("uplink_message")
	if up.kind != object || n.get("simulated").num != 0 {
		return Decoded{Ignored: true}, nil
	}
	m := telemetry.Measurement{Seq: up.get("f_cnt").counter(0), Radio: bestGateway(up.get("rx_metadata"))}
	if m.Device, err = ttnDevice(ids); err != nil {
		return Decoded{}, err
	}
	if m.Time, err = ttnTime(n, up); err != nil {
		return Decoded{}, err
	}
	if m.Position, err = ttnPosition(up.get("locations", "frm-payload")); err != nil {
		return Decoded{}, err
	}
	return ttnContent(up, m)
}

func ttnContent(up node, m telemetry.Measurement) (Decoded, error) {
	if decoded := up.get("decoded_payload"); !decoded.empty() {
		decoded.flatten("", &m)
		noteBattery(&m)
		err := notePosition(&m)
		return one(m), err
	}
	if normalized := up.get("normalized_payload"); !normalized.empty() {
		return ttnNormalized(normalized, m)
	}
	return frame(m, up.get("frm_payload"), "frm_payload", int(up.get("f_port").counter(0)))
}

// ttnNormalized reads a list of measurements, each with a time of its own if
// the codec knew one.
func ttnNormalized(list node, frame telemetry.Measurement) (Decoded, error) {
	var out Decoded
	for _, item := range list.items {
		m := frame
		own, err := optionalInstant(item.get("time"), "normalized_payload.time")
		if err != nil {
			return Decoded{}, err
		}
		if !own.IsZero() {
			m.Time = own
		}
		for i, key := range item.keys {
			if key != "time" {
				item.items[i].flatten(key, &m)
			}
		}
		noteBattery(&m)
		out.Measurements = append(out.Measurements, m)
	}
	return out, nil
}

// ttnDevice prefers the DevEUI, which no two devices share, to the name that
// the application gave.
func ttnDevice(ids node) (string, error) {
	if eui := ids.get("dev_eui"); eui.kind != absent {
		return devEUI(eui, "end_device_ids.dev_eui")
	}
	if id := ids.get("device_id").text; id != "" {
		return id, nil
	}
	return "", undecodable("end_device_ids has neither dev_eui nor device_id: nothing names the device")
}

// ttnTime is when the network server had the frame.
func ttnTime(n, up node) (time.Time, error) {
	if t := up.get("received_at"); !t.empty() {
		return optionalInstant(t, "uplink_message.received_at")
	}
	return optionalInstant(n.get("received_at"), "received_at")
}

// ttnPosition reads where the device itself said it was.
func ttnPosition(n node) (*geo.Position, error) {
	if n.get("latitude").kind != number || n.get("longitude").kind != number {
		return nil, nil
	}
	p := geo.Position{Lon: n.get("longitude").num, Lat: n.get("latitude").num, Alt: n.get("altitude").num}
	return checked(p, "uplink_message.locations")
}

// checked refuses a position that is not on the Earth.
func checked(p geo.Position, name string) (*geo.Position, error) {
	if err := p.Validate(); err != nil {
		return nil, refuse(telemetry.WrongPosition, "%s: %v", name, err)
	}
	return &p, nil
}
