package spool

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A segment file is called <number>-<salt>.spool and begins with a header of
// 64 bytes, little-endian:
//
//	0 magic · 8 version · 16 number · 24 records before · 32 readings before
//	40 made, ns since 1970 · 56 sum of all but itself
//
// The counts before are those of the first frame, and so tell where the
// segment before it ends: a frame there whose count is not below is one that
// was never acknowledged. The salt is random and never leaves the machine.
const (
	segmentHeaderSize = 64
	segmentMagic      = "CITYSPL\n"
	segmentVersion    = 1
	segmentSuffix     = ".spool"
	offsetBits        = 36
)

// segment is what is held in memory of a segment file, whatever its size.
type segment struct {
	number uint64
	salt   uint32
	start  int64 // offset of the first frame; 0 where the header is unreadable
	size   int64 // bytes in which visible frames are looked for
	made   int64 // nanoseconds since 1970
	base   tally // before the first frame
	limit  tally // a frame is visible when its count before is below
}

func position(number uint64, offset int64) Position {
	return Position(number<<offsetBits | uint64(offset))
}

func (p Position) segment() uint64 { return uint64(p >> offsetBits) }
func (p Position) offset() int64   { return int64(p & (1<<offsetBits - 1)) }

func (g *segment) name() string { return fmt.Sprintf("%010d-%08x%s", g.number, g.salt, segmentSuffix) }

// seed is where the sums of the segment's frames start from.
func (g *segment) seed() uint32 {
	b := binary.LittleEndian.AppendUint64(nil, g.number)
	return checksum(0, binary.LittleEndian.AppendUint32(b, g.salt))
}

func parseSegmentName(name string) (g segment, ok bool) {
	if !strings.HasSuffix(name, segmentSuffix) {
		return g, false
	}
	_, err := fmt.Sscanf(name, "%d-%x"+segmentSuffix, &g.number, &g.salt)
	return g, err == nil && g.name() == name && g.number>>(64-offsetBits) == 0
}

func (g *segment) appendHeader(buf []byte) []byte {
	start := len(buf)
	le := binary.LittleEndian
	buf = append(buf, segmentMagic...)
	buf = le.AppendUint64(buf, segmentVersion)
	buf = le.AppendUint64(buf, g.number)
	buf = le.AppendUint64(buf, uint64(g.base.records))
	buf = le.AppendUint64(buf, uint64(g.base.readings))
	buf = le.AppendUint64(buf, uint64(g.made))
	buf = le.AppendUint64(buf, 0)
	return le.AppendUint64(buf, uint64(checksum(g.seed(), buf[start:])))
}

// parseHeader takes the header over into g when it is one of this file.
func (g *segment) parseHeader(b []byte) bool {
	le := binary.LittleEndian
	if len(b) < segmentHeaderSize || string(b[:8]) != segmentMagic || le.Uint64(b[8:]) != segmentVersion ||
		le.Uint64(b[56:]) != uint64(checksum(g.seed(), b[:56])) {
		return false
	}
	g.base = tally{int64(le.Uint64(b[24:])), int64(le.Uint64(b[32:]))}
	g.made = int64(le.Uint64(b[40:]))
	g.start = segmentHeaderSize
	return true
}

// index gives the place of the first segment whose number is not below.
func index(segments []segment, number uint64) int {
	i, _ := slices.BinarySearchFunc(segments, number, func(g segment, n uint64) int {
		switch {
		case g.number < n:
			return -1
		case g.number > n:
			return 1
		}
		return 0
	})
	return i
}

// makeDir makes a directory that survives a power cut: every parent that had
// to be made is synced into its own. The directory itself always is, for an
// earlier start may have failed between making and syncing.
func makeDir(fs vfs.FS, dir string) error {
	made := []string{dir}
	for d := fs.PathDir(dir); ; d = fs.PathDir(d) {
		if _, err := fs.Stat(d); err == nil || fs.PathDir(d) == d {
			break
		}
		made = append(made, d)
	}
	if err := fs.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, d := range made {
		if err := syncDir(fs, fs.PathDir(d)); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
