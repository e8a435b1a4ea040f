// Package telemetry is the way of a reading through the hub: resolve to a
// datastream, keep durably, tell whoever watches, archive, roll up. It sees
// the spool, the archive and the quarantine only through the small interfaces
// that stand beside their use here.
package telemetry

import (
	"time"

	"cityhub/devices"
	"cityhub/geo"
)

// Kind is the type of a value, which for a property stands in the registry. It
// is a byte here, for values pass by the million.
type Kind uint8

// The kinds.
const (
	Number Kind = iota + 1
	Boolean
	Text
)

var kinds = [...]devices.Kind{"", devices.Number, devices.Boolean, devices.Text}

// KindOf is the kind that the registry means.
func KindOf(k devices.Kind) Kind {
	switch k {
	case devices.Number:
		return Number
	case devices.Boolean:
		return Boolean
	case devices.Text:
		return Text
	}
	return 0
}

// String is the registry's word.
func (k Kind) String() string {
	if int(k) >= len(kinds) {
		return "unknown"
	}
	return string(kinds[k])
}

// Value is one result: exactly the member that Kind names is meant.
type Value struct {
	Num  float64 // Number; and 0 or 1 for Boolean
	Text string  // Text
	Kind Kind
}

// NumberOf, BooleanOf and TextOf make values.
func NumberOf(v float64) Value { return Value{Kind: Number, Num: v} }

// BooleanOf makes a truth value.
func BooleanOf(v bool) Value {
	if v {
		return Value{Kind: Boolean, Num: 1}
	}
	return Value{Kind: Boolean}
}

// TextOf makes a text value.
func TextOf(v string) Value { return Value{Kind: Text, Text: v} }

// KeyedValue is a value under the key by which the payload names it.
type KeyedValue struct {
	Key   string
	Value Value
}

// Measurement is one instant of one device as its payload tells it, before
// the registry has been asked.
type Measurement struct {
	Device   string        // code or DevEUI named by the payload; "": the topic's device
	Time     time.Time     // the device's clock; zero when it told none
	Seq      int64         // the device's own counter; negative when it has none
	Position *geo.Position // where the device says it is; nil when it does not
	Values   []KeyedValue
	Untyped  bool  // the values are texts, to be typed by the model's channels
	Unknown  int   // keys that the format itself could not read as values
	Radio    Radio // how the message travelled
}

// Radio is what a message tells of its device's health; each member is nil
// when not told.
type Radio struct {
	Battery *float64 // percent
	RSSI    *float64 // dBm
	SNR     *float64 // dB
}

// Reason says why something was not accepted. The set is closed: it is a
// metric's label.
type Reason string

// The reasons.
const (
	Undecodable   Reason = "undecodable"    // the bytes are not what the route's format says
	NotANumber    Reason = "not_a_number"   // NaN, an infinity, or beyond double precision
	TooLarge      Reason = "too_large"      // above the size limit of a payload
	TooDeep       Reason = "too_deep"       // nested deeper than the limit
	DuplicateKey  Reason = "duplicate_key"  // one object names a key twice
	CodecFailed   Reason = "codec_failed"   // the model's JavaScript refused or threw
	CodecLimit    Reason = "codec_limit"    // the model's JavaScript ran out of time or memory
	NoCodec       Reason = "no_codec"       // bytes for a model that has no codec
	NoRoute       Reason = "no_route"       // no format is configured for the topic
	WrongSender   Reason = "wrong_sender"   // the payload or topic names another device than its sender
	NotRegistered Reason = "not_registered" // no such device
	NotDeployed   Reason = "not_deployed"   // the device stood nowhere at that time
	NoChannel     Reason = "no_channel"     // none of the keys is a channel of the model
	WrongType     Reason = "wrong_type"     // a value is not of the property's kind
	WrongClock    Reason = "wrong_clock"    // the time is outside the accepted window
	WrongPosition Reason = "wrong_position" // the position is not on the Earth
	Revoked       Reason = "revoked"        // the device was shut out
	OverQuota     Reason = "quota"          // the device sends more than it may
	NotArchivable Reason = "not_archivable" // the archive refuses the line for good
)

// arrivalReasons are those for which an arrival can be refused.
var arrivalReasons = []Reason{Undecodable, NotANumber, TooLarge, TooDeep, DuplicateKey, CodecFailed, CodecLimit, NoCodec, NoRoute,
	WrongSender, NotRegistered, NotDeployed, NoChannel, WrongType, WrongClock, WrongPosition, Revoked, OverQuota}

// Refusal is an error with a reason from the closed set.
type Refusal struct {
	Reason Reason
	Detail string // names the field and the mend
}

func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Detail }
