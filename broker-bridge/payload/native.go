package payload

import (
	"math"
	"slices"
	"time"

	"cityhub/geo"
	"cityhub/telemetry"
)

// decodeNative reads the hub's own JSON: one object or an array of them, each
//
//	{"device": "…", "time": RFC 3339 or epoch ms, "seq": 123,
//	 "position": [lon, lat, alt], "values": {"pm25": 12.3, "door": true},
//	 "battery": 87, "rssi": -91, "snr": 7.5}
//
// of which only values (or battery, or position) is required. It is the hot path: a flat
// walk over the text without a tree in between.
func decodeNative(in Input) (Decoded, error) {
	s, err := scan(in.Payload)
	if err != nil {
		return Decoded{}, err
	}
	n := native{scanner: s}
	out := make([]telemetry.Measurement, 1)
	if n.peek() == '[' {
		out = out[:0]
		n.array(func(int) {
			out = append(out, telemetry.Measurement{})
			n.measurement(&out[len(out)-1])
		})
		if n.err == nil && len(out) == 0 {
			n.expected("an object in the array")
		}
	} else {
		n.measurement(&out[0])
	}
	if n.end(); n.err != nil {
		return Decoded{}, n.err
	}
	return Decoded{Measurements: out}, nil
}

// native is a scanner that knows the members of the native format.
type native struct {
	scanner
	m *telemetry.Measurement // the one being read
}

func (n *native) measurement(m *telemetry.Measurement) {
	n.m, m.Seq = m, -1
	n.object(n.member)
	if n.err == nil && len(m.Values) == 0 && m.Radio.Battery == nil && m.Position == nil {
		n.key = ""
		n.refuse(telemetry.Undecodable,
			`no values: send {"values": {"key": 12.3}} with numbers, true, false or texts`)
	}
	noteBattery(m)
}

// nativeMembers may be null, which is as if they were left out.
var nativeMembers = []string{"values", "time", "seq", "position", "device", "battery", "rssi", "snr"}

func (n *native) member(key string) {
	if n.peek() == 'n' && slices.Contains(nativeMembers, key) {
		n.word("null")
		return
	}
	switch key {
	case "values":
		n.m.Values = make([]telemetry.KeyedValue, 0, n.members())
		n.object(n.value)
	case "time":
		n.m.Time = n.time()
	case "seq":
		n.m.Seq = n.seq()
	case "position":
		n.m.Position = n.position()
	case "device":
		n.m.Device = n.str()
	case "battery":
		n.m.Radio.Battery = n.measured()
	case "rssi":
		n.m.Radio.RSSI = n.measured()
	case "snr":
		n.m.Radio.SNR = n.measured()
	default:
		n.m.Unknown++
		n.skip()
	}
}

// value reads one member of values.
func (n *native) value(key string) {
	if key == "" {
		n.refuse(telemetry.Undecodable, "an empty key in values: name the channel")
	}
	switch n.peek() {
	case '"':
		n.add(key).Value = telemetry.TextOf(n.str())
	case 't':
		n.word("true")
		n.add(key).Value = telemetry.BooleanOf(true)
	case 'f':
		n.word("false")
		n.add(key).Value = telemetry.BooleanOf(false)
	case 'n', '{', '[':
		n.m.Unknown++
		n.skip()
	default:
		n.add(key).Value = telemetry.NumberOf(n.number())
	}
}

// add makes room for a value, to be written there: it is too large to be
// copied for every key.
func (n *native) add(key string) *telemetry.KeyedValue {
	values := slices.Grow(n.m.Values, 1)
	values = values[:len(values)+1]
	n.m.Values = values
	v := &values[len(values)-1]
	v.Key = key
	return v
}

func (n *native) measured() *float64 { return shared(n.number()) }

func (n *native) seq() int64 {
	v := n.number()
	if n.err == nil && (v < 0 || v >= 1<<53 || v != math.Trunc(v)) {
		n.refuse(telemetry.Undecodable, "%v is not a counter: send whole numbers from 0", v)
	}
	return int64(v)
}

func (n *native) time() time.Time {
	if n.peek() != '"' {
		t, err := epochMillis(n.number())
		n.adopt(err)
		return t
	}
	t, err := instant(n.str())
	n.adopt(err)
	return t
}

// position reads [lon, lat] or [lon, lat, alt].
func (n *native) position() *geo.Position {
	var axes [3]float64
	count := 0
	n.array(func(i int) {
		v := n.number()
		if i < len(axes) {
			axes[i] = v
		}
		count++
	})
	if n.err != nil {
		return nil
	}
	if count != 2 && count != 3 {
		n.refuse(telemetry.WrongPosition, "%d numbers: send [lon, lat] or [lon, lat, metres]", count)
		return nil
	}
	p := &geo.Position{Lon: axes[0], Lat: axes[1], Alt: axes[2]}
	if err := p.Validate(); err != nil {
		n.refuse(telemetry.WrongPosition, "%v", err)
	}
	return p
}

// adopt takes over a refusal that a helper found.
func (s *scanner) adopt(err error) {
	if s.err == nil && err != nil {
		refusal := refusalOf(err)
		s.refuse(refusal.Reason, "%s", refusal.Detail)
	}
}
