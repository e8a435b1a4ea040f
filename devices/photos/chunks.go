package photos

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

const pngHead = "\x89PNG\r\n\x1a\n"

var errChunk = errors.New("a chunk ends beyond the file")

// pngKept are the chunks that say what the pixels are; texts and the rest go.
var pngKept = []string{"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "sBIT", "cICP", "pHYs", "bKGD", "acTL", "fcTL", "fdAT"}

// stripPNG copies a PNG without the chunks that may tell a position.
func stripPNG(in []byte) ([]byte, error) {
	out := append(make([]byte, 0, len(in)), pngHead...)
	for rest := in[len(pngHead):]; ; {
		if len(rest) < 12 {
			return nil, errChunk
		}
		n := uint64(binary.BigEndian.Uint32(rest))
		if n+12 > uint64(len(rest)) {
			return nil, errChunk
		}
		name, data, whole := string(rest[4:8]), rest[8:8+n], rest[:12+n]
		switch {
		case name == "eXIf":
			out = appendPNG(out, name, readExif(data).tiff())
		case slices.Contains(pngKept, name):
			out = append(out, whole...)
		}
		if name == "IEND" {
			return out, nil
		}
		rest = rest[12+n:]
	}
}

func appendPNG(out []byte, name string, data []byte) []byte {
	if data == nil {
		return out
	}
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	at := len(out)
	out = slices.Concat(out, []byte(name), data)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[at:]))
}

// webpKept are the chunks that say what the pixels are.
var webpKept = []string{"VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP"}

// The flags of a VP8X chunk that announce what is taken out.
const (
	webpXMP  = 1 << 2
	webpExif = 1 << 3
)

// stripWebP copies a WebP without the chunks that may tell a position.
func stripWebP(in []byte) ([]byte, error) {
	out := append(make([]byte, 0, len(in)), in[:12]...)
	size := min(uint64(len(in)), 8+uint64(binary.LittleEndian.Uint32(in[4:])))
	flags, exif := -1, false
	for rest := in[12:max(12, size)]; len(rest) > 0; {
		if len(rest) < 8 {
			return nil, errChunk
		}
		n := uint64(binary.LittleEndian.Uint32(rest[4:]))
		if n+8 > uint64(len(rest)) {
			return nil, errChunk
		}
		name, data := string(rest[:4]), rest[8:8+n]
		rest = rest[min(uint64(len(rest)), 8+n+n%2):]
		switch {
		case name == "EXIF" && !exif:
			tiff := readExif(bytes.TrimPrefix(data, []byte(exifHead))).tiff()
			exif = tiff != nil
			out = appendRIFF(out, name, tiff)
		case slices.Contains(webpKept, name):
			if name == "VP8X" && n > 0 {
				flags = len(out) + 8
			}
			out = appendRIFF(out, name, data)
		}
	}
	if flags >= 0 {
		out[flags] &^= webpXMP | webpExif
		if exif {
			out[flags] |= webpExif
		}
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out, nil
}

func appendRIFF(out []byte, name string, data []byte) []byte {
	if data == nil {
		return out
	}
	out = append(out, name...)
	out = append(binary.LittleEndian.AppendUint32(out, uint32(len(data))), data...)
	if len(data)%2 == 1 {
		out = append(out, 0)
	}
	return out
}
