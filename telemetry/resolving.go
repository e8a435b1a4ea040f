package telemetry

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"cityhub/devices"
)

// Clock is what the hub accepts of a device's clock.
type Clock struct {
	Ahead  time.Duration // how far in the future a time may lie; 10 minutes when 0
	Oldest time.Duration // how far in the past: the raw retention; a year when 0
	Late   time.Duration // from this delay on a reading is flagged Late; 5 minutes when 0
}

func (c Clock) orDefault() Clock {
	if c.Ahead == 0 {
		c.Ahead = 10 * time.Minute
	}
	if c.Oldest == 0 {
		c.Oldest = 365 * 24 * time.Hour
	}
	if c.Late == 0 {
		c.Late = 5 * time.Minute
	}
	return c
}

// Resolver finds what a reading belongs to.
type Resolver interface {
	Resolve(device string, at time.Time) (devices.Target, error)
	// Named finds who has a device, whether it stands somewhere or not.
	Named(device string) (devices.Identity, bool)
}

// resolving turns measurements into lines, without their ids.
type resolving struct {
	registry Resolver
	latest   *Latest
	places   *Whereabouts // nil: positions are not judged
	clock    Clock
	barred   func(code string) bool
	fields   []Field // the arena from which lines take their fields
}

// line resolves one measurement that reached the hub at received.
func (r *resolving) line(m *Measurement, received time.Time) (Line, devices.Target, int, *Refusal) {
	l := Line{Time: received.UnixNano(), Received: received.UnixNano()}
	at := received
	if m.Time.IsZero() {
		l.Quality |= ClockCorrected
	} else {
		if refusal := r.clock.check(m.Time, received); refusal != nil {
			return l, devices.Target{}, 0, refusal
		}
		at, l.Time = m.Time, m.Time.UnixNano()
		if received.Sub(m.Time) > r.clock.Late {
			l.Quality |= Late
		}
	}
	target, err := r.registry.Resolve(m.Device, at)
	if err != nil {
		return l, target, 0, unresolved(err, m.Device, at)
	}
	if r.barred != nil && r.barred(target.Device) {
		return l, target, 0, &Refusal{Revoked, fmt.Sprintf("device: %q was shut out; give it a new secret and replay", clip(target.Device, 100))}
	}
	l.Group = target.Series.ID
	if target.Station != nil && target.Station.UnderMaintenance(l.Time) {
		l.Quality |= Maintenance
	}
	if refusal := r.place(&l, m, target.Station); refusal != nil {
		return l, target, 0, refusal
	}
	unknown, refusal := r.fill(&l, m, target)
	return l, target, unknown, refusal
}

func (c Clock) check(t, received time.Time) *Refusal {
	if ahead := t.Sub(received); ahead > c.Ahead {
		return &Refusal{WrongClock, fmt.Sprintf("time: %s is %s ahead of the hub; set the device's clock", t.UTC().Format(time.RFC3339), ahead.Round(time.Second))}
	}
	if received.Sub(t) > c.Oldest && inSeconds(t) {
		return &Refusal{WrongClock, fmt.Sprintf("time: %s, as if seconds since 1970 were sent as milliseconds; send milliseconds, or RFC 3339", t.UTC().Format(time.RFC3339))}
	}
	if received.Sub(t) > c.Oldest {
		return &Refusal{WrongClock, fmt.Sprintf("time: %s is older than the %s that are kept; set the device's clock", t.UTC().Format(time.RFC3339), c.Oldest)}
	}
	return nil
}

// inSeconds says that an instant is one of this century's when its milliseconds
// are taken for seconds.
func inSeconds(t time.Time) bool {
	ms := t.UnixMilli()
	return ms >= 1e9 && ms < 1e10
}

func unresolved(err error, device string, at time.Time) *Refusal {
	device = clip(device, 100)
	if errors.Is(err, devices.ErrNotDeployed) {
		return &Refusal{NotDeployed, fmt.Sprintf("device: %q stood at no thing at %s; deploy it from then on and replay", device, at.UTC().Format(time.RFC3339))}
	}
	return Unregistered(device)
}

// Unregistered refuses a reading of a device that nobody has registered.
func Unregistered(device string) *Refusal {
	return &Refusal{NotRegistered, fmt.Sprintf("device: no device has the code or DevEUI %q; register it and replay", clip(device, 100))}
}

// place takes over where a mobile thing says to be, and flags what is not to
// be believed: the values of such a line are as good as others.
func (r *resolving) place(l *Line, m *Measurement, station *devices.Station) *Refusal {
	if m.Position == nil {
		return nil
	}
	if err := m.Position.Validate(); err != nil {
		return &Refusal{WrongPosition, "position: " + err.Error()}
	}
	if station == nil || !station.Mobile {
		return nil
	}
	l.Position = m.Position
	if r.places != nil {
		l.Quality |= r.places.Judge(station.ID, Place{*m.Position, l.Time})
	}
	return nil
}

// fill types the values by the model's channels and answers how many keys are
// no channel.
func (r *resolving) fill(l *Line, m *Measurement, target devices.Target) (unknown int, refusal *Refusal) {
	start := len(r.fields)
	for i := range m.Values {
		v := &m.Values[i]
		channel, kind := target.Model.Channel(v.Key)
		if channel == nil {
			unknown++
			continue
		}
		f, refusal := fieldOf(v, channel, kind, m.Untyped)
		if refusal != nil {
			return unknown, refusal
		}
		if channel.StuckAfter > 0 && r.latest.unchanged(channel.Property, l.Group, f.Value, l.Time) > channel.StuckAfter {
			f.Quality |= Stuck
		}
		r.put(start, f)
	}
	l.Fields = r.fields[start:len(r.fields):len(r.fields)]
	if len(l.Fields) == 0 && l.Position == nil {
		return unknown, &Refusal{NoChannel, fmt.Sprintf("values: none of the %d keys is a channel of model %q; mend the model's channels and replay",
			len(m.Values), target.Model.Sensor.Code)}
	}
	return unknown + m.Unknown, nil
}

// fieldOf makes the field of a channel out of a value.
func fieldOf(v *KeyedValue, channel *devices.Channel, kind devices.Kind, untyped bool) (Field, *Refusal) {
	value, refusal := typed(v, KindOf(kind), untyped)
	if refusal != nil {
		return Field{}, refusal
	}
	f := Field{Property: channel.Property, Slot: channel.Slot, Value: value}
	if value.Kind == Number && (value.Num < channel.Lo || value.Num > channel.Hi) {
		f.Quality |= OutOfRange
	}
	return f, nil
}

// Previewed is what one value of a measurement would become.
type Previewed struct {
	Key     string
	Value   Value
	Channel *devices.Channel // nil: no channel has this key, the value would be left out
	Field   Field
	Refusal *Refusal // why the whole message would go to quarantine
}

// Preview shows what the pipeline would make of each value of a measurement of
// a model, wherever the device stands. Of the flags it knows OutOfRange alone.
func Preview(model *devices.Model, m *Measurement) []Previewed {
	out := make([]Previewed, len(m.Values))
	for i := range m.Values {
		v := &m.Values[i]
		channel, kind := model.Channel(v.Key)
		out[i] = Previewed{Key: v.Key, Value: v.Value, Channel: channel}
		if channel != nil {
			out[i].Field, out[i].Refusal = fieldOf(v, channel, kind, m.Untyped)
		}
	}
	return out
}

// put adds a field to the line that begins at start. Some formats let a
// message name a key twice; the last counts.
func (r *resolving) put(start int, f Field) {
	for i := start; i < len(r.fields); i++ {
		if r.fields[i].Slot == f.Slot {
			r.fields[i] = f
			return
		}
	}
	r.fields = append(roomy(r.fields), f)
}

// typed makes a value of the property's kind, or refuses it by name.
func typed(v *KeyedValue, kind Kind, untyped bool) (Value, *Refusal) {
	value := v.Value
	if untyped && value.Kind == Text && kind != Text {
		value = parseText(value.Text, kind)
	}
	if value.Kind != kind {
		return value, &Refusal{WrongType, fmt.Sprintf("values.%s: is %s, the property holds %s", clip(v.Key, 100), value.Kind, kind)}
	}
	if kind == Number && (math.IsNaN(value.Num) || math.IsInf(value.Num, 0)) {
		return value, &Refusal{NotANumber, fmt.Sprintf("values.%s: %v is not a number; leave the key out when there is no reading", clip(v.Key, 100), value.Num)}
	}
	return value, nil
}

// parseText types a text; what cannot be read stays text and is refused.
func parseText(text string, kind Kind) Value {
	switch kind {
	case Number:
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return NumberOf(n)
		}
	case Boolean:
		if b, err := strconv.ParseBool(text); err == nil {
			return BooleanOf(b)
		}
	}
	return TextOf(text)
}
