package photos

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// JPEG's markers that matter here.
const (
	markSOI  = 0xd8
	markEOI  = 0xd9
	markSOS  = 0xda
	markAPP0 = 0xe0
	markCOM  = 0xfe
)

var errJPEG = errors.New("a segment ends beyond the file")

// stripJPEG copies a JPEG without the segments that may tell a position:
// those that say how the pixels are to be read stay, and of Exif a new block
// with the little that is kept. What follows the picture's end goes as well:
// phones put further pictures there, each with its own position.
func stripJPEG(in []byte) ([]byte, error) {
	out := append(make([]byte, 0, len(in)), 0xff, markSOI)
	written := false
	for rest := in[2:]; ; {
		marker, segment, after, err := nextSegment(rest)
		if err != nil {
			return nil, err
		}
		switch {
		case marker == markEOI:
			return append(out, 0xff, markEOI), nil
		case marker == markSOS:
			scan := scanLength(after)
			out = append(append(append(out, 0xff, markSOS), segment...), after[:scan]...)
			after = after[scan:]
			if len(after) == 0 { // it ends without its end: readers take it all the same
				return append(out, 0xff, markEOI), nil
			}
		case exifSegment(marker, segment) && !written:
			written = true
			out = appendExif(out, readExif(segment[2+len(exifHead):]).tiff())
		case needed(marker, segment):
			out = append(append(out, 0xff, marker), segment...)
		}
		rest = after
	}
}

// nextSegment reads a marker and its segment, which begins with its length.
func nextSegment(b []byte) (marker byte, segment, after []byte, err error) {
	if len(b) < 2 || b[0] != 0xff {
		return 0, nil, nil, errJPEG
	}
	for len(b) > 2 && b[1] == 0xff { // fill bytes
		b = b[1:]
	}
	marker, b = b[1], b[2:]
	if marker == markEOI {
		return marker, nil, nil, nil
	}
	if len(b) < 2 {
		return 0, nil, nil, errJPEG
	}
	n := int(binary.BigEndian.Uint16(b))
	if n < 2 || n > len(b) {
		return 0, nil, nil, errJPEG
	}
	return marker, b[:n], b[n:], nil
}

// scanLength is how far a scan's data reach: to the next marker that is
// neither stuffing nor a restart.
func scanLength(b []byte) int {
	for i := 0; i+1 < len(b); i++ {
		if next := b[i+1]; b[i] == 0xff && next != 0 && next != 0xff && (next < 0xd0 || next > 0xd7) {
			return i
		}
	}
	return len(b)
}

const exifHead = "Exif\x00\x00"

func exifSegment(marker byte, segment []byte) bool {
	return marker == markAPP0+1 && bytes.HasPrefix(segment[2:], []byte(exifHead))
}

// needed says of a segment that the pixels cannot be read rightly without it.
func needed(marker byte, segment []byte) bool {
	switch {
	case marker == markAPP0:
		return bytes.HasPrefix(segment[2:], []byte("JFIF\x00"))
	case marker == markAPP0+2:
		return bytes.HasPrefix(segment[2:], []byte("ICC_PROFILE\x00"))
	case marker == markAPP0+14:
		return bytes.HasPrefix(segment[2:], []byte("Adobe"))
	case marker > markAPP0 && marker <= markAPP0+15, marker == markCOM:
		return false
	}
	return true
}

func appendExif(out, tiff []byte) []byte {
	if tiff == nil {
		return out
	}
	out = append(out, 0xff, markAPP0+1)
	out = binary.BigEndian.AppendUint16(out, uint16(2+len(exifHead)+len(tiff)))
	return slices.Concat(out, []byte(exifHead), tiff)
}
