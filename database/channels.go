package database

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"cityhub/devices"
)

// channels are a model's channels as one JSON text.
type channels struct{ list []devices.Channel }

// channelText is one channel within it. JSON has no infinity, so an open bound
// is left out.
type channelText struct {
	Key        string   `json:"key"`
	Property   string   `json:"property"` // the schema's triggers read this one
	Unit       string   `json:"unit,omitempty"`
	Kind       string   `json:"kind,omitempty"`
	Lo         *float64 `json:"lo,omitempty"`
	Hi         *float64 `json:"hi,omitempty"`
	Slot       int      `json:"slot"`
	StuckAfter int64    `json:"stuck_after,omitempty"` // nanoseconds
}

// Value implements driver.Valuer.
func (c channels) Value() (driver.Value, error) {
	texts := make([]channelText, len(c.list))
	for i, one := range c.list {
		if !keepable(one.Key) || !keepable(one.Property) || !keepable(one.Unit) {
			return nil, invalid(fmt.Sprintf("channels[%d]", i), "holds a zero byte or is not UTF-8; send plain text")
		}
		texts[i] = channelText{Key: one.Key, Property: one.Property, Unit: one.Unit, Kind: string(one.Kind),
			Lo: bound(one.Lo, -1), Hi: bound(one.Hi, 1), Slot: one.Slot, StuckAfter: int64(one.StuckAfter)}
	}
	text, err := json.Marshal(texts)
	if err != nil { // what is left of NaN and infinities on the wrong side
		return nil, invalid("channels", "a bound of a range is not a number: "+err.Error())
	}
	return string(text), nil
}

// bound leaves out the infinity that means open.
func bound(v float64, open int) *float64 {
	if math.IsInf(v, open) {
		return nil
	}
	return &v
}

// Scan implements sql.Scanner.
func (c *channels) Scan(src any) error {
	var texts []channelText
	var err error
	switch v := src.(type) {
	case string:
		err = json.Unmarshal([]byte(v), &texts)
	case []byte:
		err = json.Unmarshal(v, &texts)
	default:
		err = fmt.Errorf("want a text, have %T", src)
	}
	if err != nil {
		return fmt.Errorf("channels: %w", err)
	}
	c.list = nil
	for _, t := range texts {
		c.list = append(c.list, t.channel())
	}
	return nil
}

func (t channelText) channel() devices.Channel {
	c := devices.Channel{Key: t.Key, Property: t.Property, Unit: t.Unit, Kind: devices.Kind(t.Kind),
		Lo: math.Inf(-1), Hi: math.Inf(1), Slot: t.Slot, StuckAfter: time.Duration(t.StuckAfter)}
	if t.Lo != nil {
		c.Lo = *t.Lo
	}
	if t.Hi != nil {
		c.Hi = *t.Hi
	}
	return c
}
