package flood

import (
	"strconv"
	"time"

	"cityhub/cmd/citysim/ledger"
)

// MaxFields is how many values a message can have.
const MaxFields = 5

// encoder builds payloads; it remembers the last second's text.
type encoder struct {
	fields int
	second int64
	text   []byte
}

// append appends the payload of a record. It depends on nothing else, so a
// message sent again has the same bytes.
func (e *encoder) append(b []byte, r ledger.Record) []byte {
	b = append(b, `{"time":"`...)
	b = e.appendTime(b, r.Time)
	b = append(b, `","seq":`...)
	b = strconv.AppendUint(b, uint64(r.Seq), 10)
	b = append(b, `,"values":{"pm25":`...)
	b = appendTenths(b, r.Seq%10000)
	for i, f := range [...]struct {
		key      string
		base, of uint32
	}{{`,"pm10":`, 100, 4000}, {`,"temperature":`, 150, 200}, {`,"humidity":`, 400, 500}, {`,"battery":`, 200, 800}} {
		if i+1 < e.fields {
			b = append(b, f.key...)
			b = appendTenths(b, f.base+(r.Seq*7+r.Device)%f.of)
		}
	}
	return append(b, "}}"...)
}

// appendTime writes microseconds: "2006-01-02T15:04:05.000000Z".
func (e *encoder) appendTime(b []byte, nanos int64) []byte {
	second := nanos / 1e9
	if e.text == nil || second != e.second {
		e.second = second
		e.text = time.Unix(second, 0).UTC().AppendFormat(e.text[:0], "2006-01-02T15:04:05.")
	}
	b = append(b, e.text...)
	micros := nanos % 1e9 / 1e3
	for unit := int64(100000); unit > 0; unit /= 10 {
		b = append(b, byte('0'+micros/unit%10))
	}
	return append(b, 'Z')
}

func appendTenths(b []byte, tenths uint32) []byte {
	b = strconv.AppendUint(b, uint64(tenths/10), 10)
	return append(b, '.', byte('0'+tenths%10))
}
