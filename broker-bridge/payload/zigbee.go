package payload

import (
	"strings"
	"time"

	"cityhub/telemetry"
)

// decodeZigbee reads the flat JSON that Zigbee2MQTT publishes per device.
// linkquality has no unit that all radios share, so it stays a value among
// the others; last_seen is the time. The bridge's own topics, availability and
// commands carry no reading.
func decodeZigbee(in Input) (Decoded, error) {
	if zigbeeOverhead(in.Topic) {
		return Decoded{Ignored: true}, checkSize(in.Payload)
	}
	n, err := parseObject(in.Payload)
	if err != nil {
		return Decoded{}, err
	}
	m := telemetry.Measurement{Seq: -1}
	if in.Device == "" {
		m.Device = zigbeeDevice(in.Topic, n)
	}
	if m.Time, err = zigbeeTime(n.get("last_seen")); err != nil {
		return Decoded{}, err
	}
	for i, key := range n.keys {
		if key != "last_seen" && key != "device" {
			n.items[i].flatten(key, &m)
		}
	}
	if len(m.Values) == 0 {
		return Decoded{Ignored: true}, nil
	}
	noteBattery(&m)
	return one(m), nil
}

func zigbeeOverhead(topic string) bool {
	if strings.Contains(topic, "/bridge/") {
		return true
	}
	switch topic[strings.LastIndexByte(topic, '/')+1:] {
	case "availability", "set", "get":
		return true
	}
	return false
}

// zigbeeDevice is the name in the payload if it tells one, else what follows
// the base topic.
func zigbeeDevice(topic string, n node) string {
	if name := n.get("device", "friendlyName"); name.text != "" {
		return name.text
	}
	_, name, _ := strings.Cut(topic, "/")
	return name
}

// zigbeeTime reads last_seen in both forms that the bridge can be told to write.
func zigbeeTime(n node) (t time.Time, err error) {
	if n.kind == number {
		return epochMillis(n.num)
	}
	return optionalInstant(n, "last_seen")
}
