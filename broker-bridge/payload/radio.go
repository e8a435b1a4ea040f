package payload

import (
	"math"

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
			m.Radio.Battery = shared(v.Value.Num)
		}
		return
	}
	if m.Radio.Battery != nil {
		m.Values = append(m.Values, telemetry.KeyedValue{Key: battery, Value: telemetry.NumberOf(*m.Radio.Battery)})
	}
}

// tenths are what batteries and radios tell as a rule: percents and decibels of
// at most one decimal, from -150 to 150.
var tenths = func() (t [3001]float64) {
	for i := range t {
		t[i] = float64(i-1500) / 10
	}
	return t
}()

// shared gives a place where v stands. Most are of all messages together, and
// cost none of them memory: nothing may be written there.
func shared(v float64) *float64 {
	if v >= -150 && v <= 150 {
		place := &tenths[int(v*10+1500.5)]
		if math.Float64bits(*place) == math.Float64bits(v) {
			return place
		}
	}
	own := v
	return &own
}
