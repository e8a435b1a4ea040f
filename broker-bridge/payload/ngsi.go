package payload

import (
	"cityhub/geo"
	"cityhub/telemetry"
)

// decodeNGSI reads entities of the Smart Data Models, one, several in an
// array, or as the data of a subscription's notification; in key-values or
// normalized form, of NGSI v2 as well as NGSI-LD.
//
// Attributes that are numbers, truth values or short texts become values under
// their own names, nested ones joined with dots. Texts that are dates, and
// attributes that describe rather than measure, are left out.
//
// The time is that of the attribute if it tells one, else of the entity; of an
// interval it is the start, so that a mean lies in the hour it was taken in. A
// date without zone is UTC. The device is the topic's, else the last part of
// refDevice, else of id.
func decodeNGSI(in Input) (Decoded, error) {
	n, err := parse(in.Payload)
	if err != nil {
		return Decoded{}, err
	}
	if data := n.get("data"); data.kind == list && (n.get("subscriptionId").kind == text || n.get("type").text == "Notification") {
		n = data
	}
	entities := []node{n}
	if n.kind == list {
		entities = n.items
	}
	var out Decoded
	for _, entity := range entities {
		found, err := ngsiEntity(in, entity)
		if err != nil {
			return Decoded{}, err
		}
		out.Measurements = append(out.Measurements, found...)
	}
	if len(out.Measurements) == 0 {
		return Decoded{}, undecodable("no entity has an attribute that is a number, a truth value or a short text")
	}
	return out, nil
}

// ngsiEntity makes a measurement of each time that the attributes tell.
func ngsiEntity(in Input, n node) ([]telemetry.Measurement, error) {
	if n.kind != object || n.get("type").text == "" {
		return nil, undecodable("an entity is an object with id and type")
	}
	common := telemetry.Measurement{Seq: -1}
	if in.Device == "" {
		common.Device = ngsiDevice(n)
	}
	var err error
	if common.Time, err = ngsiEntityTime(n); err != nil {
		return nil, err
	}
	if common.Position, err = ngsiPosition(plain(n.get("location"))); err != nil {
		return nil, err
	}
	var out []telemetry.Measurement
	unknown := 0
	for i, name := range n.keys {
		if name = localName(name); describes(name) {
			continue
		}
		found := telemetry.Measurement{}
		plain(n.items[i]).readings(name, &found)
		unknown += found.Unknown
		if out, err = ngsiAttribute(out, common, n.items[i], found.Values); err != nil {
			return nil, err
		}
	}
	if len(out) > 0 {
		out[0].Unknown = unknown
	}
	return out, nil
}

// ngsiAttribute adds the values of one attribute to the measurement of its time.
func ngsiAttribute(out []telemetry.Measurement, common telemetry.Measurement, n node, values []telemetry.KeyedValue) ([]telemetry.Measurement, error) {
	if len(values) == 0 {
		return out, nil
	}
	own, err := ngsiOwnTime(n)
	if err != nil {
		return nil, err
	}
	if own.IsZero() {
		own = common.Time
	}
	for i := range out {
		if out[i].Time.Equal(own) {
			out[i].Values = append(out[i].Values, values...)
			return out, nil
		}
	}
	m := common
	m.Time, m.Values = own, values
	return append(out, m), nil
}

// maxNGSIText is the longest text that is taken for a state rather than prose.
const maxNGSIText = 64

// readings flattens like flatten, but keeps out what is no reading.
func (n node) readings(path string, m *telemetry.Measurement) {
	switch n.kind {
	case object:
		for i, key := range n.keys {
			if !describes(key) {
				plain(n.items[i]).readings(join(path, localName(key)), m)
			}
		}
	case number, boolean:
		n.flatten(path, m)
	case text:
		if _, err := ngsiInstant(n.text); err == nil {
			return
		}
		if n.text == "" || len(n.text) > maxNGSIText {
			m.Unknown++
			return
		}
		n.flatten(path, m)
	default:
		m.Unknown++
	}
}

// plain takes the wrapping off a normalized attribute.
func plain(n node) node {
	if n.kind != object || n.get("type").kind != text {
		return untyped(n)
	}
	if v := n.get("value"); v.kind != absent {
		return untyped(v)
	}
	if v := n.get("object"); v.kind != absent { // a Relationship
		return v
	}
	return n
}

// untyped takes the type off a value of NGSI-LD that names one, as instants do.
func untyped(n node) node {
	if v := n.get("@value"); v.kind != absent {
		return v
	}
	return n
}

// ngsiPosition reads a point; other geometries are no position.
func ngsiPosition(n node) (*geo.Position, error) {
	at := n.get("coordinates").items
	if n.get("type").text != "Point" || len(at) < 2 || at[0].kind != number || at[1].kind != number {
		return nil, nil
	}
	p := geo.Position{Lon: at[0].num, Lat: at[1].num}
	if len(at) > 2 {
		p.Alt = at[2].num
	}
	return checked(p, "location")
}
