package spool

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
)

// A frame is a header of 56 bytes and the payload, little-endian:
//
//	0 magic · 4 stored length · 8 raw length · 12 readings
//	16 records before · 24 readings before · 32 appended, ns since 1970
//	40 offset in the segment · 48 sum of the payload · 52 sum of the header
//
// The payload is compressed with S2 where the two lengths differ. Both sums
// are CRC-32C that start from the segment's seed, so that neither a frame of
// another segment nor one that a device hides in its payload is ever taken for
// one of this segment. The counts before make every loss countable: whatever
// lies between two readable frames is the difference of their counts.
const (
	frameHeaderSize = 56
	frameMagic      = "\xf5SPf"
	maxPayload      = 64 << 20
)

// tally counts records and readings from the first one ever appended.
type tally struct{ records, readings int64 }

func (t tally) minus(u tally) tally { return tally{t.records - u.records, t.readings - u.readings} }
func (t tally) plus(u tally) tally  { return tally{t.records + u.records, t.readings + u.readings} }

// later gives the one that has counted more records.
func later(t, u tally) tally {
	if u.records > t.records {
		return u
	}
	return t
}

type frame struct {
	stored, raw int // lengths of the payload
	readings    int
	before      tally
	appended    int64 // nanoseconds since 1970
	place       int64 // offset at which it was written
	sum         uint32
}

func (f *frame) size() int64  { return frameHeaderSize + int64(f.stored) }
func (f *frame) after() tally { return f.before.plus(tally{1, int64(f.readings)}) }

// checksum goes on from a seed; the table is the library's own, made once.
func checksum(seed uint32, b []byte) uint32 {
	return crc32.Update(seed, crc32.MakeTable(crc32.Castagnoli), b)
}

// compress gives the shorter of the record and its compressed form. The
// result may share scratch.
func compress(scratch, record []byte) []byte {
	stored := s2.Encode(scratch[:cap(scratch)], record)
	if len(stored) >= len(record) {
		return record
	}
	return stored
}

// appendFrame appends a frame that holds payload; f tells all but its sum.
func appendFrame(buf []byte, seed uint32, f frame, payload []byte) []byte {
	start := len(buf)
	le := binary.LittleEndian
	buf = append(buf, frameMagic...)
	buf = le.AppendUint32(buf, uint32(f.stored))
	buf = le.AppendUint32(buf, uint32(f.raw))
	buf = le.AppendUint32(buf, uint32(f.readings))
	buf = le.AppendUint64(buf, uint64(f.before.records))
	buf = le.AppendUint64(buf, uint64(f.before.readings))
	buf = le.AppendUint64(buf, uint64(f.appended))
	buf = le.AppendUint64(buf, uint64(f.place))
	buf = le.AppendUint32(buf, checksum(seed, payload))
	buf = le.AppendUint32(buf, checksum(seed, buf[start:]))
	return append(buf, payload...)
}

// parseFrame reads a header; ok is false for anything but a header that this
// segment's writer has written.
func parseFrame(b []byte, seed uint32) (f frame, ok bool) {
	le := binary.LittleEndian
	if len(b) < frameHeaderSize || string(b[:4]) != frameMagic || le.Uint32(b[52:]) != checksum(seed, b[:52]) {
		return frame{}, false
	}
	f = frame{
		stored: int(le.Uint32(b[4:])), raw: int(le.Uint32(b[8:])), readings: int(le.Uint32(b[12:])),
		before:   tally{int64(le.Uint64(b[16:])), int64(le.Uint64(b[24:]))},
		appended: int64(le.Uint64(b[32:])), place: int64(le.Uint64(b[40:])), sum: le.Uint32(b[48:]),
	}
	sane := f.stored <= f.raw && f.raw <= maxPayload && min(f.before.records, f.before.readings, f.place) >= 0
	return f, sane
}

// whole checks a frame's payload.
func (f *frame) whole(payload []byte, seed uint32) bool {
	return len(payload) == f.stored && checksum(seed, payload) == f.sum
}

// open checks a frame's payload and gives the record in it.
func (f *frame) open(payload []byte, seed uint32) ([]byte, bool) {
	if !f.whole(payload, seed) {
		return nil, false
	}
	if f.stored == f.raw {
		return payload, true
	}
	if n, err := s2.DecodedLen(payload); err != nil || n != f.raw {
		return nil, false
	}
	record, err := s2.Decode(nil, payload)
	return record, err == nil
}
