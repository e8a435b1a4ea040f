package payload

import (
	"math"
	"strings"
	"time"

	"cityhub/telemetry"
)

// pack resolves SenML records, in order, into measurements.
type pack struct {
	in                  Input
	baseName            string
	baseTime, baseValue float64
	timed               bool // a base time was told
	at                  map[instantOf]int
	seen                map[named]struct{}
	out                 []telemetry.Measurement
	unknown             int
}

// instantOf is what makes a measurement; named, what makes a value in it.
type instantOf struct {
	device string
	time   time.Time
}

type named struct {
	measurement int
	key         string
}

func newPack(in Input) *pack {
	return &pack{in: in, at: map[instantOf]int{}, seen: map[named]struct{}{}}
}

// add resolves one record.
func (p *pack) add(r record) error {
	p.rebase(r)
	p.unknown += r.unknown
	if r.value == nil {
		return nil // base fields alone, or a sum
	}
	device, key := p.nameOf(r.name)
	if key == "" {
		return undecodable("the name %s names no channel: send bn and n", quote(p.baseName+r.name))
	}
	value := *r.value
	if value.Kind == telemetry.Number {
		value.Num += p.baseValue
		if math.IsInf(value.Num, 0) {
			return refuse(telemetry.NotANumber, "%s: base value and value are beyond double precision", quote(key))
		}
	}
	i, err := p.measurement(device, r)
	if err != nil {
		return err
	}
	if _, twice := p.seen[named{i, key}]; twice {
		return refuse(telemetry.DuplicateKey, "%s has two values of one time: keep one", quote(key))
	}
	p.seen[named{i, key}] = struct{}{}
	p.out[i].Values = append(p.out[i].Values, telemetry.KeyedValue{Key: key, Value: value})
	return nil
}

// rebase takes over base fields, which hold until they are told anew.
func (p *pack) rebase(r record) {
	if r.baseName != nil {
		p.baseName = *r.baseName
	}
	if r.baseTime != nil {
		p.baseTime, p.timed = *r.baseTime, true
	}
	if r.baseValue != nil {
		p.baseValue = *r.baseValue
	}
}

// measurement finds or makes the measurement of a device and a record's time.
func (p *pack) measurement(device string, r record) (int, error) {
	var t time.Time
	if p.timed || r.timed {
		var err error
		if t, err = senMLTime(p.baseTime+r.time, p.in.Received); err != nil {
			return 0, err
		}
	}
	of := instantOf{device, t}
	i, ok := p.at[of]
	if !ok {
		i = len(p.out)
		p.at[of] = i
		p.out = append(p.out, telemetry.Measurement{Device: device, Time: t, Seq: -1})
	}
	return i, nil
}

func (p *pack) decoded() (Decoded, error) {
	if len(p.out) == 0 {
		return Decoded{}, undecodable("no record has a value: send one of v, vb, vs, vd")
	}
	p.out[0].Unknown = p.unknown
	for i := range p.out {
		noteBattery(&p.out[i])
		if err := notePosition(&p.out[i]); err != nil {
			return Decoded{}, err
		}
	}
	return Decoded{Measurements: p.out}, nil
}

// nameOf parts a resolved name into device and key. The device is "" where it
// is the topic's.
func (p *pack) nameOf(name string) (device, key string) {
	full := p.baseName + name
	if p.in.Device != "" {
		return "", afterDevice(full, p.in.Device)
	}
	cut := separator(p.baseName)
	if cut < 0 {
		cut = separator(full)
	}
	if cut < 0 {
		return "", full
	}
	device = full[:cut]
	return device[separator(device)+1:], full[cut+1:]
}

// separator is the place of the last : or / of a name, -1 when it has none.
func separator(name string) int { return strings.LastIndexAny(name, ":/") }

// afterDevice gives what follows the device's code in a name, if the code is
// a whole part of it; otherwise the name.
func afterDevice(name, device string) string {
	for at := 0; at+len(device) < len(name); {
		end := at + len(device)
		if strings.EqualFold(name[at:end], device) && strings.IndexByte(":/", name[end]) >= 0 {
			return name[end+1:]
		}
		next := strings.IndexAny(name[at:], ":/")
		if next < 0 {
			break
		}
		at += next + 1
	}
	return name
}
