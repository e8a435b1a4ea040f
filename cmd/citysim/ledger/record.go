// Package ledger keeps, on disk, what a load generator sent and whether it was
// acknowledged, so that a checker can later prove what became of it. It also
// owns the names and values of the load, which both sides must agree on.
package ledger

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Property is the one whose value tells a reading's Seq.
const Property = "pm25"

// DeviceCode is the code of the nth device of the load, counted from 1.
func DeviceCode(n uint32) string { return fmt.Sprintf("flood-%06d", n) }

// ValueOf is what Property reads in the message with a sequence number; it
// stays inside the valid range of the model air-station.
func ValueOf(seq uint32) float64 { return float64(seq%10000) / 10 }

// State says how far a message came.
type State uint8

// The states.
const (
	Acked   State = 1 // the broker sent PUBACK
	Unacked State = 2 // sent, never acknowledged: it may or may not be kept
)

// Record is one message of the load.
type Record struct {
	Device uint32 // counted from 1
	Seq    uint32
	Time   int64 // measured, nanoseconds since 1970; unique per device
	State  State
}

const (
	magic      = "CITYLED1"
	recordSize = 24
)

func (r Record) appendTo(b []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, r.Device)
	b = binary.LittleEndian.AppendUint32(b, r.Seq)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Time))
	b = append(b, byte(r.State), 0, 0, 0)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
}

// decode reads a record; false means that its bytes are not whole.
func decode(b []byte) (Record, bool) {
	if crc32.ChecksumIEEE(b[:20]) != binary.LittleEndian.Uint32(b[20:]) {
		return Record{}, false
	}
	return Record{
		Device: binary.LittleEndian.Uint32(b),
		Seq:    binary.LittleEndian.Uint32(b[4:]),
		Time:   int64(binary.LittleEndian.Uint64(b[8:])),
		State:  State(b[16]),
	}, true
}
