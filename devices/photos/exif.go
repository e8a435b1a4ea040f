package photos

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// The tags that a stripped picture keeps: how it stands, when it was taken and
// with what. Everything else goes, for makers hide positions in many places.
const (
	tagMake         = 0x010f
	tagModel        = 0x0110
	tagOrientation  = 0x0112
	tagDateTime     = 0x0132
	tagExif         = 0x8769 // leads to a directory of its own
	tagTaken        = 0x9003
	tagOffset       = 0x9010
	tagOffsetTaken  = 0x9011
	typeText        = 2
	typeShort       = 3
	typeLong        = 4
	longestText     = 128
	mostDirectories = 64 // entries looked at in one directory
)

// exif is what is kept of an Exif block.
type exif struct {
	orientation uint16 // 1…8; 0: not told
	texts       map[uint16]string
}

// readExif reads what is kept out of a TIFF structure, as far as that makes
// sense. It never fails: what cannot be read is left out.
func readExif(tiff []byte) exif {
	e := exif{texts: map[uint16]string{}}
	if len(tiff) < 8 {
		return e
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(tiff[:2]) == "II" {
		order = binary.LittleEndian
	}
	below := e.directory(tiff, order, order.Uint32(tiff[4:]))
	if below != 0 {
		e.directory(tiff, order, below)
	}
	return e
}

// directory reads one directory, and gives where the Exif one is; 0: nowhere.
func (e *exif) directory(tiff []byte, order binary.ByteOrder, at uint32) (below uint32) {
	if uint64(at)+2 > uint64(len(tiff)) {
		return 0
	}
	entries := tiff[at+2:]
	for range min(int(order.Uint16(tiff[at:])), mostDirectories) {
		if len(entries) < 12 {
			return below
		}
		tag, kind, count := order.Uint16(entries), order.Uint16(entries[2:]), order.Uint32(entries[4:])
		switch {
		case tag == tagOrientation && kind == typeShort && count == 1:
			if v := order.Uint16(entries[8:]); v >= 1 && v <= 8 {
				e.orientation = v
			}
		case tag == tagExif && kind == typeLong && count == 1:
			below = order.Uint32(entries[8:])
		case kept(tag) && kind == typeText:
			e.text(tag, tiff, entries[8:12], order, count)
		}
		entries = entries[12:]
	}
	return below
}

func kept(tag uint16) bool {
	switch tag {
	case tagMake, tagModel, tagDateTime, tagTaken, tagOffset, tagOffsetTaken:
		return true
	}
	return false
}

// text takes a text of printable ASCII: within the entry, or where that points.
func (e *exif) text(tag uint16, tiff, value []byte, order binary.ByteOrder, count uint32) {
	if count > longestText {
		return
	}
	if count > 4 {
		at := uint64(order.Uint32(value))
		if at+uint64(count) > uint64(len(tiff)) {
			return
		}
		value = tiff[at:]
	}
	text, _, _ := bytes.Cut(value[:count], []byte{0})
	if slices.ContainsFunc(text, func(b byte) bool { return b < ' ' || b > '~' }) || len(text) == 0 {
		return
	}
	e.texts[tag] = string(text)
}

// tiff writes what is kept; nil when that is nothing.
func (e exif) tiff() []byte {
	if e.orientation == 0 && len(e.texts) == 0 {
		return nil
	}
	out := directory{at: 8, bytes: []byte("MM\x00\x2a\x00\x00\x00\x08")}
	inner := directory{}
	for tag, text := range e.texts {
		if tag < tagExif {
			out.entries = append(out.entries, entry{tag, typeText, text, 0})
		} else {
			inner.entries = append(inner.entries, entry{tag, typeText, text, 0})
		}
	}
	if e.orientation != 0 {
		out.entries = append(out.entries, entry{tagOrientation, typeShort, "", uint32(e.orientation) << 16})
	}
	if len(inner.entries) == 0 {
		return out.write()
	}
	out.entries = append(out.entries, entry{tag: tagExif, kind: typeLong})
	end := len(out.write())
	out.entries[len(out.entries)-1].value = uint32(end) // it was sorted to the end: its tag is the highest
	inner.at, inner.bytes = end, out.write()
	return inner.write()
}

// entry of a directory; text is "" for a number.
type entry struct {
	tag, kind uint16
	text      string
	value     uint32
}

// directory is written at an offset, behind bytes.
type directory struct {
	at      int
	bytes   []byte
	entries []entry
}

func (d *directory) write() []byte {
	slices.SortFunc(d.entries, func(a, b entry) int { return int(a.tag) - int(b.tag) })
	big := binary.BigEndian
	out := big.AppendUint16(slices.Clone(d.bytes), uint16(len(d.entries)))
	texts, end := []byte{}, d.at+2+12*len(d.entries)+4
	for _, e := range d.entries {
		out = big.AppendUint16(big.AppendUint16(out, e.tag), e.kind)
		if e.kind != typeText {
			out = big.AppendUint32(big.AppendUint32(out, 1), e.value)
			continue
		}
		text := append([]byte(e.text), 0)
		out = big.AppendUint32(out, uint32(len(text)))
		if len(text) <= 4 {
			out = append(out, append(text, 0, 0, 0)[:4]...)
			continue
		}
		out = big.AppendUint32(out, uint32(end+len(texts)))
		texts = append(texts, text...)
		if len(texts)%2 == 1 {
			texts = append(texts, 0)
		}
	}
	return append(big.AppendUint32(out, 0), texts...) // 0: no directory follows
}
