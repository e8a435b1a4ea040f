package payload

import (
	"strings"
	"unicode/utf8"

	"cityhub/telemetry"
)

// decodeUltraLight reads UltraLight 2.0: keys and values between bars, groups
// between hashes, each group optionally led by its time:
//
//	2026-03-01T08:00:00Z|t|21.5|h|60#t|21.7
//
// Every value stays a text, to be typed by the channel it belongs to. On a
// topic …/attrs/{key} the payload is that key's value alone.
func decodeUltraLight(in Input) (Decoded, error) {
	if err := checkSize(in.Payload); err != nil {
		return Decoded{}, err
	}
	if !utf8.Valid(in.Payload) {
		return Decoded{}, undecodable("byte %d is not UTF-8", badByte(string(in.Payload)))
	}
	all := strings.TrimSpace(string(in.Payload))
	device, key := ultraLightTopic(in.Topic)
	if in.Device != "" {
		device = ""
	}
	if key != "" {
		all = key + "|" + all
	}
	var out Decoded
	for _, group := range strings.Split(all, "#") {
		m, err := ultraLightGroup(group)
		if err != nil {
			return Decoded{}, err
		}
		m.Device = device
		out.Measurements = append(out.Measurements, m)
	}
	return out, nil
}

// ultraLightTopic finds the device, and the key if the topic names one, in
// /{prefix}/{apikey}/{device}/attrs[/{key}].
func ultraLightTopic(topic string) (device, key string) {
	before, after, ok := strings.Cut(topic, "/attrs")
	if !ok {
		return "", ""
	}
	return before[strings.LastIndexByte(before, '/')+1:], strings.TrimPrefix(after, "/")
}

func ultraLightGroup(group string) (telemetry.Measurement, error) {
	m := telemetry.Measurement{Seq: -1, Untyped: true}
	parts := strings.Split(group, "|")
	if len(parts)%2 == 1 {
		t, err := instant(parts[0])
		if err != nil {
			return m, undecodable("%s: an odd number of parts must begin with the time; send key|value pairs", quote(group))
		}
		m.Time, parts = t, parts[1:]
	}
	if len(parts) == 0 {
		return m, undecodable("%s has a time but no key|value pair", quote(group))
	}
	var seen keySet
	for i := 0; i < len(parts); i += 2 {
		key, value := strings.TrimSpace(parts[i]), strings.TrimSpace(parts[i+1])
		if err := ultraLightPair(&seen, key, value); err != nil {
			return m, err
		}
		m.Values = append(m.Values, telemetry.KeyedValue{Key: key, Value: telemetry.TextOf(value)})
	}
	err := notePosition(&m)
	return m, err
}

func ultraLightPair(seen *keySet, key, value string) error {
	if key == "" {
		return undecodable("an empty key before %s: send key|value pairs", quote(value))
	}
	if !seen.add(key) {
		return refuse(telemetry.DuplicateKey, "key %s is named twice in one group: separate groups with #", quote(key))
	}
	switch strings.ToLower(strings.TrimLeft(value, "+-")) {
	case "nan", "inf", "infinity":
		return refuse(telemetry.NotANumber, "key %s: %s is no reading: leave the key out when there is none", quote(key), value)
	}
	return nil
}
