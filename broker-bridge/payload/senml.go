package payload

import (
	"math"
	"strings"
	"time"

	"cityhub/telemetry"
)

// decodeSenML reads the JSON form of RFC 8428.
//
// Base fields are resolved; times below 2^28 s count from Input.Received, and
// a record without any time is of that instant. Records of one device and time
// become one measurement. Where the topic names the device, its code is cut
// off the names, in whatever of urn:dev:…:CODE:, CODE/ and CODE: they carry it;
// otherwise the device is the last part of the base name. What is left of a
// name is the key. Sums (s) are counted as unknown.
func decodeSenML(in Input) (Decoded, error) {
	n, err := parse(in.Payload)
	if err != nil {
		return Decoded{}, err
	}
	if n.kind != list || len(n.items) == 0 {
		return Decoded{}, undecodable("a SenML pack is a JSON array of at least one record")
	}
	p := newPack(in)
	for i, item := range n.items {
		r, err := senMLRecord(item)
		if err == nil {
			err = p.add(r)
		}
		if err != nil {
			return Decoded{}, inRecord(i, err)
		}
	}
	return p.decoded()
}

// inRecord says in which record a refusal was found.
func inRecord(i int, err error) error {
	refusal := refusalOf(err)
	return refuse(refusal.Reason, "record %d: %s", i, refusal.Detail)
}

// record is one SenML record before its base fields are resolved.
type record struct {
	baseName            *string
	baseTime, baseValue *float64
	name                string
	time                float64
	timed               bool
	value               *telemetry.Value
	unknown             int
}

// senMLRecord reads a record by the labels of the JSON form.
func senMLRecord(n node) (record, error) {
	var r record
	if n.kind != object {
		return r, undecodable("a record is an object")
	}
	for i, label := range n.keys {
		if err := r.set(label, n.items[i]); err != nil {
			return r, err
		}
	}
	return r, nil
}

// set takes over one member of a record.
func (r *record) set(label string, n node) error {
	want := number
	switch label {
	case "bn", "n", "vs", "vd":
		want = text
	case "vb":
		want = boolean
	case "bver", "bt", "bv", "t", "v":
	case "bu", "u", "ut", "bs":
		return nil
	default:
		if strings.HasSuffix(label, "_") {
			return undecodable("label %s must be understood, and is not", quote(label))
		}
		r.unknown++
		return nil
	}
	if n.kind != want {
		return undecodable("label %s is of the wrong type", label)
	}
	return r.take(label, n)
}

func (r *record) take(label string, n node) error {
	switch label {
	case "bver":
		if n.num > 10 {
			return undecodable("SenML version %v is newer than 10", n.num)
		}
	case "bn":
		r.baseName = &n.text
	case "n":
		r.name = n.text
	case "bt":
		r.baseTime = &n.num
	case "t":
		r.time, r.timed = n.num, true
	case "bv":
		r.baseValue = &n.num
	default:
		return r.takeValue(n)
	}
	return nil
}

func (r *record) takeValue(n node) error {
	if r.value != nil {
		return undecodable("two values in one record: send one of v, vb, vs, vd")
	}
	v := telemetry.Value{}
	switch n.kind {
	case number:
		v = telemetry.NumberOf(n.num)
	case boolean:
		v = telemetry.BooleanOf(n.num != 0)
	default:
		v = telemetry.TextOf(n.text)
	}
	r.value = &v
	return nil
}

// Seconds below relativeBelow count from now, as RFC 8428 has it; those beyond
// relative are more than a time.Duration holds.
const (
	relativeBelow = 1 << 28
	relative      = 9e9
)

// senMLTime gives the instant of seconds as RFC 8428 counts them.
func senMLTime(seconds float64, received time.Time) (time.Time, error) {
	if math.Abs(seconds) > 1e11 {
		return time.Time{}, refuse(telemetry.WrongClock, "%v is not seconds since 1970", seconds)
	}
	if seconds < -relative {
		return time.Time{}, refuse(telemetry.WrongClock, "%v seconds before now is out of the hub's calendar: set the device's clock", -seconds)
	}
	whole := math.Floor(seconds)
	// Doubles hold today's seconds to about 0.2 µs: finer digits are noise.
	part := time.Duration(math.Round((seconds-whole)*1e6)) * time.Microsecond
	if seconds < relativeBelow {
		return countable(received.Add(time.Duration(whole) * time.Second).Add(part).UTC())
	}
	return countable(time.Unix(int64(whole), 0).Add(part).UTC())
}
