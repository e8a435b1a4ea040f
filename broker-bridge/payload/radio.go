package payload

import (
	"cityhub/telemetry"
)

// battery is the key by which models name the channel of their charge.
const battery = "battery"

// noteBattery makes a charge known on both ways: as the message's radio state
// and as a value, because models may have a battery channel.
func noteBattery(m *telemetry.Measurement) {
	for i := range m.Values {
		v := &m.Values[i]
		if v.Key != battery {
			continue
		}
		if m.Radio.Battery == nil && v.Value.Kind == telemetry.Number {
			charge := v.Value.Num
			m.Radio.Battery = &charge
		}
		return
	}
	if m.Radio.Battery != nil {
		m.Values = append(m.Values, telemetry.KeyedValue{Key: battery, Value: telemetry.NumberOf(*m.Radio.Battery)})
	}
}
